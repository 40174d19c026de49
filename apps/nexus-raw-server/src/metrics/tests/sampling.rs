use std::time::Duration;

use nexus_raw::{
    asset::Provenance,
    ports::{AssetCatalog, Backlog, MockEventOutbox},
};
use nexus_raw_testkit::steps;

use super::*;

#[tokio::test]
async fn what_is_looked_up_stays_while_the_catalogue_is_away_and_says_of_when_it_is() {
    let metrics = metrics();
    let (catalog, clock) = (
        Arc::new(FakeCatalog::new()),
        Arc::new(FixedClock::at(sample::now())),
    );
    let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(1));
    let event = sample::presigned(&intent);
    let occurred_at = event.occurred_at;
    catalog.record_intent(intent.clone(), event).await.unwrap();
    clock.set(sample::seconds_after(60));
    let sampler = sampler(&metrics, &catalog, &clock);
    let name = sample::sink_name().to_string();
    let looked_up = || {
        let text = read(&metrics);
        let of_sink = [("sink", &*name)];
        [
            text.value("nexus_raw_open_intents", &[]),
            text.value("nexus_raw_open_intents_bytes", &[]),
            text.value("nexus_raw_outbox_undelivered_events", &of_sink),
            text.value("nexus_raw_outbox_oldest_undelivered_age_seconds", &of_sink),
            text.value("nexus_raw_outbox_parked_events", &of_sink),
            text.value("nexus_raw_sampled_timestamp_seconds", &[]),
        ]
    };
    assert_eq!(
        looked_up(),
        [Some(0.0), Some(0.0), None, None, None, Some(0.0)]
    );
    sampler.sample().await.unwrap();
    let age = sample::seconds_after(60).since(occurred_at).as_secs_f64();
    let bytes = intent.facts.size_bytes.get();
    #[expect(clippy::cast_precision_loss, reason = "a few bytes")]
    let expected = [
        Some(1.0),
        Some(bytes as f64),
        Some(1.0),
        Some(age),
        Some(0.0),
        Some(1_795_482_060.0),
    ];
    assert_eq!(looked_up(), expected);
    // readiness has it from here
    let lags = || sampler.backlogs.oldest();
    assert_eq!(lags(), Some((sample::sink_name(), occurred_at)));

    catalog.set_available(false);
    clock.set(sample::seconds_after(600));
    sampler.sample().await.unwrap_err();
    assert_eq!(looked_up(), expected);
    assert_eq!(lags(), Some((sample::sink_name(), occurred_at)));
}

#[tokio::test(start_paused = true)]
async fn the_catalogue_is_read_every_five_seconds_until_the_end() {
    let metrics = metrics();
    let (catalog, clock) = (
        Arc::new(FakeCatalog::new()),
        Arc::new(FixedClock::at(sample::now())),
    );
    let mut sampler = sampler(&metrics, &catalog, &clock);
    let mut outbox = MockEventOutbox::new();
    // one at once, then one each five seconds
    let backlog = outbox.expect_backlog().times(13);
    backlog.returning(|_| Ok(Backlog::default()));
    sampler.outbox = Arc::new(outbox);
    let end = tokio::time::sleep(Duration::from_millis(60_500));
    sampler.run(end).await;
}

/// A registration has verified, for 30 days.
#[tokio::test]
async fn the_share_of_verified_assets_is_unknown_until_it_is_counted() {
    let metrics = metrics();
    let catalog = Arc::new(FakeCatalog::new());
    let clock = Arc::new(FixedClock::at(sample::now()));
    let sampler = CoverageSampler {
        metrics: metrics.clone(),
        backlog: Arc::clone(&catalog) as _,
        clock: Arc::clone(&clock) as _,
    };
    let share = || {
        let share = read(&metrics).value("nexus_raw_verified_assets_ratio", &[]);
        share.unwrap()
    };
    assert!(share().is_nan());
    sampler.sample().await.unwrap();
    assert_eq!(share().to_string(), "1");
    let day = Duration::from_hours(24);
    for (number, days) in [(1, 1), (2, 3), (3, 3), (4, 40)] {
        let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(number));
        steps::presign(&*catalog, &intent).await;
        let at = sample::now().saturating_add(day * days);
        let new = sample::new_asset_at(at, &intent, Provenance::default());
        catalog.register(new).await.unwrap();
    }
    clock.set(sample::now().saturating_add(day * 32));
    sampler.sample().await.unwrap();
    assert_eq!(share().to_string(), "0.75");
    catalog.set_available(false);
    sampler.sample().await.unwrap_err();
    assert_eq!(share().to_string(), "0.75");
}
