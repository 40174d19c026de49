use nexus_raw::{
    asset::ByteSize,
    ports::{MockVerificationBacklog, ScopeRecords, UnverifiedAsset, UnverifiedPlace},
};
use nexus_raw_testkit::{FakeCatalog, sample};

use super::{house::House, *};

#[tokio::test(start_paused = true)]
async fn the_share_is_that_of_all_scopes_and_grows_with_verdicts() {
    let house = House::new();
    let [one, two] = [("t_a", "dev"), ("t_b", "dev")].map(|(t, e)| sample::scope(t, e));
    let before = older_than(house.clock.now(), House::settings().older_than);
    let share = async |catalog: &FakeCatalog| {
        let coverage = coverage(catalog, before, Duration::ZERO).await.unwrap();
        (coverage, format!("{:.2}", coverage.share()))
    };
    assert_eq!(
        share(&house.catalog).await,
        (Coverage::default(), "1.00".into())
    );
    for (scope, number, days) in [(&one, 1, 40), (&one, 2, 10), (&two, 3, 40), (&two, 4, 40)] {
        house.registered(scope, number, days).await;
    }
    let of = |unverified| Coverage {
        registered: 4,
        unverified,
    };
    assert_eq!(share(&house.catalog).await, (of(3), "0.25".into()));
    let worker = house.process(1);
    let mut settings = House::settings();
    settings.tenant = Some(two.tenant.clone());
    house.run(&worker, settings).await.summary();
    assert_eq!(share(&house.catalog).await, (of(1), "0.75".into()));
    house.run(&worker, House::settings()).await.summary();
    assert_eq!(share(&house.catalog).await, (of(0), "1.00".into()));
}

/// So that a catalogue of which much is overdue is not read in one go.
#[tokio::test(start_paused = true)]
async fn pages_are_counted_with_a_pause_between_them() {
    let mut backlog = MockVerificationBacklog::new();
    backlog
        .expect_scopes_with_records()
        .returning(|_, after, _| {
            let scope = sample::scope("t_a", "dev");
            let registered = 2500;
            let scopes = after
                .is_none()
                .then_some(ScopeRecords { scope, registered });
            Ok(scopes.into_iter().collect())
        });
    backlog
        .expect_unverified()
        .times(3)
        .returning(|_, _, after, limit| {
            let first = after.map_or(0, |it| it.sequence) + 1;
            let asset = |sequence| UnverifiedAsset {
                asset_id: sample::asset_id(sequence),
                place: UnverifiedPlace {
                    since: sample::now(),
                    sequence,
                },
                size_bytes: ByteSize::parse(1).unwrap(),
            };
            let last = (first + u64::from(limit)).min(2401);
            Ok((first..last).map(asset).collect())
        });
    let began = Instant::now();
    let pause = Duration::from_secs(3);
    let counted = coverage(&backlog, sample::now(), pause).await.unwrap();
    let expected = Coverage {
        registered: 2500,
        unverified: 2400,
    };
    assert_eq!((counted, began.elapsed()), (expected, 2 * pause));
}
