use std::sync::Arc;

use nexus_raw::{
    asset::{
        AssetId, Fact, FactValue, License, PiiFlags, Reason, Scan, ScanVerdict, Scanner,
        Sha256Digest,
    },
    event::{DatasetEvent, EventType},
    ports::{AssetCatalog, AssetFacts, CatalogError, FactOutcome, MockAssetCatalog, NewFact},
    service::{FactError, RawStorageService, ReadError, RecordedFact},
};
use nexus_raw_testkit::{SequentialIds, sample};
use tokio::task::JoinSet;

use crate::house::House;

async fn state(house: &House, asset: AssetId, fact: Fact) -> Result<RecordedFact, FactError> {
    let service = &house.service;
    service
        .state_fact(&house.access, &house.context, asset, fact)
        .await
}

fn license(name: &str) -> Fact {
    Fact::new(FactValue::License(Some(License::parse(name).unwrap())))
}

#[tokio::test]
async fn a_fact_is_stated_once_and_a_repeat_writes_nothing() {
    let house = House::new();
    let id = house.registered(sample::provenance()).await.asset_id();
    let reader = sample::read_access(&house.scope);
    let reason = Some(Reason::parse("by contract").unwrap());
    let evidence = Some(Sha256Digest::of(b"contract"));
    let fact = license("MIT").with_reason(reason).with_evidence(evidence);
    let Ok(RecordedFact::New(stated)) = state(&house, id, fact.clone()).await else {
        panic!("it is new");
    };
    assert_eq!((stated.sequence, &stated.fact), (3, &fact));
    assert_eq!(stated.stated_by, *house.access.user());
    let repeated = state(&house, id, fact.clone()).await.unwrap();
    assert_eq!(repeated, RecordedFact::InForce(stated.clone()));
    assert_eq!(house.catalog.events_in(&house.scope).len(), 3);
    // each part counts
    for other in [
        license("MIT"),
        fact.clone().with_reason(None),
        fact.clone(),
        Fact::new(FactValue::License(None)),
        fact.clone(),
    ] {
        let new = state(&house, id, other).await.unwrap();
        assert!(matches!(new, RecordedFact::New(_)), "{new:?}");
    }
    let events = house.catalog.events_in(&house.scope);
    let is_fact = |it: &&DatasetEvent| it.body.event_type == EventType::RawAssetFactStated;
    assert_eq!(events.iter().filter(is_fact).count(), 6);
    let page = house.service.facts(&reader, id, 0, 100).await.unwrap();
    assert_eq!(page.facts[0], stated);
    assert_eq!(page.in_force.license.unwrap().as_str(), "MIT");
    // a statement of what was registered is a fact as well
    let as_registered = Fact::new(FactValue::TrainOk(sample::provenance().train_ok));
    let new = state(&house, id, as_registered).await.unwrap();
    assert!(matches!(new, RecordedFact::New(_)));
}

#[tokio::test]
async fn an_event_says_what_is_in_force_after_the_fact() {
    let house = House::new();
    let id = house.registered(sample::provenance()).await.asset_id();
    let none = PiiFlags::default();
    let registered = sample::provenance().pii_flags;
    for (fact, train_ok, flags) in [
        (FactValue::TrainOk(false), false, &registered),
        (FactValue::PiiFlags(none.clone()), false, &none),
        (FactValue::C2pa(None), false, &none),
        (FactValue::TrainOk(true), true, &none),
    ] {
        state(&house, id, Fact::new(fact)).await.unwrap();
        let event = house.catalog.events_in(&house.scope).pop().unwrap().body;
        let stated = (event.train_ok, event.pii_flags.as_ref());
        assert_eq!(stated, (Some(train_ok), Some(flags)));
    }
}

#[tokio::test]
async fn a_scan_may_be_five_minutes_ahead_and_no_more() {
    let house = House::new();
    let id = house.registered(sample::provenance()).await.asset_id();
    let scan = |seconds| {
        Fact::new(FactValue::Scan(Some(Scan {
            scanner: Scanner::parse("clamav").unwrap(),
            verdict: ScanVerdict::Clean,
            scanned_at: sample::seconds_after(seconds),
        })))
    };
    house.clock.set(sample::now());
    assert!(state(&house, id, scan(300)).await.is_ok());
    let late = state(&house, id, scan(301)).await;
    assert!(matches!(late, Err(FactError::ScannedInFuture)));
    assert_eq!(house.catalog.events_in(&house.scope).len(), 3);
}

