use std::{collections::BTreeSet, future::pending, time::Duration};

use nexus_raw::ports::DatasetEventSink;
use nexus_raw_events::RelaySettings;
use nexus_raw_testkit::{FakeCatalog, sample};
use proptest::{collection::vec, prelude::*};
use tokio::{select, time::sleep};

use crate::support::{Reaction, ScriptedSink, TokioClock, commit, is_drained, with_settings};

fn reaction() -> impl Strategy<Value = Reaction> {
    prop_oneof![
        Just(Reaction::Take),
        (0_usize..5).prop_map(Reaction::TakeOnly),
        (0_usize..5).prop_map(Reaction::Fail),
        (0_usize..5).prop_map(Reaction::Refuse),
        (0_usize..5).prop_map(Reaction::Hang),
        Just(Reaction::Apart),
    ]
}

/// What becomes of a relay before the next one is started.
#[derive(Debug, Clone, Copy)]
struct Life {
    lives_ms: u64,
    catalogue_dies_after_ms: Option<u64>,
}

fn life() -> impl Strategy<Value = Life> {
    (0_u64..12_000, prop::option::of(0_u64..6_000)).prop_map(|(lives_ms, dies)| Life {
        lives_ms,
        catalogue_dies_after_ms: dies,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn after_repeats_are_dropped_each_event_is_there_once_in_order_or_parked(
        reactions in vec(reaction(), 0..12), lives in vec(life(), 0..4), batch in 1_u32..6,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(weather(reactions, lives, batch))?;
    }
}

async fn weather(
    reactions: Vec<Reaction>,
    lives: Vec<Life>,
    batch: u32,
) -> Result<(), TestCaseError> {
    let (catalog, clock) = (FakeCatalog::new(), TokioClock::start());
    let scopes = [sample::scope("t_a", "dev"), sample::scope("t_b", "dev")];
    commit(&catalog, &scopes[0], 0..9).await;
    commit(&catalog, &scopes[1], 100..104).await;
    let sink = ScriptedSink::reacting("log", reactions);
    let settings = RelaySettings {
        batch,
        ..RelaySettings::default()
    };
    let mut owner = 1;
    for life in lives {
        let relay = with_settings(&catalog, &[&sink], &clock, owner, settings);
        let dying = async {
            if let Some(after) = life.catalogue_dies_after_ms {
                sleep(Duration::from_millis(after)).await;
                catalog.set_available(false);
            }
            pending::<()>().await;
        };
        select! {
            () = relay.run(pending()) => {}
            () = dying => {}
            () = sleep(Duration::from_millis(life.lives_ms)) => {}
        }
        catalog.set_available(true);
        owner += 1;
    }
    let last = with_settings(&catalog, &[&sink], &clock, owner, settings);
    select! {
        () = last.run(pending()) => {}
        () = is_drained(&catalog, &sink) => {}
    }

    let parked = catalog.parked(sink.name());
    for (scope, count) in scopes.iter().zip([9, 4]) {
        let mut seen = BTreeSet::new();
        let first_times: Vec<_> = sink
            .sequences(scope)
            .into_iter()
            .filter(|sequence| seen.insert(*sequence))
            .collect();
        prop_assert!(first_times.is_sorted(), "{first_times:?}");
        for event in parked.iter().filter(|parked| parked.scope == *scope) {
            seen.insert(event.sequence);
        }
        prop_assert_eq!(seen, (1..=count).collect());
    }
    Ok(())
}
