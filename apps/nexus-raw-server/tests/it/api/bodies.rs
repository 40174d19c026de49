use super::support::{House, presign_body};

#[actix_web::test]
async fn a_body_is_plain_json_in_utf_8() {
    let house = House::open();
    let request = house.presign(&presign_body());
    for good in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "application/json ; charset=utf-8",
        "application/json\t;charset=utf-8",
    ] {
        assert_eq!(
            request
                .clone()
                .with("content-type", good)
                .send()
                .await
                .status,
            200,
            "{good}"
        );
    }
    let refused = (415, "unsupported-media-type".to_owned(), vec![]);
    for bad in [
        "",
        "text/plain",
        "application/json-patch+json",
        "application/vnd.api+json",
        "application/json; charset=latin1",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json, text/plain",
        "json",
        "\u{e9}",
    ] {
        let answer = request.clone().with("content-type", bad).send().await;
        assert_eq!(answer.problem(), refused, "{bad:?}");
    }
    let without = request.clone().without("content-type");
    assert_eq!(without.send().await.problem(), refused);
    let twice = request.clone().header("content-type", "application/json");
    assert_eq!(twice.send().await.problem(), refused);
    for coding in ["gzip", "identity, gzip", "br", "x"] {
        let answer = request
            .clone()
            .header("content-encoding", coding)
            .send()
            .await;
        assert_eq!(answer.problem(), refused, "{coding}");
    }
    let identity = request.header("content-encoding", "identity");
    assert_eq!(identity.send().await.status, 200);
}

#[actix_web::test]
async fn a_body_has_at_most_64_kib_whether_or_not_it_says_so() {
    let house = House::open();
    let body = presign_body().to_string();
    let pad = |length: usize| format!("{body}{}", " ".repeat(length - body.len()));
    let request = house.presign(&presign_body());
    let refused = (413, "payload-too-large".to_owned(), vec![]);

    assert_eq!(request.clone().body(pad(65_536)).send().await.status, 200);
    let answer = request.clone().body(pad(65_537)).send().await;
    assert_eq!(answer.problem(), refused);

    let chunked = request
        .without("content-length")
        .header("transfer-encoding", "chunked");
    let chunks = |text: &str| {
        let chunks = text.as_bytes().chunks(5000);
        let mut raw: Vec<u8> = Vec::new();
        for chunk in chunks {
            raw.extend(format!("{:x}\r\n", chunk.len()).bytes());
            raw.extend(chunk);
            raw.extend(b"\r\n");
        }
        raw.extend(b"0\r\n\r\n");
        raw
    };
    let exact = chunked.clone().raw_body(chunks(&pad(65_536)));
    assert_eq!(exact.send().await.status, 200);
    for length in [65_537, 2 * 1024 * 1024] {
        let long = chunked.clone().raw_body(chunks(&pad(length)));
        assert_eq!(long.send().await.problem(), refused, "{length}");
    }
}

#[actix_web::test]
async fn a_body_is_one_strict_json_text() {
    let house = House::open();
    let deep = format!("{}{}", "[".repeat(33), "]".repeat(33));
    let request = house.presign(&presign_body());
    for bad in [
        &b""[..],
        b" ",
        b"{",
        b"{}{}",
        b"\xef\xbb\xbf{}",
        b"{\"a\":\"\xff\"}",
        b"{\"a\":1,\"a\":1}",
        b"{\"a\":1,\"\\u0061\":1}",
        b"{\"a\":{\"b\":1,\"b\":2}}",
        b"{\"a\":\"\\ud800\"}",
        b"{\"a\":NaN}",
        b"{\"a\":01}",
        deep.as_bytes(),
    ] {
        let answer = request.clone().body(bad).send().await;
        let text = String::from_utf8_lossy(bad);
        assert_eq!(
            answer.problem(),
            (400, "malformed-request".to_owned(), vec![]),
            "{text}"
        );
    }
    for other in ["null", "1", "\"a\"", "[]", "true"] {
        let answer = request.clone().body(other).send().await;
        let pointers = vec![String::new()];
        assert_eq!(
            answer.problem(),
            (422, "validation-failed".to_owned(), pointers),
            "{other}"
        );
    }
    assert_eq!(house.events(), 0);
}