#[tokio::test]
async fn what_is_not_registered_has_no_facts() {
    let house = House::new();
    let reader = sample::read_access(&house.scope);
    let pending = house.presign().await.asset_id;
    for id in [pending, sample::asset_id(99)] {
        let stated = state(&house, id, license("MIT")).await;
        assert!(matches!(stated, Err(FactError::AssetNotFound)));
        let page = house.service.facts(&reader, id, 0, 100).await;
        assert!(matches!(page, Err(ReadError::AssetNotFound)));
    }
    assert_eq!(house.catalog.events_in(&house.scope).len(), 1);
}

/// All are recorded, each based on the one before.
#[tokio::test]
async fn facts_that_race_are_recorded_one_after_the_other() {
    let house = House::new();
    let id = house.registered(sample::provenance()).await.asset_id();
    let mut callers = JoinSet::new();
    for n in 0..20 {
        let house = house.clone();
        callers.spawn(async move { state(&house, id, license(&format!("X-{n}"))).await.unwrap() });
    }
    let outcomes = callers.join_all().await.into_iter();
    let mut sequences: Vec<_> = outcomes
        .map(|it| match it {
            RecordedFact::New(it) => it.sequence,
            other @ RecordedFact::InForce(_) => panic!("{other:?}"),
        })
        .collect();
    sequences.sort_unstable();
    assert!(sequences.into_iter().eq(3..23));
}

fn service(catalog: MockAssetCatalog, house: &House) -> RawStorageService {
    RawStorageService::new(
        house.store.clone(),
        Arc::new(catalog),
        house.clock.clone(),
        Arc::new(SequentialIds::seeded(1)),
    )
}

async fn known(house: &House) -> AssetFacts {
    let id = house.registered(sample::provenance()).await.asset_id();
    let known = house.catalog.find_facts(&house.scope, id).await;
    known.unwrap().unwrap()
}

/// The fact is durable, so a failure of a later step is no failure of the fact.
#[tokio::test]
async fn a_change_is_followed_until_its_end_or_a_failure() {
    let house = House::new();
    let known = known(&house).await;
    let id = known.listed.asset.asset_id();
    for (steps, fails) in [(3, false), (2, true)] {
        let mut catalog = MockAssetCatalog::new();
        let found = known.clone();
        catalog
            .expect_find_facts()
            .returning(move |_, _| Ok(Some(found.clone())));
        catalog.expect_record_fact().times(1).returning(|_| {
            Ok(FactOutcome::Recorded {
                sequence: 9,
                has_followers: true,
            })
        });
        let mut left = steps;
        catalog
            .expect_advance_consent()
            .times(steps)
            .withf(|_, most| *most == NewFact::MAX_FOLLOWERS)
            .returning(move |_, _| {
                left -= 1;
                match (left, fails) {
                    (0, true) => Err(CatalogError::Unavailable("gone".into())),
                    (0, false) => Ok(false),
                    _ => Ok(true),
                }
            });
        let service = service(catalog, &house);
        let fact = Fact::new(FactValue::TrainOk(false));
        let stated = service.state_fact(&house.access, &house.context, id, fact);
        assert!(matches!(stated.await, Ok(RecordedFact::New(it)) if it.sequence == 9));
    }
}

/// Bounded, however many others come first.
#[tokio::test]
async fn a_fact_that_others_always_overtake_fails() {
    let house = House::new();
    let known = known(&house).await;
    let id = known.listed.asset.asset_id();
    let mut catalog = MockAssetCatalog::new();
    catalog
        .expect_find_facts()
        .returning(move |_, _| Ok(Some(known.clone())));
    catalog
        .expect_record_fact()
        .times(64)
        .returning(|_| Ok(FactOutcome::Changed));
    let service = service(catalog, &house);
    let fact = Fact::new(FactValue::TrainOk(false));
    let stated = service.state_fact(&house.access, &house.context, id, fact);
    let failed = stated.await;
    let is_unavailable = |it| matches!(it, FactError::Catalog(CatalogError::Unavailable(_)));
    assert!(failed.is_err_and(is_unavailable));
}

/// One step in each scope, on any replica.
#[tokio::test]
async fn unfinished_changes_go_on_in_each_scope() {
    let house = House::new();
    let scopes = [sample::scope("t_a", "dev"), sample::scope("t_b", "dev")];
    for has_more in [[false, false], [true, false], [false, true]] {
        let mut catalog = MockAssetCatalog::new();
        let unfinished = scopes.to_vec();
        catalog
            .expect_unfinished_consent()
            .returning(move |_| Ok(unfinished.clone()));
        for (scope, has_more) in scopes.clone().into_iter().zip(has_more) {
            catalog
                .expect_advance_consent()
                .times(1)
                .withf(move |it, _| *it == scope)
                .returning(move |_, _| Ok(has_more));
        }
        let service = service(catalog, &house);
        let expected = has_more.contains(&true);
        assert_eq!(service.advance_consent().await.unwrap(), expected);
    }
}
