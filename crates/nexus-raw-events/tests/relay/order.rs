use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use nexus_raw_events::RelaySettings;
use nexus_raw_testkit::{FakeCatalog, sample};
use tokio::{select, time::Instant};

use crate::support::{
    Reaction, ScriptedSink, TokioClock, commit, is_drained, relay, scope, with_settings,
};

#[tokio::test(start_paused = true)]
async fn every_event_of_every_scope_arrives_once_in_order_at_every_sink() {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    let (a, b) = (sample::scope("t_a", "dev"), sample::scope("t_ab", "dev"));
    commit(&catalog, &a, 0..40).await;
    commit(&catalog, &b, 100..103).await;
    let (one, other) = (ScriptedSink::willing("one"), ScriptedSink::willing("other"));
    let settings = RelaySettings {
        batch: 7,
        ..RelaySettings::default()
    };
    let relay = with_settings(&catalog, &[&one, &other], &clock, 1, settings);
    select! {
        () = relay.run(pending()) => {}
        () = async { is_drained(&catalog, &one).await; is_drained(&catalog, &other).await } => {}
    }
    for sink in [&one, &other] {
        assert_eq!(sink.sequences(&a), (1..=40).collect::<Vec<_>>());
        assert_eq!(sink.sequences(&b), [1, 2, 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_wakes_an_idle_relay_at_once() {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    let (one, other) = (ScriptedSink::willing("one"), ScriptedSink::willing("other"));
    let settings = RelaySettings {
        poll_interval: Duration::from_hours(1),
        ..RelaySettings::default()
    };
    let relay = with_settings(&catalog, &[&one, &other], &clock, 1, settings);
    let commits = async {
        // long after the relay has found nothing
        tokio::time::sleep(Duration::from_mins(1)).await;
        let mut waited = Duration::ZERO;
        for round in 0..20 {
            let committed = Instant::now();
            commit(&catalog, &scope(), round..round + 1).await;
            let count = usize::try_from(round).unwrap() + 1;
            one.has_taken(count).await;
            other.has_taken(count).await;
            waited += committed.elapsed();
            tokio::time::sleep(2 * settings.gather).await;
        }
        waited
    };
    select! {
        () = relay.run(pending()) => {}
        waited = commits => assert_eq!(waited, Duration::ZERO),
    }
}

/// Each delivery wakes the sink and the catalogue, so commits in quick succession share one.
#[tokio::test(start_paused = true)]
async fn events_gather_after_a_delivery_and_none_waits_longer() {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    let deliveries = Arc::new(Mutex::new(Vec::new()));
    let delivered = deliveries.clone();
    let sink = ScriptedSink::new("log", move |events| {
        delivered.lock().unwrap().push(events.len());
        Reaction::Take
    });
    let settings = RelaySettings {
        gather: Duration::from_millis(5),
        ..RelaySettings::default()
    };
    let relay = with_settings(&catalog, &[&sink], &clock, 1, settings);
    let commits = async {
        tokio::time::sleep(Duration::from_mins(1)).await;
        for round in 0..9 {
            commit(&catalog, &scope(), round..round + 1).await;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let last = Instant::now();
        sink.has_taken(9).await;
        last.elapsed()
    };
    select! {
        () = relay.run(pending()) => {}
        waited = commits => assert!(waited <= settings.gather),
    }
    // the first at once, and then each 5 ms what came since
    let deliveries = deliveries.lock().unwrap();
    assert_eq!(deliveries[0], 1);
    assert_eq!(deliveries.iter().sum::<usize>(), 9);
    assert!(deliveries.len() < 7, "{deliveries:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_sink_takes_in_parts_goes_on_where_it_was() {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    commit(&catalog, &scope(), 0..9).await;
    let sink = ScriptedSink::reacting(
        "log",
        vec![
            Reaction::TakeOnly(2),
            Reaction::Fail(3),
            Reaction::TakeOnly(0),
            Reaction::Fail(0),
            Reaction::TakeOnly(1),
        ],
    );
    let relay = relay(&catalog, &[&sink], &clock, 1);
    select! {
        () = relay.run(pending()) => {}
        () = is_drained(&catalog, &sink) => {}
    }
    assert_eq!(sink.sequences(&scope()), (1..=9).collect::<Vec<_>>());
}
