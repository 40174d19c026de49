use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use nexus_raw::ports::{DatasetEventSink, ParkedEvent};
use nexus_raw_testkit::{FakeCatalog, sample};
use serde_json::json;
use tokio::{
    select,
    time::{Instant, sleep},
};

use crate::support::{
    LogLines, Reaction, ScriptedSink, TokioClock, commit, is_drained, relay, scope,
};

#[tokio::test(start_paused = true)]
async fn a_poison_event_is_parked_and_logged_and_the_next_goes_on() {
    let (catalog, clock, log) = (FakeCatalog::new(), TokioClock::start(), LogLines::default());
    commit(&catalog, &scope(), 0..5).await;
    let sink = ScriptedSink::new("log", |events| {
        match events.iter().position(|event| event.sequence == 3) {
            Some(at) => Reaction::Refuse(at),
            None => Reaction::Take,
        }
    });
    let relay = relay(&catalog, &[&sink], &clock, 1).with_log(log.logger());
    select! {
        () = relay.run(pending()) => {}
        () = is_drained(&catalog, &sink) => {}
    }
    assert_eq!(sink.sequences(&scope()), [1, 2, 4, 5]);
    assert_eq!(
        catalog.parked(sink.name()),
        [ParkedEvent {
            scope: scope(),
            sequence: 3,
            reason: "too large".to_owned(),
            parked_at: sample::now(),
        }]
    );
    let parked = &catalog.events_in(&scope())[2];
    assert_eq!(
        log.lines(),
        [json!({
            "level": "ERROR",
            "msg": "event parked",
            "sink": "log",
            "event_id": parked.event_id,
            "event_type": "raw_asset_presigned",
            "tenant_id": "t_a",
            "env": "dev",
            "sequence": 3,
            "asset_id": parked.body.asset_id,
            "reason": "too large",
        })]
    );
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_hangs_or_fails_does_not_hold_up_another() {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    commit(&catalog, &scope(), 0..3).await;
    let willing = ScriptedSink::willing("willing");
    let failing = ScriptedSink::new("failing", |_| Reaction::Fail(0));
    let hanging = ScriptedSink::reacting("hanging", vec![Reaction::Hang(0)]);
    let relay = relay(&catalog, &[&hanging, &failing, &willing], &clock, 1);
    let started = Instant::now();
    let watching = async {
        willing.has_taken(3).await;
        let quick = started.elapsed();
        hanging.has_taken(3).await;
        (quick, started.elapsed())
    };
    select! {
        () = relay.run(pending()) => {}
        (quick, late) = watching => {
            assert_eq!(quick, Duration::ZERO);
            // its deadline of 5 s, and the wait before the next try
            assert!(late >= Duration::from_millis(5050) && late <= Duration::from_millis(5100), "{late:?}");
        }
    }
    assert_eq!(hanging.sequences(&scope()), [1, 2, 3]);
    assert_eq!(failing.sequences(&scope()), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_a_sink_is_two_lines_however_long_it_lasts() {
    let (catalog, clock, log) = (FakeCatalog::new(), TokioClock::start(), LogLines::default());
    commit(&catalog, &scope(), 0..1).await;
    let sink = ScriptedSink::reacting("log", vec![Reaction::Fail(0); 30]);
    let relay = relay(&catalog, &[&sink], &clock, 1).with_log(log.logger());
    let started = Instant::now();
    select! {
        () = relay.run(pending()) => {}
        () = is_drained(&catalog, &sink) => {}
    }
    // the waits grow to 1.5 to 3 s each
    let lasted = started.elapsed();
    assert!(
        lasted > Duration::from_secs(35) && lasted < Duration::from_secs(90),
        "{lasted:?}"
    );
    assert_eq!(
        log.lines(),
        [
            json!({"level": "WARNING", "msg": "event delivery stalled", "sink": "log", "by": "sink", "reason": "no connection"}),
            json!({"level": "INFO", "msg": "event delivery resumed", "sink": "log", "by": "sink", "failures": 30}),
        ]
    );
}

/// What it took of others is marked, once; that scope alone is retried, and logged in two lines
/// for any number of retries.
#[tokio::test(start_paused = true)]
async fn a_scope_that_a_sink_does_not_take_waits_alone_and_what_it_took_of_others_is_marked() {
    let (catalog, clock, log) = (FakeCatalog::new(), TokioClock::start(), LogLines::default());
    let denied = sample::scope("t_b", "dev");
    commit(&catalog, &denied, 100..103).await;
    commit(&catalog, &scope(), 0..3).await;
    let (mended, offers) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU32::new(0)),
    );
    let (is_mended, counted) = (Arc::clone(&mended), Arc::clone(&offers));
    let sink = ScriptedSink::new("nats", move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        if is_mended.load(Ordering::Relaxed) {
            Reaction::Take
        } else {
            Reaction::Apart
        }
    });
    let relay = relay(&catalog, &[&sink], &clock, 1).with_log(log.logger());
    let weather = async {
        sink.has_taken(3).await;
        for number in 3..40 {
            sleep(Duration::from_secs(1)).await;
            let began = Instant::now();
            commit(&catalog, &scope(), number..number + 1).await;
            sink.has_taken(usize::try_from(number).unwrap() + 1).await;
            assert!(began.elapsed() < Duration::from_millis(50), "{number}");
        }
        mended.store(true, Ordering::Relaxed);
        let back = Instant::now();
        is_drained(&catalog, &sink).await;
        back.elapsed()
    };
    select! {
        () = relay.run(pending()) => {}
        recovered = weather => assert!(recovered < Duration::from_secs(5), "{recovered:?}"),
    }
    assert_eq!(
        sink.sequences(&scope()),
        (1..=40).collect::<Vec<_>>(),
        "none twice"
    );
    assert_eq!(sink.sequences(&denied), [1, 2, 3]);
    // its waits grow to 3 s
    let offers = offers.load(Ordering::Relaxed);
    assert!(offers < 40 + 25, "{offers}");
    assert_eq!(catalog.parked(sink.name()), []);
    assert_eq!(
        log.lines(),
        [
            json!({"level": "WARNING", "msg": "event delivery stalled", "sink": "nats", "by": "sink", "tenant_id": "t_b", "env": "dev", "reason": "no right"}),
            json!({"level": "INFO", "msg": "event delivery resumed", "sink": "nats", "by": "sink", "tenant_id": "t_b", "env": "dev"}),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_catalogue_is_logged_and_survived() {
    let (catalog, clock, log) = (FakeCatalog::new(), TokioClock::start(), LogLines::default());
    let sink = ScriptedSink::willing("log");
    let relay = relay(&catalog, &[&sink], &clock, 1).with_log(log.logger());
    let weather = async {
        commit(&catalog, &scope(), 0..2).await;
        is_drained(&catalog, &sink).await;
        catalog.set_available(false);
        sleep(Duration::from_mins(1)).await;
        catalog.set_available(true);
        let back = Instant::now();
        commit(&catalog, &scope(), 2..4).await;
        is_drained(&catalog, &sink).await;
        back.elapsed()
    };
    select! {
        () = relay.run(pending()) => {}
        recovered = weather => assert!(recovered < Duration::from_secs(5), "{recovered:?}"),
    }
    assert_eq!(sink.sequences(&scope()), [1, 2, 3, 4]);
    let logged: Vec<_> = log
        .lines()
        .iter()
        .map(|line| {
            (
                line["msg"].clone(),
                line["by"].clone(),
                line["reason"].clone(),
            )
        })
        .collect();
    let reason = "the catalogue is unavailable: the test has taken the catalogue down";
    assert_eq!(
        logged[0],
        (
            json!("event delivery stalled"),
            json!("catalogue"),
            json!(reason)
        )
    );
    assert!(logged.contains(&(
        json!("event delivery resumed"),
        json!("catalogue"),
        json!(null)
    )));
    assert!(logged.len() <= 4, "{logged:?}");
}
