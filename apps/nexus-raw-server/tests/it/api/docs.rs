//! The API's document for people.

use nexus_raw_server::http::docs_page;

use super::support::{House, Request};

#[actix_web::test]
async fn the_page_needs_no_token_and_comes_whole_under_a_policy_that_lets_nothing_else_in() {
    let house = House::open();
    let answer = Request::new(house.address, "GET", "/docs").send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, docs_page().unwrap().into_bytes());
    let headers = answer.steady_headers();
    let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "cache-control",
            "connection",
            "content-length",
            "content-security-policy",
            "content-type",
            "etag",
            "referrer-policy",
            "x-content-type-options",
        ]
    );
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(answer.header("cache-control"), Some("public, no-cache"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
}

#[actix_web::test]
async fn a_known_page_is_not_sent_again_and_other_methods_are_refused() {
    let house = House::open();
    let whole = house.get("/docs").send().await;
    let tag = whole.header("etag").unwrap();
    for known in [tag, "*", &format!("\"other\", W/{tag}")] {
        let answer = house.get("/docs").header("if-none-match", known);
        let answer = answer.send().await;
        assert_eq!((answer.status, answer.header("etag")), (304, Some(tag)));
        assert_eq!(
            (&*answer.body, answer.header("content-type")),
            (&b""[..], None)
        );
    }
    let other = house.get("/docs").header("if-none-match", "\"other\"");
    assert_eq!(other.send().await.body, whole.body);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = house.request(method, "/docs").send().await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("GET, HEAD"))
        );
    }
    let below = house.get("/docs/");
    assert_eq!(below.send().await.problem().0, 404);
}
