use std::time::Duration;

use nexus_raw::ports::SinkName;
use nexus_raw_server::http::{Dependency, Phase};
use nexus_raw_testkit::sample;
use serde_json::json;

use crate::support::{House, Parts, Request, presign_body};

#[actix_web::test]
async fn probes_and_the_document_need_no_token() {
    let house = House::open();
    let get = |target| Request::new(house.address, "GET", target);
    assert_eq!(
        get("/healthz").send().await.whole(),
        (200, json!({"status": "ok"}))
    );
    assert_eq!(
        get("/readyz").send().await.whole(),
        (200, json!({"status": "ready"}))
    );
    let document = get("/openapi.json").send().await;
    assert_eq!(
        (document.status, &document.json()["openapi"]),
        (200, &json!("3.1.0"))
    );
}

#[actix_web::test]
async fn readiness_tells_which_part_is_away() {
    let house = House::open();
    let get = || Request::new(house.address, "GET", "/readyz");
    house.store.set_available(false);
    let answer = get().send().await;
    assert_eq!(
        answer.problem(),
        (503, "storage-unavailable".to_owned(), vec![])
    );
    assert_eq!(answer.header("retry-after"), Some("2"));
    house.store.set_available(true);
    house.catalog.set_available(false);
    assert_eq!(
        get().send().await.problem(),
        (503, "catalog-unavailable".to_owned(), vec![])
    );
    house.catalog.set_available(true);
    assert_eq!(get().send().await.status, 200);
}

#[actix_web::test]
async fn an_event_that_is_not_delivered_in_time_makes_the_service_unready() {
    let house = House::open();
    let sink = SinkName::log();
    house.backlogs.note(&sink, Some(sample::now()));
    house.clock.advance(Duration::from_secs(899));
    let get = || Request::new(house.address, "GET", "/readyz");
    assert_eq!(get().send().await.status, 200);
    house.clock.advance(Duration::from_secs(1));
    let answer = get().send().await;
    assert_eq!(
        answer.problem(),
        (503, "sink-unavailable".to_owned(), vec![])
    );
    assert_eq!(answer.header("retry-after"), Some("2"));
    house.backlogs.note(&sink, None);
    assert_eq!(get().send().await.status, 200);
}

#[actix_web::test]
async fn what_was_looked_up_holds_for_all_who_ask_in_the_same_second() {
    let house = House::open_with(Parts {
        readiness_holds: Duration::from_hours(1),
        ..Parts::default()
    });
    let get = || Request::new(house.address, "GET", "/readyz");
    assert_eq!(get().send().await.status, 200);
    house.store.set_available(false);
    assert_eq!(get().send().await.status, 200);
}

#[actix_web::test]
async fn while_it_starts_the_service_lives_and_says_what_it_waits_for() {
    let house = House::open_with(Parts::default());
    for (dependency, code) in [
        (Dependency::Storage, "storage-unavailable"),
        (Dependency::Catalog, "catalog-unavailable"),
    ] {
        house.phase.send_replace(Phase::Waiting(dependency));
        assert_eq!(house.get("/healthz").send().await.status, 200);
        let unavailable = (503, code.to_owned(), vec![]);
        assert_eq!(house.get("/readyz").send().await.problem(), unavailable);
        assert_eq!(
            house.presign(&presign_body()).send().await.problem(),
            unavailable
        );
        let nobody = house.presign(&presign_body()).without("authorization");
        assert_eq!(nobody.send().await.status, 401);
    }
}
