//! Events that a sink fails on, and parked ones that are retried.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use nexus_raw::{
    event::DatasetEvent,
    ports::{ParkedEvents, ParkedFilter},
};
use nexus_raw_events::RelaySettings;
use nexus_raw_testkit::{FakeCatalog, sample};
use tokio::{
    select,
    time::{Instant, sleep},
};

use crate::support::{
    LogLines, Reaction, ScriptedSink, TokioClock, commit, is_drained, relay, scope,
};

/// The place of the first event of tenant `t_a` with this sequence.
fn stumbling_block(events: &[DatasetEvent], sequence: u64) -> Option<usize> {
    events
        .iter()
        .position(|event| event.body.scope() == scope() && event.sequence == sequence)
}

/// It is tried ten times, with growing waits, and then parked; its own scope waits for it, and
/// no other does.
#[tokio::test(start_paused = true)]
async fn an_event_that_a_sink_fails_on_holds_up_its_own_scope_and_is_parked_after_some_tries() {
    let (catalog, clock, log) = (FakeCatalog::new(), TokioClock::start(), LogLines::default());
    let other = sample::scope("t_b", "dev");
    // as many as would fill every batch
    commit(&catalog, &scope(), 0..600).await;
    commit(&catalog, &other, 0..600).await;
    let tries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let sink = ScriptedSink::new("http", move |events| match stumbling_block(events, 3) {
        Some(at) => {
            counted.fetch_add(1, Ordering::Relaxed);
            Reaction::Stumble(at)
        }
        None => Reaction::Take,
    });
    let relay = relay(&catalog, &[&sink], &clock, 1).with_log(log.logger());
    let began = Instant::now();
    let watching = async {
        sink.has_taken(602).await;
        let quick = began.elapsed();
        is_drained(&catalog, &sink).await;
        (quick, began.elapsed())
    };
    select! {
        () = relay.run(pending()) => {}
        (quick, whole) = watching => {
            assert!(quick < Duration::from_millis(500), "others waited {quick:?}");
            // 1, 2, 4, 8, 16, 32, 60, 60 and 60 s
            assert!(whole >= Duration::from_secs(243) && whole < Duration::from_secs(250), "{whole:?}");
        }
    }
    assert_eq!(
        tries.load(Ordering::Relaxed),
        RelaySettings::default().tries
    );
    let of_own: Vec<u64> = (1..=600).filter(|sequence| *sequence != 3).collect();
    assert_eq!(sink.sequences(&scope()), of_own);
    assert_eq!(sink.sequences(&other), (1..=600).collect::<Vec<_>>());
    let [parked] = &catalog.parked(sink_name(&sink))[..] else {
        panic!("not one is parked")
    };
    assert_eq!(
        (parked.sequence, &*parked.reason),
        (3, "no luck (10 tries)")
    );
}

fn sink_name(sink: &Arc<ScriptedSink>) -> &nexus_raw::ports::SinkName {
    use nexus_raw::ports::DatasetEventSink;
    sink.name()
}

