//! Random sequences of everything that callers, uploads, clocks, relays and crashes can do, each
//! step compared with a small model of the API. A failure is shrunk to a few steps; how to replay
//! it is in `docs/CONTRIBUTING.md`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support: where an expectation breaks, the test must end"
)]

#[expect(dead_code, reason = "other test binaries need more of it")]
#[path = "../common/mod.rs"]
mod common;
mod driver;
mod facts;
mod histories;
mod houses;
mod machine;
mod parts;
mod promises;
mod registering;
mod relays;
mod texts;
mod words;
mod world;

use std::{
    cell::Cell,
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    panic::resume_unwind,
    thread,
};

use common::http;
use driver::Sequences;
use houses::{Adapters, Fakes, FakesUnproved, House};
use machine::Machine;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

/// How many sequences are tried, unless `PROPTEST_CASES` says otherwise.
const ON_FAKES: u32 = 1500;
const ON_A_STORE_THAT_PROVES_NOTHING: u32 = 250;
const ON_ADAPTERS: u32 = 200;

/// How many steps a sequence has.
const STEPS: std::ops::Range<usize> = 8..40;

/// What must have come to pass at least once, or else the sequences do not go far enough.
const REACHED: [&str; 38] = [
    "POST 200 presigned",
    "POST 200 presigned again",
    "POST 201 record",
    "POST 201 fact",
    "POST 403 forbidden",
    "POST 404 asset-not-found",
    "POST 409 asset-conflict",
    "POST 409 object-not-uploaded",
    "POST 410 upload-expired",
    "POST 422 idempotency-key-reused",
    "POST 422 object-mismatch",
    "POST 422 validation-failed",
    "GET 200 events",
    "GET 200 record",
    "GET 403 forbidden",
    "GET 404 asset-not-found",
    "put 200",
    "put 403",
    "put 412",
    "delivered again",
    "lease taken over",
    "parked",
    "POST 200 parts",
    "GET 200 held",
    "DELETE 204 aborted",
    "DELETE 204 aborted again",
    "DELETE 403 forbidden",
    "DELETE 404 asset-not-found",
    "DELETE 409 asset-conflict",
    "GET 410 aborted",
    "POST 410 aborted",
    "409 object-not-uploaded /parts/n",
    "422 validation-failed /parts/n/part_number",
    "422 validation-failed /sha256",
    "422 validation-failed /size_bytes",
    "put part 200",
    "put part 403",
    "put part 404",
];

/// What comes of a store that checks digests: its response to other bytes, and its proof.
const PROVED: [&str; 2] = ["put part 400", "registered in parts s3_composite_sha256"];

/// What comes to pass a few times in a hundred sequences.
const REACHED_BY_MANY: [&str; 9] = [
    "POST 200 record",
    "POST 200 fact",
    "put 400",
    "registered late",
    "fenced off",
    "DELETE 409 registered in parts",
    "GET 409 registered in parts",
    "POST 409 registered in parts",
    "DELETE 409 completed",
];

#[test]
fn on_fakes_every_answer_and_event_of_any_sequence_is_the_models() {
    let reached = [&REACHED[..], &PROVED, &REACHED_BY_MANY].concat();
    hold::<Fakes>(ON_FAKES, &reached);
}

#[test]
fn where_the_store_proves_nothing_every_answer_and_event_of_any_sequence_is_the_models() {
    let reached = [&REACHED[..], &["POST 409 verification-pending"]].concat();
    hold::<FakesUnproved>(ON_A_STORE_THAT_PROVES_NOTHING, &reached);
}

#[test]
fn on_sqlite_and_s3_every_answer_and_event_of_any_sequence_is_the_models() {
    hold::<Adapters>(ON_ADAPTERS, &[&REACHED[..], &PROVED].concat());
}

/// How many runs go on at once: a sequence waits more than it works.
const RUNS: u32 = 4;

fn hold<H: House>(sequences: u32, reached: &[&str]) {
    let (seed, least) = (seed(), sequences);
    let sequences = given_cases().unwrap_or(least);
    let mut tally = BTreeMap::<String, u64>::new();
    thread::scope(|scope| {
        let runs: Vec<_> = (0..RUNS)
            .map(|run| {
                let share = (sequences + run) / RUNS;
                scope.spawn(move || hold_run::<H>(seed.wrapping_add(run.into()), share))
            })
            .collect();
        for run in runs {
            let counted = run.join().unwrap_or_else(|panic| resume_unwind(panic));
            for (what, times) in counted {
                *tally.entry(what).or_default() += times;
            }
        }
    });
    assert_eq!(tally.get("sequences"), Some(&sequences.into()));
    if sequences >= least {
        for what in reached {
            assert!(tally.contains_key(*what), "no {what} in {tally:#?}");
        }
    }
}

/// Tries so many sequences from one seed; how often what happened in them.
fn hold_run<H: House>(seed: u64, sequences: u32) -> BTreeMap<String, u64> {
    let config = Config {
        cases: sequences,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..Config::default()
    };
    let strategy = Machine::<H>::sequential_strategy(STEPS);
    let (tried, held) = (Cell::new(0), Cell::new(0));
    let outcome = TestRunner::new(config.clone()).run(&strategy, |(world, steps, seen)| {
        // once one has failed, its shorter forms are tried, and those are not counted
        if tried.get() == held.get() {
            tried.set(tried.get() + 1);
        }
        Sequences::<H>::test_sequential(config.clone(), world, steps, seen);
        held.set(held.get() + 1);
        Ok(())
    });
    if let Err(error) = outcome {
        let TestError::Fail(reason, (_, steps, _)) = error else {
            panic!("{error}");
        };
        panic!(
            "sequence {} of PROPTEST_RNG_SEED={seed} fails; its shortest form that does:\n\
             {steps:#?}\n{reason}",
            tried.get()
        );
    }
    driver::tally()
}

/// The seed that `PROPTEST_RNG_SEED` gives, or a fresh one.
fn seed() -> u64 {
    match Config::default().rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => RandomState::new().hash_one("a fresh seed"),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "proptest reads it too, and cannot distinguish a default from a choice"
)]
fn given_cases() -> Option<u32> {
    std::env::var("PROPTEST_CASES").ok()?.parse().ok()
}
