//! What a caller may do is in the token of each call, and in nothing that was before it.

use serde_json::json;

use super::support::{House, TRACE_ID, presign_body};

/// The same user, whose later token has less in it: another tenant alone, or a lesser role. The
/// token of before is good until its own end.
#[actix_web::test]
async fn who_lost_membership_or_role_after_the_promise_registers_nothing() {
    let house = House::open();
    let asset_id = house.presigned_and_uploaded().await;
    let calls = house.store.calls();
    let register = house.register(&json!({"asset_id": asset_id}));
    for lesser in ["stranger", "roleless", "viewer", "member"] {
        let answer = register
            .clone()
            .with("authorization", &format!("Bearer {lesser}"))
            .send()
            .await;
        assert_eq!(
            answer.whole(),
            (
                403,
                json!({
                    "type": "urn:nexus-raw:problem:forbidden",
                    "title": "Forbidden",
                    "status": 403,
                    "detail": "the caller has no right to do this in this tenant",
                    "instance": "/nexus/raw/register",
                    "code": "forbidden",
                    "trace_id": TRACE_ID,
                })
            ),
            "{lesser}"
        );
        assert_eq!(answer.header("location"), None, "{lesser}");
    }
    assert_eq!((house.events(), house.store.calls()), (1, calls));
    let record = house.get(&format!("/nexus/raw/{asset_id}"));
    let absent = (404, "asset-not-found".to_owned(), vec![]);
    assert_eq!(record.clone().send().await.problem(), absent);

    assert_eq!(register.send().await.status, 201);
    assert_eq!((house.events(), record.send().await.status), (2, 200));
}

/// A repeat gives the record back, so it takes the right to write, too.
#[actix_web::test]
async fn a_caller_who_lost_the_right_gets_nothing_by_a_repeat() {
    let house = House::open();
    let presign = house
        .presign(&presign_body())
        .header("idempotency-key", "k");
    let asset_id = presign.clone().send().await.json()["asset_id"].clone();
    house.place(
        asset_id.as_str().unwrap(),
        super::support::uploaded(asset_id.as_str().unwrap()),
    );
    let register = house.register(&json!({"asset_id": asset_id}));
    assert_eq!(register.clone().send().await.status, 201);
    let calls = house.store.calls();
    let forbidden = (403, "forbidden".to_owned(), vec![]);
    for lesser in ["stranger", "roleless", "viewer", "member"] {
        for again in [&presign, &register] {
            let again = again.clone();
            let answer = again.with("authorization", &format!("Bearer {lesser}"));
            assert_eq!(answer.send().await.problem(), forbidden, "{lesser}");
        }
    }
    assert_eq!((house.events(), house.store.calls()), (2, calls));
}
