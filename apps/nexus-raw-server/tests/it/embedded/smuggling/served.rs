use super::{CHUNKED, Forge, QUIET, get, hear_all};
use crate::{machine::Machine, wire::Wire};

#[tokio::test]
async fn requests_sent_ahead_are_answered_one_after_the_other_each_by_its_own_rule() {
    let machine = Machine::new();
    let server = machine.start();
    let forge = Forge::of(&machine);
    let missing = "GET /none HTTP/1.1\r\nHost: nexus.test\r\n\r\n";
    // an answer to a HEAD has no body, also with a GET after it
    let bodiless = get("").replace("GET", "HEAD");
    let ahead = format!(
        "{}{bodiless}{missing}{}\r\n{}{bodiless}",
        get(""),
        forge.hidden(),
        get("")
    );
    let mut wire = Wire::open(server.address).await;
    wire.say(&ahead[..ahead.len() - 3]).await;
    let heard = wire.listen(QUIET).await;
    assert_eq!(
        (&*heard.statuses, heard.closed),
        (&[200, 200, 404, 200, 200][..], false),
        "{heard:?}"
    );
    wire.say(&ahead[ahead.len() - 3..]).await;
    let heard = wire.listen(QUIET).await;
    assert_eq!(heard.statuses, [200, 200, 404, 200, 200, 200], "{heard:?}");
    assert_eq!(
        heard.text.matches(r#"{"status":"ok"}"#).count(),
        2,
        "{heard:?}"
    );
}

#[tokio::test]
async fn what_http_allows_is_served() {
    let machine = Machine::new();
    let server = machine.start();
    let forge = Forge::of(&machine);
    let (length, body) = (forge.length(), &forge.body);
    let post = |more: &str| forge.post(&format!("{length}{more}"), body);
    let unknown = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: nexus.test\r\n\r\n");
    let cases = vec![
        (vec![100, 200], post("Expect: 100-continue\r\n")),
        (
            vec![100, 401],
            Forge::unknown(&post("Expect: 100-continue\r\n")),
        ),
        (
            vec![200],
            post(
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
            ),
        ),
        (
            vec![200],
            forge.post("Transfer-Encoding: Chunked\r\n", &forge.chunked()),
        ),
        (
            vec![200],
            forge.post(
                CHUNKED,
                &format!(
                    "{:X};a=b\r\n{body}\r\n0\r\nAuthorization: Bearer x\r\n\r\n",
                    body.len()
                ),
            ),
        ),
        (vec![200], format!("\r\n{}", get(""))),
        // a proxy's form of the target gives no other rights, and other forms have no route
        (vec![200], unknown("http://nexus.test/healthz")),
        (vec![401], unknown("http://nexus.test/nexus/raw/x")),
        (vec![404], unknown("nexus.test:80")),
        (vec![404], unknown("*")),
        (vec![401], unknown("/nexus/raw/x?access_token=x")),
        (
            vec![401],
            unknown("/nexus/raw/x").replace("\r\n\r\n", "\r\nCookie: token=x\r\n\r\n"),
        ),
    ];
    for (statuses, heard) in hear_all(&server, cases).await {
        assert_eq!(heard.statuses, statuses, "{heard:?}");
    }
}
