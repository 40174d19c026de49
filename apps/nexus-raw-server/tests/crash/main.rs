//! The program is killed under load, again and again, and keeps every answer that it ever gave:
//! no event without its state, no state without its event.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "where an expectation breaks, the test must end, and tell how it came there"
)]

mod check;
mod client;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../common/http.rs"]
mod http;
mod ledger;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../common/machine.rs"]
mod machine;

use std::{sync::Arc, time::Duration};

use client::{Client, TENANTS};
use ledger::Ledger;
use machine::Machine;
use nexus_raw::tenancy::Role;

const ROUNDS: usize = 12;
const CLIENTS: usize = 8;
/// Draws the moments of the kills.
const SEED: u64 = 0x5eed;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_killed_under_load_keeps_every_answer_it_ever_gave() {
    println!("seed {SEED}");
    let mut random = Moments(SEED);
    let machine = Machine::new();
    let ledger = Arc::new(Ledger::default());
    let mut told = Vec::new();

    for _ in 0..ROUNDS {
        let server = machine.start();
        let token = machine.token_for(&TENANTS, Role::Owner);
        let client = Client::new(server.address, &token);
        let load: Vec<_> = (0..CLIENTS)
            .map(|worker| {
                let (client, ledger) = (client.clone(), Arc::clone(&ledger));
                tokio::spawn(async move { client.work(worker, &ledger).await })
            })
            .collect();
        // a moment is drawn in answers, not in time, so that every machine is under load then
        ledger.wait_for_more(20 + random.below(130)).await;
        tokio::time::sleep(Duration::from_micros(random.below(3000))).await;
        told.extend(server.kill());
        for worker in load {
            worker.await.unwrap();
        }
    }

    let assets = ledger.assets();
    let registered = assets.iter().filter(|it| it.record.is_some()).count();
    println!("{} presigned, {registered} registered", assets.len());
    assert!(registered >= ROUNDS, "too little load to prove anything");

    let server = machine.start();
    let token = machine.token_for(&TENANTS, Role::Owner);
    let client = Client::new(server.address, &token);
    check::every_answer_still_holds(&client, &assets).await;
    let last = check::last_sequences(&client).await;
    let mut events: Vec<_> = told.iter().filter_map(|line| check::event(line)).collect();
    while !check::all_arrived(&events, &last) {
        events.extend(server.events(1));
    }
    check::sequences_have_no_gap_and_no_second_event(&events);
    check::every_event_has_its_state(&client, &events).await;
}

/// A linear congruential generator (Knuth, MMIX): enough to spread moments, the same every run.
struct Moments(u64);

impl Moments {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
