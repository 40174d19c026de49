use nexus_raw::{event::EventType, ports::MockAssetCatalog};
use nexus_raw_testkit::{FakeStore, sample};

use super::{
    house::{House, ids},
    *,
};

/// As long as what was promised.
const ROTTEN: [u8; sample::CONTENT.len()] = [7; sample::CONTENT.len()];

#[tokio::test(start_paused = true)]
async fn what_is_not_intact_is_reported_and_an_event() {
    let house = House::new();
    let scope = sample::scope("t_a", "dev");
    let mut assets = Vec::new();
    for number in 1..=4 {
        assets.push(house.registered(&scope, number, 40).await);
    }
    house.store.rot(assets[1].address(), &ROTTEN);
    house.store.remove(assets[2].address());
    let worker = house.process(1);
    let ran = house.run(&worker, House::settings()).await;
    let summary = ran.summary();
    assert_eq!(
        (
            summary.intact,
            summary.corrupt,
            summary.missing,
            summary.unread
        ),
        (2, 1, 1, 0)
    );
    assert_eq!(
        summary.bytes,
        3 * u64::try_from(sample::CONTENT.len()).unwrap()
    );
    assert!(summary.asks_for_action());
    let [two, three] = [&assets[1], &assets[2]];
    let (key_2, key_3) = (two.address().key.as_str(), three.address().key.as_str());
    let sha256 = sample::facts().sha256;
    let size = sample::CONTENT.len();
    let rotten = nexus_raw::asset::Sha256Digest::of(&ROTTEN);
    let lines: Vec<String> = ran.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            format!(
                "corrupt {key_2}; expected {size} bytes, sha256 {sha256}; found {size} bytes, \
                 sha256 {rotten}"
            ),
            format!("missing {key_3}; expected {size} bytes, sha256 {sha256}"),
        ]
    );
    let (verified, corrupt) = (EventType::RawAssetVerified, EventType::RawAssetCorrupt);
    let numbered = |n: u64| sample::asset_id(n);
    assert_eq!(
        house.verdicts(&scope),
        [
            (verified, numbered(1), Verdict::Intact),
            (corrupt, numbered(2), Verdict::Corrupt),
            (corrupt, numbered(3), Verdict::Missing),
            (verified, numbered(4), Verdict::Intact),
        ]
    );
    // all were looked at lately
    let again = house.run(&worker, House::settings()).await.summary();
    assert!(!again.asks_for_action());
}

/// A store that is away ends the run, and is no verdict.
#[tokio::test(start_paused = true)]
async fn a_store_or_a_catalogue_that_is_away_ends_the_run_without_an_event() {
    let house = House::new();
    let scope = sample::scope("t_a", "dev");
    house.registered(&scope, 1, 40).await;
    let worker = house.process(1);
    house.store.set_available(false);
    let ran = house.run(&worker, House::settings()).await;
    assert!(matches!(ran.result, Err(ScrubError::Storage(_))));
    house.store.set_available(true);
    house.catalog.set_available(false);
    let ran = house.run(&worker, House::settings()).await;
    assert!(matches!(ran.result, Err(ScrubError::Catalog(_))));
    assert_eq!(house.verdicts(&scope), []);
    house.catalog.set_available(true);
    assert_eq!(
        house.run(&worker, House::settings()).await.summary().intact,
        1
    );
}

/// Nothing is known of it, so it is no event; the others are read.
#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_read_is_reported_and_keeps_no_other_from_being_read() {
    let house = House::new();
    let scope = sample::scope("t_a", "dev");
    for number in 1..=2 {
        house.registered(&scope, number, 40).await;
    }
    let mut worker = house.process(1);
    // its objects are read from a store that is away, while the scrub asks the other one
    let away = FakeStore::new(sample::bucket(), house.clock.clone());
    away.set_available(false);
    worker.storage = std::sync::Arc::new(away);
    let ran = house.run(&worker, House::settings()).await;
    assert_eq!(ran.summary().unread, 2);
    assert!(ran.summary().asks_for_action());
    assert_eq!(worker.read(), ids([1, 2]));
    let line = ran.findings[0].to_string();
    assert!(line.starts_with("unread tenants/t_a/dev/raw/"), "{line}");
    assert!(line.contains("the object store is unavailable"), "{line}");
    assert_eq!(house.verdicts(&scope), []);
}

#[tokio::test(start_paused = true)]
async fn objects_of_another_bucket_are_counted_and_not_read() {
    let house = House::new();
    let scope = sample::scope("t_a", "dev");
    house.registered(&scope, 1, 40).await;
    let worker = house.process(1);
    let other = nexus_raw::asset::BucketName::parse("another-bucket").unwrap();
    let elsewhere = FakeStore::new(other, house.clock.clone());
    let scrub = Scrub {
        backlog: &house.catalog,
        catalog: &house.catalog,
        worker: &worker,
        storage: &elsewhere,
        clock: &*house.clock,
        settings: House::settings(),
    };
    let mut report = |_: &ScrubFinding| Ok(());
    let run = scrub.run(std::future::pending(), &mut report);
    let summary = run.await.unwrap();
    assert_eq!((summary.other_bucket, summary.intact), (1, 0));
    assert_eq!(worker.read(), []);
}

/// Nobody hears of what was found otherwise.
#[tokio::test(start_paused = true)]
async fn a_report_that_cannot_be_written_ends_the_run() {
    let house = House::new();
    let scope = sample::scope("t_a", "dev");
    for number in 1..=2 {
        let asset = house.registered(&scope, number, 40).await;
        house.store.remove(asset.address());
    }
    let worker = house.process(1);
    let scrub = Scrub {
        backlog: &house.catalog,
        catalog: &house.catalog,
        worker: &worker,
        storage: &*house.store,
        clock: &*house.clock,
        settings: House::settings(),
    };
    let mut report = |_: &ScrubFinding| Err(io::ErrorKind::StorageFull.into());
    let run = scrub.run(std::future::pending(), &mut report);
    assert!(matches!(run.await, Err(ScrubError::Report(_))));
    assert_eq!(worker.read(), ids([1]));
}

/// It would come first in every run.
#[tokio::test(start_paused = true)]
async fn a_row_that_cannot_be_read_keeps_no_other_from_being_read() {
    let house = House::new();
    let scope = sample::scope("t_a", "dev");
    for number in 1..=2 {
        house.registered(&scope, number, 40).await;
    }
    let mut catalog = MockAssetCatalog::new();
    let second = house.catalog.find_verification(&scope, sample::asset_id(2));
    let second = second.await.unwrap();
    catalog.expect_find_verification().returning(move |_, id| {
        if id == sample::asset_id(1) {
            Err(CatalogError::Corrupt("a row".into()))
        } else {
            Ok(second.clone())
        }
    });
    let worker = house.process(1);
    let scrub = Scrub {
        backlog: &house.catalog,
        catalog: &catalog,
        worker: &worker,
        storage: &*house.store,
        clock: &*house.clock,
        settings: House::settings(),
    };
    let mut findings = Vec::new();
    let mut report = |it: &ScrubFinding| {
        findings.push(it.to_string());
        Ok(())
    };
    let summary = scrub.run(std::future::pending(), &mut report);
    let summary = summary.await.unwrap();
    assert_eq!((summary.unread, summary.intact), (1, 1));
    let id = sample::asset_id(1);
    let expected = format!(
        "unread asset {id} of t_a/dev; the catalogue holds a row that cannot be read: a row"
    );
    assert_eq!(findings, [expected]);
}
