use futures_util::FutureExt as _;
use nexus_raw::{
    asset::InForce,
    ports::{ListedAsset, MockAssetCatalog},
};
use nexus_raw_testkit::{FakeStore, FixedClock, SequentialIds, sample};

use super::*;

fn scope() -> Scope {
    sample::scope("t_a", "dev")
}

fn listed(scope: &Scope, train_ok_effective: bool) -> ListedAsset {
    let intent = sample::intent(scope, sample::asset_id(1));
    let asset = sample::new_asset(&intent, sample::provenance()).asset;
    ListedAsset {
        sequence: 1,
        in_force: InForce::as_registered(&asset, train_ok_effective),
        asset,
    }
}

/// Records on a catalogue, which fails the test if it is asked for more than is expected.
struct Reader {
    records: Records,
    service: RawStorageService,
}

impl Reader {
    fn on(catalog: MockAssetCatalog) -> Self {
        let clock = Arc::new(FixedClock::at(sample::now()));
        let store = Arc::new(FakeStore::new(sample::bucket(), clock.clone()));
        let ids = Arc::new(SequentialIds::seeded(1));
        let service = RawStorageService::new(store, Arc::new(catalog), clock, ids);
        Self {
            records: Records::default(),
            service,
        }
    }

    /// Returns the tenant of the record that is found, and the consent.
    fn find(&self, scope: &Scope) -> Option<(String, bool)> {
        let access = sample::read_access(scope);
        let found = self
            .records
            .find(&self.service, &access, sample::asset_id(1));
        match found.now_or_never().unwrap() {
            Ok((record, effective)) => {
                let json: serde_json::Value = serde_json::from_slice(&record.body).unwrap();
                assert_eq!(record.tag(), entity_tag(&record.body));
                Some((json["tenant_id"].as_str().unwrap().to_owned(), effective))
            }
            Err(RecordError::Read(ReadError::AssetNotFound)) => None,
            Err(error) => unreachable!("{error}"),
        }
    }
}

/// A catalogue that is asked once for the record, which allows training.
fn of_one_record<const N: usize>(versions: [Option<u64>; N]) -> MockAssetCatalog {
    let mut catalog = MockAssetCatalog::new();
    catalog
        .expect_find_asset()
        .times(1)
        .returning(|scope, _| Ok(Some(listed(scope, true))));
    let mut versions = versions.into_iter();
    catalog
        .expect_consent_version()
        .returning(move |_| versions.next().unwrap());
    catalog
}

fn record_of(tenant: &str) -> (String, bool) {
    (tenant.to_owned(), true)
}

#[test]
fn a_record_is_read_once_and_its_consent_each_time_while_others_write() {
    let mut catalog = of_one_record([None; 3]);
    let mut answers = [Some(false), Some(true)].into_iter();
    catalog
        .expect_train_ok_effective()
        .times(2)
        .returning(move |_, _| Ok(answers.next().unwrap()));
    let reader = Reader::on(catalog);
    let found = [(); 3].map(|()| reader.find(&scope()).unwrap().1);
    assert_eq!(found, [true, false, true]);
}

#[test]
fn consent_is_remembered_for_as_long_as_its_version_is_the_same() {
    let versions = [Some(2), Some(2), Some(4), Some(4), None, Some(4)];
    let mut catalog = of_one_record(versions);
    catalog
        .expect_train_ok_effective()
        .times(3)
        .returning(|_, _| Ok(Some(false)));
    let reader = Reader::on(catalog);
    let found = [(); 6].map(|()| reader.find(&scope()).unwrap().1);
    assert_eq!(found, [true, true, false, false, false, false]);
}

#[test]
fn a_record_that_is_gone_is_forgotten_as_soon_as_that_is_seen() {
    let mut catalog = MockAssetCatalog::new();
    let mut records = [Some(listed(&scope(), true)), None, None].into_iter();
    catalog
        .expect_find_asset()
        .times(3)
        .returning(move |_, _| Ok(records.next().unwrap()));
    catalog
        .expect_train_ok_effective()
        .times(1)
        .returning(|_, _| Ok(None));
    catalog.expect_consent_version().returning(|_| None);
    let reader = Reader::on(catalog);
    assert_eq!(reader.find(&scope()), Some(record_of("t_a")));
    assert_eq!(reader.find(&scope()), None);
    assert_eq!(reader.records.0.len(), 0);
    // and its absence is not remembered either
    assert_eq!(reader.find(&scope()), None);
    assert_eq!(reader.find(&scope()), None);
}

#[test]
fn each_scope_finds_its_own_record_of_an_id() {
    let mut catalog = MockAssetCatalog::new();
    catalog
        .expect_find_asset()
        .times(3)
        .returning(|scope, _| Ok((scope.tenant.as_str() != "t_c").then(|| listed(scope, true))));
    catalog.expect_consent_version().returning(|_| Some(0));
    let reader = Reader::on(catalog);
    for _ in 0..2 {
        assert_eq!(reader.find(&scope()), Some(record_of("t_a")));
    }
    let other = sample::scope("t_b", "dev");
    for _ in 0..2 {
        assert_eq!(reader.find(&other), Some(record_of("t_b")));
    }
    assert_eq!(reader.find(&sample::scope("t_c", "dev")), None);
}

#[test]
fn what_is_remembered_is_bounded_in_bytes_and_holds_ten_thousand_usual_records() {
    let records = Records::default();
    let fill = |count, bytes| {
        for number in 0..count {
            let key = RecordKey {
                scope: scope(),
                asset: sample::asset_id(number),
            };
            let record = Arc::new(FinishedRecord::of(vec![b' '; bytes]));
            records.0.insert(key, record);
            assert!(records.0.weight() <= MAX_BYTES);
        }
    };
    fill(10_000, 1_000);
    assert_eq!(records.0.len(), 10_000);
    fill(20_000, 4_000);
    assert!(records.0.len() < 10_000, "{}", records.0.len());
}
