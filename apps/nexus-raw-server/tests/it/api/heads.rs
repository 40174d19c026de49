use std::collections::HashSet;

use nexus_raw::event::TraceId;
use serde_json::json;

use super::support::{House, TRACE_ID, presign_body};

#[actix_web::test]
async fn a_scope_header_is_there_once_and_exactly_right() {
    let house = House::open();
    let long = format!("t_{}", "a".repeat(62));
    for (name, bad) in [
        ("x-tenant-id", ""),
        ("x-tenant-id", "t_"),
        ("x-tenant-id", "demo"),
        ("x-tenant-id", "T_demo"),
        ("x-tenant-id", "t_Demo"),
        ("x-tenant-id", "t_de mo"),
        ("x-tenant-id", "t_de\tmo"),
        ("x-tenant-id", "t_demo,t_demo"),
        ("x-tenant-id", "t_d\u{e9}mo"),
        ("x-tenant-id", long.as_str()),
        ("x-env", ""),
        ("x-env", "Dev"),
        ("x-env", "development"),
        ("x-env", "dev,prod"),
        ("x-env", "d\u{e9}v"),
    ] {
        let answer = house.presign(&presign_body()).with(name, bad).send().await;
        assert_eq!(
            answer.problem(),
            (400, "malformed-request".to_owned(), vec![]),
            "{name}: {bad}"
        );
    }
    for (name, value) in [("x-tenant-id", "t_demo"), ("x-env", "dev")] {
        let answer = house.presign(&presign_body()).without(name).send().await;
        assert_eq!(answer.status, 400, "{name} absent");
        let answer = house
            .presign(&presign_body())
            .header(name, value)
            .send()
            .await;
        assert_eq!(answer.status, 400, "{name} twice");
    }
    assert_eq!(house.events(), 0);
    let spaced = house
        .presign(&presign_body())
        .with("x-tenant-id", " \tt_demo \t");
    assert_eq!(spaced.send().await.status, 200);
}

#[actix_web::test]
async fn the_answer_continues_the_callers_trace_and_echoes_its_request_id() {
    let house = House::open();
    let answer = house.get("/healthz").send().await;
    let traceparent = answer.header("traceparent").unwrap();
    let (known, span) = (&traceparent[..36], &traceparent[36..52]);
    assert_eq!(known, format!("00-{TRACE_ID}-"));
    assert!(span != "00f067aa0ba902b7" && span.bytes().all(|it| it.is_ascii_hexdigit()));
    assert_eq!(&traceparent[52..], "-01");
    assert_eq!(answer.header("x-request-id"), Some("req-1"));
}

#[actix_web::test]
async fn what_is_no_trace_or_request_id_is_replaced_by_a_fresh_one() {
    let house = House::open();
    let long = "a".repeat(129);
    let mut traces = HashSet::new();
    for bad in ["", "a b", "a;b", "<script>", long.as_str(), "\u{e9}"] {
        let request = house.get("/nexus/raw/x").with("x-request-id", bad);
        let answer = request.with("traceparent", bad).send().await;
        let fresh = answer.header("x-request-id").unwrap();
        assert_eq!((fresh.len(), &fresh[14..15]), (36, "4"), "{bad:?}");
        let trace_id = answer.json()["trace_id"].as_str().unwrap().to_owned();
        assert!(TraceId::parse(&trace_id).is_ok());
        assert_eq!(&answer.header("traceparent").unwrap()[3..35], trace_id);
        assert!(traces.insert(trace_id), "a fresh trace id came twice");
    }
}

#[actix_web::test]
async fn an_ill_formed_idempotency_key_is_malformed() {
    let house = House::open();
    let long = "k".repeat(256);
    for bad in [
        "",
        " ",
        "a b",
        "a\tb",
        "k, k",
        "\u{e9}",
        "\u{200b}k",
        "k\u{ff11}",
        long.as_str(),
    ] {
        let answer = house
            .presign(&presign_body())
            .header("idempotency-key", bad)
            .send()
            .await;
        assert_eq!(
            answer.problem(),
            (400, "malformed-request".to_owned(), vec![]),
            "{bad:?}"
        );
    }
    let twice = house
        .presign(&presign_body())
        .header("idempotency-key", "k");
    assert_eq!(twice.clone().send().await.status, 200);
    assert_eq!(
        twice.header("idempotency-key", "k").send().await.status,
        400
    );
    // what HTTP itself does not take gets no problem
    for bad in ["k\u{0}", "k\u{1b}[2J", "k\u{7f}"] {
        let request = house.presign(&presign_body());
        let refused = request.header("idempotency-key", bad);
        let answer = refused.send_to_the_end().await;
        let status = answer.map(|it| it.status);
        assert!(matches!(status, None | Some(400)), "{bad:?}: {status:?}");
    }
    assert_eq!(house.events(), 1);
}

#[actix_web::test]
async fn only_a_presign_uses_the_idempotency_key() {
    let house = House::open();
    let asset_id = house.presigned_and_uploaded().await;
    let register = house.register(&json!({"asset_id": asset_id}));
    let asset = house.get(&format!("/nexus/raw/{asset_id}"));
    let events = house.get(&format!("/nexus/raw/{asset_id}/events"));
    for (request, status) in [(register, 201), (asset, 200), (events, 200)] {
        let answer = request.header("idempotency-key", "a b").send().await;
        assert_eq!(answer.status, status);
    }
}

#[actix_web::test]
async fn head_is_answered_like_get_without_the_body() {
    let house = House::open();
    let (asset_id, _) = house.registered().await;
    for target in [
        format!("/nexus/raw/{asset_id}"),
        format!("/nexus/raw/{asset_id}/events"),
        "/nexus/raw/x".to_owned(),
        "/healthz".to_owned(),
        "/readyz".to_owned(),
        "/openapi.json".to_owned(),
        "/docs".to_owned(),
    ] {
        let get = house.get(&target).send().await;
        let head = house.request("HEAD", &target).send().await;
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{target}");
        assert_eq!(head.steady_headers(), get.steady_headers(), "{target}");
    }
}

#[actix_web::test]
async fn an_answer_says_what_it_is_and_not_who_made_it() {
    let house = House::open();
    let presigned = house.presign(&presign_body()).send().await;
    assert_eq!(
        presigned.header_names(),
        [
            "cache-control",
            "connection",
            "content-length",
            "content-type",
            "date",
            "traceparent",
            "x-content-type-options",
            "x-request-id",
        ]
    );
    assert_eq!(presigned.header("cache-control"), Some("no-store"));
    assert_eq!(presigned.header("content-type"), Some("application/json"));
    assert_eq!(presigned.header("x-content-type-options"), Some("nosniff"));
}

#[actix_web::test]
async fn a_head_that_cannot_be_read_gets_a_bare_refusal() {
    let house = House::open();
    let many = house.get("/healthz");
    let many = (0..200).fold(many, |it, n| it.header(&format!("x-{n}"), "1"));
    let large = house
        .get("/healthz")
        .header("x-large", &"a".repeat(200 * 1024));
    let both = house
        .presign(&presign_body())
        .header("transfer-encoding", "chunked");
    let lengths = house.presign(&presign_body()).header("content-length", "5");
    let signed = house.presign(&presign_body()).with("content-length", "+5");
    for request in [many, large, both, lengths, signed] {
        if let Some(answer) = request.send_to_the_end().await {
            assert!((400..500).contains(&answer.status), "{}", answer.status);
        }
    }
    assert_eq!(house.events(), 0);
    assert_eq!(
        house.get("/healthz").send().await.whole(),
        (200, json!({"status": "ok"}))
    );
}
