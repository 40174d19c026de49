use std::{future::pending, time::Duration};

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
        let committed = Instant::now();
        for round in 0..20 {
            commit(&catalog, &scope(), round..round + 1).await;
            let count = usize::try_from(round).unwrap() + 1;
            one.has_taken(count).await;
            other.has_taken(count).await;
        }
        committed.elapsed()
    };
    select! {
        () = relay.run(pending()) => {}
        waited = commits => assert_eq!(waited, Duration::ZERO),
    }
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
