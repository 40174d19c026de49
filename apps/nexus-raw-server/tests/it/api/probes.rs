use std::{sync::Arc, time::Duration};

use nexus_raw::ports::{IdentityError, MockIdentityVerifier, SinkName};
use nexus_raw_server::life_cycle::{Dependency, Phase};
use nexus_raw_testkit::sample;
use serde_json::json;

use super::support::{House, Parts, Request, TRACE_ID, presign_body};

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
async fn readiness_reports_which_part_is_away() {
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
async fn a_service_that_is_about_to_end_is_unready_and_serves() {
    let house = House::open();
    house.phase.send_modify(|phase| {
        if let Phase::Started(core) = phase {
            *phase = Phase::Draining(Arc::clone(core));
        }
    });
    let answer = house.get("/readyz").send().await;
    assert_eq!(
        answer.whole(),
        (
            503,
            json!({
                "type": "urn:nexus-raw:problem:storage-unavailable",
                "title": "Storage unavailable",
                "status": 503,
                "detail": "the service is about to end; go to another one",
                "instance": "/readyz",
                "code": "storage-unavailable",
                "trace_id": TRACE_ID,
            })
        )
    );
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert_eq!(house.get("/healthz").send().await.status, 200);
    house.presigned().await;
}

#[actix_web::test]
async fn without_keys_the_service_is_unready_and_so_is_its_answer_to_a_token() {
    let away = || IdentityError::Unavailable("no keys: a secret".into());
    let mut identity = MockIdentityVerifier::new();
    identity.expect_verify().returning(move |token| {
        Err(match token {
            "faulty" => IdentityError::Invalid("faulty: a secret".into()),
            _ => away(),
        })
    });
    identity.expect_ready().returning(move || Err(away()));
    let house = House::open_with(Parts {
        identity: Arc::new(identity),
        ..Parts::default()
    });
    let unavailable = |instance: &str| {
        json!({
            "type": "urn:nexus-raw:problem:identity-unavailable",
            "title": "Identity unavailable",
            "status": 503,
            "detail": "the service has no keys yet to verify tokens with; try again later",
            "instance": instance,
            "code": "identity-unavailable",
            "trace_id": TRACE_ID,
        })
    };
    let presign = "/nexus/raw/presign-upload";
    for (request, path) in [
        (house.get("/readyz"), "/readyz"),
        (house.presign(&presign_body()), presign),
        // no route is disclosed before the caller is authenticated
        (
            house.get("/nexus/raw/no/such/route"),
            "/nexus/raw/no/such/route",
        ),
    ] {
        let answer = request.send().await;
        assert_eq!(answer.whole(), (503, unavailable(path)));
        assert_eq!(answer.header("retry-after"), Some("2"));
        assert_eq!(answer.header("www-authenticate"), None);
    }
    let faulty = house.presign(&presign_body());
    for request in [
        faulty.clone().without("authorization"),
        faulty.clone().with("authorization", "Basic b3duZXI6"),
        faulty.with("authorization", "Bearer faulty"),
    ] {
        let refused = (401, "unauthenticated".to_owned(), vec![]);
        assert_eq!(request.send().await.problem(), refused);
    }
    assert_eq!(house.get("/healthz").send().await.status, 200);
    assert_eq!(house.events(), 0);
}

#[actix_web::test]
async fn an_event_that_is_not_delivered_in_time_makes_the_service_unready() {
    let house = House::open();
    let sink = SinkName::new("log");
    house
        .core
        .readiness
        .backlogs()
        .note(&sink, Some(sample::now()));
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
    house.core.readiness.backlogs().note(&sink, None);
    assert_eq!(get().send().await.status, 200);
}

#[actix_web::test]
async fn a_check_holds_for_all_requests_in_the_same_second() {
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
