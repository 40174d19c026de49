use std::{future::ready, sync::Arc, time::Duration};

use async_trait::async_trait;
use nexus_raw::{
    event::DatasetEvent,
    ports::{DatasetEventSink, Delivery, EventOutbox, SinkError, SinkName},
};
use nexus_raw_events::{Relay, RelaySettings};
use nexus_raw_testkit::FakeCatalog;
use tokio::{
    join,
    sync::{Notify, oneshot},
    time::Instant,
};
use uuid::Uuid;

use crate::support::{Reaction, ScriptedSink, TokioClock, commit, relay, scope, with_settings};

/// Signals when a delivery is under way, and ends it on a signal.
#[derive(Debug)]
struct SlowSink {
    name: SinkName,
    began: Notify,
    go_on: Notify,
}

#[async_trait]
impl DatasetEventSink for SlowSink {
    fn name(&self) -> &SinkName {
        &self.name
    }

    async fn deliver(&self, events: &[DatasetEvent]) -> Result<Delivery, SinkError> {
        self.began.notify_one();
        self.go_on.notified().await;
        Ok(Delivery {
            taken: events.len(),
        })
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_committed_until_the_end_is_delivered_and_marked_before_it() {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    commit(&catalog, &scope(), 0..3).await;
    let sink = Arc::new(SlowSink {
        name: SinkName::new("log"),
        began: Notify::new(),
        go_on: Notify::new(),
    });
    let relay = Relay::new(
        Arc::new(catalog.clone()),
        vec![Arc::clone(&sink) as Arc<dyn DatasetEventSink>],
        clock,
        Uuid::from_u128(1),
        RelaySettings::default(),
    )
    .unwrap();
    let (stop, stopped) = oneshot::channel();
    let conducting = async {
        sink.began.notified().await;
        stop.send(()).unwrap();
        tokio::task::yield_now().await;
        commit(&catalog, &scope(), 3..4).await;
        sink.go_on.notify_one();
        sink.began.notified().await;
        sink.go_on.notify_one();
    };
    join!(
        relay.run(async {
            let _ = stopped.await;
        }),
        conducting
    );
    let left = catalog.undelivered(&sink.name, 10, &[]).await.unwrap();
    assert_eq!(left, []);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_gathers_at_the_end_is_not_left_for_the_next_start() {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    let sink = ScriptedSink::willing("log");
    let settings = RelaySettings {
        gather: Duration::from_secs(1),
        batch: 8,
        ..RelaySettings::default()
    };
    let relay = with_settings(&catalog, &[&sink], &clock, 1, settings);
    commit(&catalog, &scope(), 0..1).await;
    let started = Instant::now();
    relay
        .run(async {
            sink.has_taken(1).await;
            // more than a batch
            commit(&catalog, &scope(), 1..30).await;
        })
        .await;
    assert!(sink.sequences(&scope()).into_iter().eq(1..=30));
    assert_eq!(catalog.undelivered(sink.name(), 10, &[]).await.unwrap(), []);
    assert!(started.elapsed() < settings.gather);
}

#[tokio::test(start_paused = true)]
async fn last_deliveries_take_a_deadline_at_most() {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    let sink = ScriptedSink::new("log", |_| Reaction::TakeAfter(Duration::from_secs(1)));
    let settings = RelaySettings {
        batch: 1,
        ..RelaySettings::default()
    };
    let relay = with_settings(&catalog, &[&sink], &clock, 1, settings);
    commit(&catalog, &scope(), 0..20).await;
    let started = Instant::now();
    relay.run(sink.has_taken(2)).await;
    assert_eq!(
        started.elapsed(),
        Duration::from_secs(2) + settings.deadline
    );
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_never_ends_holds_up_the_end_for_its_deadline_alone() {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    commit(&catalog, &scope(), 0..1).await;
    let sink = ScriptedSink::new("log", |_| Reaction::Hang(1));
    let relay = relay(&catalog, &[&sink], &clock, 1);
    let started = Instant::now();
    relay.run(sink.has_taken(1)).await;
    assert_eq!(started.elapsed(), Duration::from_secs(5));
    assert!(
        catalog
            .oldest_undelivered(sink.name())
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_anything_else_ends_at_once() {
    let started = Instant::now();
    let clock = TokioClock::start();

    // for the lease
    let catalog = FakeCatalog::new();
    let sink = ScriptedSink::willing("log");
    relay(&catalog, &[&sink], &clock, 1).run(ready(())).await;

    // for events
    let idle = relay(&catalog, &[&sink], &clock, 1);
    let long_after = tokio::time::sleep(Duration::from_secs(10));
    idle.run(long_after).await;
    assert_eq!(started.elapsed(), Duration::from_secs(10));

    // for the next try
    commit(&catalog, &scope(), 0..1).await;
    let failing = ScriptedSink::new("log", |_| Reaction::Fail(0));
    let retrying = relay(&catalog, &[&failing], &clock, 1);
    retrying
        .run(tokio::time::sleep(Duration::from_secs(10)))
        .await;
    assert_eq!(started.elapsed(), Duration::from_secs(20));

    // for the next try of what would hold up the end
    let hanging = ScriptedSink::new("log", |_| Reaction::Hang(0));
    let timed_out = tokio::time::sleep(Duration::from_millis(5010));
    relay(&catalog, &[&hanging], &clock, 1).run(timed_out).await;
    assert_eq!(started.elapsed(), Duration::from_millis(25_010));

    // for the catalogue
    catalog.set_available(false);
    let cut_off = relay(&catalog, &[&failing], &clock, 1);
    cut_off
        .run(tokio::time::sleep(Duration::from_secs(10)))
        .await;
    assert_eq!(started.elapsed(), Duration::from_millis(35_010));
}
