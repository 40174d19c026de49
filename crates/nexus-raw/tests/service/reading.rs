use nexus_raw::{
    asset::Provenance,
    ports::{CatalogError, EventQuery},
    service::ReadError,
};
use nexus_raw_testkit::sample;

use crate::house::House;

#[tokio::test]
async fn a_registered_asset_is_read_as_it_was_registered() {
    let house = House::new();
    let asset = house.registered(sample::provenance()).await;
    let reader = sample::read_access(&house.scope);
    let id = asset.asset_id();
    assert_eq!(house.service.asset(&reader, id).await.unwrap().asset, asset);
    assert_eq!(
        house
            .service
            .events(&reader, &EventQuery::first(1000).of_asset(id))
            .await
            .unwrap(),
        house.events()
    );
}

#[tokio::test]
async fn a_presigned_asset_has_events_and_no_record() {
    let house = House::new();
    let id = house.presign().await.asset_id;
    let reader = sample::read_access(&house.scope);
    let record = house.service.asset(&reader, id).await;
    assert!(
        matches!(record, Err(ReadError::AssetNotFound)),
        "{record:?}"
    );
    assert_eq!(
        house
            .service
            .events(&reader, &EventQuery::first(1000).of_asset(id))
            .await
            .unwrap(),
        house.events()
    );
}

#[tokio::test]
async fn the_events_of_an_asset_are_read_on_from_a_sequence_to_an_end_that_is_no_absence() {
    let house = House::new();
    let id = house.registered(sample::provenance()).await.asset_id();
    house.presign().await;
    let all = house.events();
    let reader = sample::read_access(&house.scope);
    for (after, limit, given) in [
        (0, 10, &all[..2]),
        (0, 1, &all[..1]),
        (1, 1, &all[1..2]),
        (2, 10, &[]),
        (u64::MAX, 10, &[]),
    ] {
        let query = EventQuery::first(limit).of_asset(id).after(after);
        let events = house.service.events(&reader, &query).await;
        assert_eq!(events.unwrap(), given, "after {after}");
    }
    let query = EventQuery::first(10)
        .of_asset(sample::asset_id(999))
        .after(2);
    let absent = house.service.events(&reader, &query);
    let absent = absent.await;
    assert!(
        matches!(absent, Err(ReadError::AssetNotFound)),
        "{absent:?}"
    );
}

#[tokio::test]
async fn the_events_of_a_scope_are_read_on_from_a_sequence_by_its_readers_alone() {
    let house = House::new();
    house.registered(sample::provenance()).await;
    house.presign().await;
    let all = house.events();
    assert_eq!(all.len(), 3);
    let reader = sample::read_access(&house.scope);
    for (after, limit, given) in [
        (0, 10, &all[..]),
        (0, 2, &all[..2]),
        (2, 2, &all[2..]),
        (3, 1, &[]),
    ] {
        let query = EventQuery::first(limit).after(after);
        let events = house.service.events(&reader, &query).await;
        assert_eq!(events.unwrap(), given, "after {after}");
    }
    for (tenant, environment) in [("t_a", "prod"), ("t_ab", "dev")] {
        let stranger = sample::read_access(&sample::scope(tenant, environment));
        let events = house
            .service
            .events(&stranger, &EventQuery::first(10))
            .await;
        // an empty scope and one that never existed are not distinguished
        assert_eq!(events.unwrap(), []);
    }
}

#[tokio::test]
async fn absent_assets_and_those_of_other_scopes_are_not_distinguished() {
    let house = House::new();
    let asset = house.registered(Provenance::default()).await;
    let id = asset.asset_id();
    for (tenant, environment, id) in [
        ("t_a", "dev", sample::asset_id(999)),
        ("t_a", "prod", id),
        ("t_ab", "dev", id),
    ] {
        let reader = sample::read_access(&sample::scope(tenant, environment));
        let record = house.service.asset(&reader, id).await;
        assert!(
            matches!(record, Err(ReadError::AssetNotFound)),
            "{record:?}"
        );
        let events = house
            .service
            .events(&reader, &EventQuery::first(1000).of_asset(id))
            .await;
        assert!(
            matches!(events, Err(ReadError::AssetNotFound)),
            "{events:?}"
        );
    }
}

#[tokio::test]
async fn a_catalogue_that_does_not_answer_is_not_an_absent_asset() {
    let house = House::new();
    let id = house.presign().await.asset_id;
    house.catalog.set_available(false);
    let reader = sample::read_access(&house.scope);
    let record = house.service.asset(&reader, id).await;
    let events = house
        .service
        .events(&reader, &EventQuery::first(1000).of_asset(id))
        .await;
    let feed = house.service.events(&reader, &EventQuery::first(10)).await;
    for error in [record.err(), events.err(), feed.err()] {
        assert!(
            matches!(
                error,
                Some(ReadError::Catalog(CatalogError::Unavailable(_)))
            ),
            "{error:?}"
        );
    }
}