/// A failure that passes costs a wait, no event and no order.
#[tokio::test(start_paused = true)]
async fn an_event_that_is_taken_at_a_later_try_comes_in_its_order() {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    commit(&catalog, &scope(), 0..5).await;
    let left = AtomicU32::new(3);
    let sink = ScriptedSink::new("http", move |events| match stumbling_block(events, 2) {
        Some(at) if left.load(Ordering::Relaxed) > 0 => {
            left.fetch_sub(1, Ordering::Relaxed);
            Reaction::Stumble(at)
        }
        _ => Reaction::Take,
    });
    let relay = relay(&catalog, &[&sink], &clock, 1);
    let began = Instant::now();
    select! {
        () = relay.run(pending()) => {}
        () = is_drained(&catalog, &sink) => {}
    }
    assert!(
        began.elapsed() >= Duration::from_secs(7),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(sink.sequences(&scope()), [1, 2, 3, 4, 5]);
    assert_eq!(catalog.parked(sink_name(&sink)), []);
}

/// An outage is nothing that an event is to blame for, however long it lasts.
#[tokio::test(start_paused = true)]
async fn an_outage_parks_nothing_however_long_it_lasts() {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    commit(&catalog, &scope(), 0..3).await;
    let sink = ScriptedSink::reacting("http", vec![Reaction::Fail(0); 1000]);
    let relay = relay(&catalog, &[&sink], &clock, 1);
    select! {
        () = relay.run(pending()) => {}
        () = is_drained(&catalog, &sink) => {}
    }
    assert_eq!(sink.sequences(&scope()), [1, 2, 3]);
    assert_eq!(catalog.parked(sink_name(&sink)), []);
}

/// A parked event to retry is offered again, beside new ones; it is removed once it was taken, and
/// parked again where it is refused again.
#[tokio::test(start_paused = true)]
async fn a_parked_event_to_retry_comes_later_or_is_parked_again() {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    commit(&catalog, &scope(), 0..4).await;
    let mended = Arc::new(AtomicBool::new(false));
    let is_mended = Arc::clone(&mended);
    let sink = ScriptedSink::new("http", move |events| {
        let refused = |event: &DatasetEvent| match event.sequence {
            2 => !is_mended.load(Ordering::Relaxed),
            3 => true,
            _ => false,
        };
        match events.iter().position(refused) {
            Some(at) => Reaction::Refuse(at),
            None => Reaction::Take,
        }
    });
    let relay = relay(&catalog, &[&sink], &clock, 1);
    let watching = async {
        is_drained(&catalog, &sink).await;
        assert_eq!(catalog.parked(sink_name(&sink)).len(), 2);
        mended.store(true, Ordering::Relaxed);
        commit(&catalog, &scope(), 4..5).await;
        let marked = catalog.ask_retry(ParkedFilter::default(), sample::now());
        assert_eq!(marked.await.unwrap(), 2);
        sink.has_taken(4).await;
        loop {
            let kept = ParkedEvents::parked(&catalog, &ParkedFilter::default(), 10).await;
            if let [kept] = &kept.unwrap()[..]
                && !kept.retry_asked
            {
                assert_eq!(kept.parked.sequence, 3);
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    select! {
        () = relay.run(pending()) => {}
        () = watching => {}
    }
    let mut taken = sink.sequences(&scope());
    taken.sort_unstable();
    assert_eq!(taken, [1, 2, 4, 5]);
}

/// New events come through beside any number of parked ones that are retried, with any outcome.
#[tokio::test(start_paused = true)]
async fn parked_events_that_a_sink_has_no_answer_to_do_not_hold_up_new_ones() {
    const PARKED: u64 = 40;
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    commit(&catalog, &scope(), 0..40).await;
    let (silent, tries) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU32::new(0)),
    );
    let (is_silent, counted) = (Arc::clone(&silent), Arc::clone(&tries));
    let sink = ScriptedSink::new("http", move |events| {
        let parked = |event: &DatasetEvent| event.sequence <= PARKED;
        match events.iter().position(parked) {
            Some(at) if is_silent.load(Ordering::Relaxed) => {
                counted.fetch_add(1, Ordering::Relaxed);
                Reaction::Fail(at)
            }
            Some(at) => Reaction::Refuse(at),
            None => Reaction::Take,
        }
    });
    let relay = relay(&catalog, &[&sink], &clock, 1);
    let watching = async {
        is_drained(&catalog, &sink).await;
        assert_eq!(catalog.parked(sink_name(&sink)).len(), 40);
        silent.store(true, Ordering::Relaxed);
        let marked = catalog.ask_retry(ParkedFilter::default(), sample::now());
        assert_eq!(marked.await.unwrap(), PARKED);
        while tries.load(Ordering::Relaxed) == 0 {
            sleep(Duration::from_millis(20)).await;
        }
        commit(&catalog, &scope(), 40..41).await;
        sink.has_taken(1).await;
    };
    select! {
        () = relay.run(pending()) => {}
        () = watching => {}
        () = sleep(Duration::from_hours(1)) => panic!("the new event waits for parked ones"),
    }
    assert_eq!(sink.sequences(&scope()), [41]);
}
