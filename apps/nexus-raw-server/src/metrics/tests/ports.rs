//! The calls of the ports.

use std::{future::pending, time::Duration};

use nexus_raw::{
    event::DatasetEvent,
    ports::{CatalogError, Delivery, Lease, MockDatasetEventSink, SinkError},
};
use nexus_raw_catalog_sql::{CatalogObserver, GroupAttempt};

use super::*;

#[test]
fn calls_are_distinguished_by_their_outcome() {
    let metrics = metrics();
    let took = Duration::from_millis(2);
    let unavailable = CatalogError::Unavailable("away".into());
    let corrupt = CatalogError::Corrupt("a row".into());
    let calls = [
        ("record_intent", Some(Ok(())), "ok"),
        (
            "record_intent",
            Some(Err(&CatalogError::AlreadyExists)),
            "already_exists",
        ),
        ("ready", Some(Err(&unavailable)), "unavailable"),
        ("ready", None, "dropped"),
        ("find_asset", Some(Err(&corrupt)), "corrupt"),
    ];
    for (operation, outcome, _) in calls {
        metrics.called(operation, took, outcome);
    }
    let text = read(&metrics);
    for (operation, _, outcome) in calls {
        let labels = [("operation", operation), ("outcome", outcome)];
        let count = text.value("nexus_raw_catalog_call_duration_seconds_count", &labels);
        assert_eq!(count, Some(1.0), "{operation} {outcome}");
    }
    let series = text.series("nexus_raw_catalog_call_duration_seconds_count");
    assert_eq!(series.count(), 5);
}

#[tokio::test]
async fn a_sink_s_events_and_failures_are_counted_by_what_it_said() {
    let metrics = metrics();
    let mut said = [
        Ok(Delivery { taken: 3 }),
        Err(SinkError::Unavailable {
            taken: 2,
            source: "away".into(),
        }),
        Err(SinkError::Failed {
            taken: 4,
            source: "not this one".into(),
        }),
        Err(SinkError::Refused {
            taken: 1,
            source: "never".into(),
        }),
        Err(SinkError::ByScope(vec![
            (sample::scope("t_a", "dev"), Ok(Delivery { taken: 5 })),
            (
                sample::scope("t_b", "dev"),
                Err(SinkError::Unavailable {
                    taken: 1,
                    source: "no right".into(),
                }),
            ),
        ])),
    ]
    .into_iter();
    let mut sink = MockDatasetEventSink::new();
    sink.expect_name().return_const(sample::sink_name());
    sink.expect_deliver()
        .returning(move |_| said.next().unwrap());
    let sink = metrics.sink(Arc::new(sink));
    for _ in 0..5 {
        let _ = sink.deliver(&[]).await;
    }
    let hanging = metrics.sink(Arc::new(Hanging(sample::sink_name())));
    drop(futures_util::FutureExt::now_or_never(hanging.deliver(&[])));
    let text = read(&metrics);
    let name = sample::sink_name().to_string();
    let of_sink = [("sink", &*name)];
    assert_eq!(
        text.value("nexus_raw_sink_events_total", &of_sink),
        Some(16.0)
    );
    for (reason, count) in [
        ("unavailable", 2.0),
        ("failed", 1.0),
        ("refused", 1.0),
        ("timeout", 1.0),
    ] {
        let labels = [("reason", reason), ("sink", &*name)];
        assert_eq!(
            text.value("nexus_raw_sink_failures_total", &labels),
            Some(count),
            "{reason}"
        );
    }
    let deliveries = text.value("nexus_raw_sink_delivery_duration_seconds_count", &of_sink);
    assert_eq!(deliveries, Some(6.0));
}

#[derive(Debug)]
struct Hanging(SinkName);

#[async_trait::async_trait]
impl DatasetEventSink for Hanging {
    fn name(&self) -> &SinkName {
        &self.0
    }

    async fn deliver(&self, _: &[DatasetEvent]) -> Result<Delivery, SinkError> {
        pending().await
    }
}

#[test]
fn who_has_the_lease_leads_to_its_end_or_until_another_has_it() {
    let clock = Arc::new(FixedClock::at(sample::now()));
    let metrics = Metrics::new(&(Arc::clone(&clock) as Arc<dyn Clock>));
    let leads = || read(&metrics).value("nexus_raw_relay_leader", &[]).unwrap() > 0.0;
    let lease = |until| {
        Some(Lease {
            epoch: 1,
            until: sample::seconds_after(until),
        })
    };
    assert!(!leads());
    metrics.leased(lease(3));
    assert!(leads());
    // without a renewal the lease stays valid until its expiry
    clock.advance(Duration::from_secs(2));
    assert!(leads());
    clock.advance(Duration::from_secs(1));
    assert!(!leads());
    metrics.leased(lease(6));
    assert!(leads());
    // the clocks of two processes differ, and it is taken over
    metrics.leased(None);
    assert!(!leads());
}

#[test]
fn groups_are_counted_by_size_once_they_are_committed() {
    let metrics = metrics();
    for (calls, committed) in [(1, true), (5, true), (256, true), (100, false)] {
        let took = Duration::from_millis(2);
        metrics.attempted(GroupAttempt {
            calls,
            took,
            committed,
        });
    }
    let text = read(&metrics);
    let bucket = |le| text.value("nexus_raw_catalog_group_calls_bucket", &[("le", le)]);
    let counts = [
        bucket("1"),
        bucket("4"),
        bucket("8"),
        bucket("128"),
        bucket("256"),
    ];
    assert_eq!(
        counts,
        [Some(1.0), Some(1.0), Some(2.0), Some(2.0), Some(3.0)]
    );
    let sum = text.value("nexus_raw_catalog_group_calls_sum", &[]);
    assert_eq!(sum, Some(262.0));
    for (outcome, count) in [("committed", 3.0), ("failed", 1.0)] {
        let name = "nexus_raw_catalog_group_duration_seconds_count";
        assert_eq!(text.value(name, &[("outcome", outcome)]), Some(count));
    }
}
