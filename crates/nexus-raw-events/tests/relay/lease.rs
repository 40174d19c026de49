use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use nexus_raw::{
    event::DatasetEvent,
    ports::{
        Backlog, CatalogError, Clock, DatasetEventSink, EventOutbox, Lease, Progress, SinkName,
    },
    tenancy::Scope,
    time::Timestamp,
};
use nexus_raw_events::{Relay, RelaySettings};
use nexus_raw_testkit::FakeCatalog;
use tokio::{
    select,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

use crate::support::{Reaction, ScriptedSink, TokioClock, commit, is_drained, relay, scope};

#[tokio::test(start_paused = true)]
async fn of_two_relays_only_one_delivers() {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    let (first, second) = (ScriptedSink::willing("log"), ScriptedSink::willing("log"));
    let (one, other) = (
        relay(&catalog, &[&first], &clock, 1),
        relay(&catalog, &[&second], &clock, 2),
    );
    let commits = async {
        for round in 0..30 {
            commit(&catalog, &scope(), round..round + 1).await;
            sleep(Duration::from_millis(700)).await;
        }
        is_drained(&catalog, &first).await;
    };
    select! {
        biased;
        () = one.run(pending()) => {}
        () = other.run(pending()) => {}
        () = commits => {}
    }
    assert_eq!(first.sequences(&scope()), (1..=30).collect::<Vec<_>>());
    assert_eq!(second.sequences(&scope()), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn another_relay_takes_over_within_four_thirds_of_the_lease() {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    let (first, second) = (ScriptedSink::willing("log"), ScriptedSink::willing("log"));
    let (one, other) = (
        relay(&catalog, &[&first], &clock, 1),
        relay(&catalog, &[&second], &clock, 2),
    );
    commit(&catalog, &scope(), 0..1).await;
    let life = async {
        select! {
            biased;
            () = one.run(pending()) => {}
            () = async { is_drained(&catalog, &first).await; sleep(Duration::from_secs(20)).await } => {}
        }
        // the first is dead: dropped, without a word to the catalogue
        let died = Instant::now();
        commit(&catalog, &scope(), 1..2).await;
        second.has_taken(1).await;
        died.elapsed()
    };
    select! {
        biased;
        took = life => assert!(took <= Duration::from_secs(4), "{took:?}"),
        () = other.run(pending()) => {}
    }
    assert_eq!(first.sequences(&scope()), [1]);
    assert_eq!(second.sequences(&scope()), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_taking_and_marking_delivers_again_in_order() {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    commit(&catalog, &scope(), 0..3).await;
    let down = catalog.clone();
    let sink = ScriptedSink::new("log", move |_| {
        down.set_available(false);
        Reaction::Take
    });
    let dying = relay(&catalog, &[&sink], &clock, 1);
    select! {
        () = dying.run(pending()) => {}
        () = sink.has_taken(3) => {}
    }
    assert_eq!(sink.sequences(&scope()), [1, 2, 3]);
    catalog.set_available(true);

    let heir_sink = ScriptedSink::willing("log");
    let heir = relay(&catalog, &[&heir_sink], &clock, 2);
    commit(&catalog, &scope(), 3..5).await;
    select! {
        () = heir.run(pending()) => {}
        () = is_drained(&catalog, &heir_sink) => {}
    }
    assert_eq!(heir_sink.sequences(&scope()), [1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn under_a_stale_epoch_nothing_is_marked_and_the_relay_waits_for_its_turn() {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    commit(&catalog, &scope(), 0..1).await;
    let sink = ScriptedSink::willing("log");
    let relay = relay(&catalog, &[&sink], &clock, 1);
    let usurping = async {
        is_drained(&catalog, &sink).await;
        // by another's clock, which is ahead, the lease has ended
        let ahead = clock.now().saturating_add(Duration::from_secs(4));
        let ttl = Duration::from_secs(6);
        let usurped = catalog.lease(Uuid::from_u128(2), ahead, ttl).await;
        assert_eq!(usurped.unwrap().unwrap().epoch, 2);
        commit(&catalog, &scope(), 1..2).await;
        sink.has_taken(2).await;
        // delivered once more than it should, but not marked
        let oldest = catalog.oldest_undelivered(sink.name()).await.unwrap();
        assert!(oldest.is_some());
        let quiet = timeout(Duration::from_secs(9), sink.has_taken(3)).await;
        assert!(quiet.is_err(), "delivered while another had the lease");
        is_drained(&catalog, &sink).await;
    };
    select! {
        () = relay.run(pending()) => {}
        () = usurping => {}
    }
    assert_eq!(sink.sequences(&scope()), [1, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_cannot_be_renewed_is_given_up_before_its_end() {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    commit(&catalog, &scope(), 0..1).await;
    // it would end just before the lease does, when the relay no longer knows that it holds it
    let slow = Reaction::TakeAfter(Duration::from_millis(2900));
    let sink = ScriptedSink::reacting("log", vec![slow]);
    let relay = relay(&catalog, &[&sink], &clock, 1);
    let outage = async {
        sleep(Duration::from_millis(1)).await;
        catalog.set_available(false);
        // the lease has ended, and the next try to renew it is not due yet
        sleep(Duration::from_millis(3100)).await;
        catalog.set_available(true);
        let other = catalog.lease(Uuid::from_u128(2), clock.now(), Duration::from_hours(1));
        assert_eq!(other.await.unwrap().unwrap().epoch, 2);
        sleep(Duration::from_mins(1)).await;
    };
    select! {
        () = relay.run(pending()) => {}
        () = outage => {}
    }
    assert_eq!(sink.sequences(&scope()), [0; 0]);
}

/// A catalogue that grants the lease and then knows nothing of it.
#[derive(Debug)]
struct Forgetful {
    catalog: FakeCatalog,
    leases: AtomicU32,
}

#[async_trait]
impl EventOutbox for Forgetful {
    async fn lease(
        &self,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, CatalogError> {
        self.leases.fetch_add(1, Ordering::Relaxed);
        self.catalog.lease(owner, now, ttl).await
    }

    async fn undelivered(
        &self,
        sink: &SinkName,
        limit: u32,
        held: &[Scope],
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        self.catalog.undelivered(sink, limit, held).await
    }

    async fn advance(&self, _progress: Progress) -> Result<bool, CatalogError> {
        Ok(false)
    }

    async fn retries(
        &self,
        sink: &SinkName,
        limit: u32,
    ) -> Result<Vec<DatasetEvent>, CatalogError> {
        self.catalog.retries(sink, limit).await
    }

    async fn backlog(&self, sink: &SinkName) -> Result<Backlog, CatalogError> {
        self.catalog.backlog(sink).await
    }

    async fn oldest_undelivered(&self, sink: &SinkName) -> Result<Option<Timestamp>, CatalogError> {
        self.catalog.oldest_undelivered(sink).await
    }

    async fn committed(&self, patience: Duration) {
        self.catalog.committed(patience).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_denied_epoch_is_followed_by_a_rest() {
    let outbox = Arc::new(Forgetful {
        catalog: FakeCatalog::new(),
        leases: AtomicU32::new(0),
    });
    commit(&outbox.catalog, &scope(), 0..1).await;
    let relay = Relay::new(
        Arc::clone(&outbox) as Arc<dyn EventOutbox>,
        vec![ScriptedSink::willing("log")],
        TokioClock::start(),
        Uuid::from_u128(1),
        RelaySettings::default(),
    )
    .unwrap();
    relay.run(sleep(Duration::from_secs(10))).await;
    let leases = outbox.leases.load(Ordering::Relaxed);
    assert!((50..=101).contains(&leases), "{leases}");
}

/// Whenever a relay dies, another delivers within 5 s: after the lease of 3 s, and a third of that
/// until the other tries to take it.
#[tokio::test(start_paused = true)]
async fn another_relay_delivers_within_five_seconds_of_a_death() {
    for moment in 0..30 {
        let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
        let sink = ScriptedSink::willing("log");
        let [dying, other] = [1, 2].map(|owner| relay(&catalog, &[&sink], &clock, owner));
        commit(&catalog, &scope(), 0..1).await;
        let surviving = async {
            // it tries at other moments than the first
            tokio::time::sleep(Duration::from_millis(37 * moment)).await;
            other.run(pending()).await;
        };
        let watching = async {
            select! {
                () = dying.run(pending()) => {}
                () = tokio::time::sleep(Duration::from_millis(4000 + 100 * moment)) => {}
            }
            let died = tokio::time::Instant::now();
            commit(&catalog, &scope(), 1..2).await;
            sink.has_taken(2).await;
            died.elapsed()
        };
        select! {
            () = surviving => {}
            taken_over = watching => {
                assert!(taken_over < Duration::from_secs(5), "{moment}: {taken_over:?}");
            }
        }
        assert_eq!(sink.sequences(&scope()), [1, 2]);
    }
}
