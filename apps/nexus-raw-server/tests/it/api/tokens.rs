use serde_json::json;

use super::support::{House, TRACE_ID};

const PATH: &str = "/nexus/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";

#[actix_web::test]
async fn every_fault_of_a_token_gets_the_same_answer() {
    let house = House::open();
    let without = house.get(PATH).without("authorization").send().await;
    assert_eq!(
        without.whole(),
        (
            401,
            json!({
                "type": "urn:nexus-raw:problem:unauthenticated",
                "title": "Not authenticated",
                "status": 401,
                "detail": "a valid bearer token is required",
                "instance": PATH,
                "code": "unauthenticated",
                "trace_id": TRACE_ID,
            })
        )
    );
    assert_eq!(
        without.steady_headers(),
        [
            ("cache-control", "no-store"),
            ("connection", "close"),
            ("content-length", "265"),
            ("content-type", "application/problem+json"),
            ("www-authenticate", "Bearer error=\"invalid_token\""),
            ("x-content-type-options", "nosniff"),
        ]
    );
    for credentials in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer unknown",
        "Basic b3duZXI6",
        "owner",
        "Bearer\towner",
        "Bearer owner, Bearer owner",
        "Bearer \u{e9}",
    ] {
        let answer = house
            .get(PATH)
            .with("authorization", credentials)
            .send()
            .await;
        assert_eq!(answer.body, without.body, "{credentials:?}");
        assert_eq!(
            answer.steady_headers(),
            without.steady_headers(),
            "{credentials:?}"
        );
    }
}

#[actix_web::test]
async fn the_case_of_the_scheme_does_not_matter() {
    let house = House::open();
    for credentials in [
        "bearer owner",
        "BEARER owner",
        "Bearer  owner",
        "Bearer owner ",
    ] {
        let answer = house
            .get(PATH)
            .with("authorization", credentials)
            .send()
            .await;
        assert_eq!(answer.status, 404, "{credentials:?}");
    }
}

#[actix_web::test]
async fn a_second_authorization_is_malformed_after_any_first_one() {
    let house = House::open();
    for second in ["Bearer owner", "Bearer unknown", ""] {
        let answer = house.get(PATH).header("authorization", second).send().await;
        assert_eq!(
            answer.problem(),
            (400, "malformed-request".to_owned(), vec![])
        );
    }
}

#[actix_web::test]
async fn a_token_in_query_or_cookie_is_not_looked_at() {
    let house = House::open();
    let target = format!("{PATH}?access_token=owner");
    let request = house.get(&target).without("authorization");
    let answer = request.header("cookie", "token=owner").send().await;
    assert_eq!(answer.status, 401);
    // the query is no part of the instance: it may have a secret
    assert_eq!(answer.json()["instance"], PATH);
}

#[actix_web::test]
async fn reading_needs_membership_and_writing_a_role_that_writes() {
    let house = House::open();
    let forbidden = (403, "forbidden".to_owned(), vec![]);
    for (token, reads, writes) in [
        ("owner", true, true),
        ("admin", true, true),
        ("member", true, false),
        ("viewer", true, false),
        ("roleless", true, false),
        ("stranger", false, false),
    ] {
        let credentials = format!("Bearer {token}");
        let read = house
            .get(PATH)
            .with("authorization", &credentials)
            .send()
            .await;
        let read = read.problem();
        assert_eq!(read == forbidden, !reads, "{token}: {read:?}");
        for target in ["/nexus/raw/presign-upload", "/nexus/raw/register"] {
            let write = house
                .post(target, &json!({}))
                .with("authorization", &credentials);
            let write = write.send().await.problem();
            assert_eq!(write == forbidden, !writes, "{token}: {write:?}");
        }
    }
    assert_eq!(house.events(), 0);
}
