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

use crate::support::{Reaction, ScriptedSink, TokioClock, commit, relay, scope};

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
async fn a_delivery_under_way_is_finished_and_marked_before_the_end() {
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
    };
    join!(
        relay.run(async {
            let _ = stopped.await;
        }),
        conducting
    );
    let left = catalog.undelivered(&sink.name, 10, &[]).await.unwrap();
    let left: Vec<_> = left.iter().map(|event| event.sequence).collect();
    assert_eq!(left, [4]);
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

    // for the catalogue
    catalog.set_available(false);
    let cut_off = relay(&catalog, &[&failing], &clock, 1);
    cut_off
        .run(tokio::time::sleep(Duration::from_secs(10)))
        .await;
    assert_eq!(started.elapsed(), Duration::from_secs(30));
}
