//! Three replicas on PostgreSQL, SeaweedFS and NATS, under load, while one after the other is
//! killed, the database crashes and the stream goes away: all responses hold, each event
//! arrives, in order and without a gap, and nothing waits for ever.
//!
//! `NEXUS_RAW_SEED` draws who is killed when, `NEXUS_RAW_REPLICA_ROUNDS` says how often it all happens.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a broken expectation must end the test, with the steps before it"
)]

mod check;
mod client;
#[expect(dead_code, reason = "other test binaries need more of it")]
#[path = "../common/mod.rs"]
mod common;
mod consent;
mod fleet;
mod follower;
mod lister;
mod reader;
mod stream;
mod trouble;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use caller::Caller;
use client::{Client, Work};
use common::{caller, house, http, ledger, machine, parts};
use fleet::{Fleet, REPLICAS};
use ledger::Ledger;
use nexus_raw::tenancy::Role;
use nexus_raw_testkit::{Nats, Random};
use stream::Stream;
use trouble::Troubles;

/// One name is a prefix of the other, so that a confusion of scopes shows.
const TENANTS: [&str; 2] = ["t_replica", "t_replica-b"];
const ENVS: [&str; 2] = ["dev", "prod"];

/// One for each scope, and one more for two of them, so that writes to a scope meet.
const CLIENTS: usize = 6;

/// How long the relay may be away after the death of the replica that had it.
const TAKEOVER: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_replica_dies_every_answer_stays_and_every_event_arrives_once_and_in_order() {
    let mut random = Random::printed();
    let nats = Arc::new(Nats::start());
    let fleet = Arc::new(Fleet::start(&nats.url()).await);
    let ledger = Arc::new(Ledger::default());
    // the clients stop first, and then who reads of them
    let (stop, quiet) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
    let began = Instant::now();
    let load: Vec<_> = (0..CLIENTS)
        .map(|worker| {
            let token = fleet.token(&TENANTS, Role::Owner);
            let client = Client::new(worker, &token, Arc::clone(&fleet), Arc::clone(&ledger));
            let stop = Arc::clone(&stop);
            tokio::spawn(async move { client.work(&stop).await })
        })
        .collect();
    let followers = follower::of_every_scope(&fleet, &quiet);
    let token = fleet.token(&TENANTS, Role::Owner);
    let consent = Client::new(CLIENTS, &token, Arc::clone(&fleet), Arc::clone(&ledger));
    let consent =
        consent::of_one_lineage(consent, &fleet, Random::seeded(random.below(1000)), &stop);
    let listers = lister::of_every_scope(&fleet, &quiet);

    // its record and events are held to what follows, as all others
    one_of_fifty_registers_an_upload_in_parts(&fleet, &ledger).await;
    let troubles = Troubles::given();
    let deaths = trouble::of_relays(troubles, &fleet, &mut random).await;
    for _ in 0..troubles.rounds {
        trouble::of_everything(troubles, &fleet, &nats, &mut random).await;
    }
    fleet.wait_for_a_relay().await;
    stop.store(true, Ordering::Relaxed);
    let mut work = Work::default();
    for client in load {
        work.add(&client.await.unwrap());
    }
    let statements = consent.await.unwrap();
    work.add(&statements.work);
    let worked = began.elapsed();
    quiet.store(true, Ordering::Relaxed);

    let committed = check::committed(&fleet).await;
    let mut stream = Stream::open(&nats).await;
    let drained = stream.read_until(&committed).await;
    check::the_stream_has_each_event_once_and_in_order(&stream, &committed);
    for follower in followers {
        let (scope, pulled) = follower.await.unwrap();
        assert!(pulled == committed[&scope], "pulled otherwise: {scope:?}");
    }
    let mut lists_read = 0;
    for lister in listers {
        let (scope, lists) = lister.await.unwrap();
        check::lists_neither_skip_nor_repeat(&scope, &lists, &committed);
        lists_read += lists.len();
    }
    check::every_response_holds(&fleet, &ledger, &committed).await;
    let takeovers: Vec<_> = deaths.iter().map(|death| stream.silence(*death)).collect();
    let events: usize = committed.values().map(Vec::len).sum();
    println!(
        "{worked:.1?} of load: {} kills, {} presigned, {} registered, {events} events, {} repeated, \
         {} calls, {} of them sent again, the longest {:.1?}, the longest until it succeeded {:.1?}; \
         {lists_read} lists read; consent stated {} times and read {} times; relay taken over after {takeovers:.1?}; all of it read from the stream {drained:.1?} after the load",
        fleet.kills(),
        work.presigned,
        work.registered,
        stream.repeats(),
        work.calls,
        work.retries,
        work.longest_call,
        work.longest_until_done,
        statements.stated,
        statements.read,
    );
    assert!(
        takeovers.iter().all(|silence| *silence <= TAKEOVER),
        "the relay was away for longer than {TAKEOVER:?}: {takeovers:?}"
    );
    assert!(
        work.registered > 10 * fleet.kills(),
        "too little load to prove anything"
    );
}

/// While every replica lives, so that no answer is lost.
async fn one_of_fifty_registers_an_upload_in_parts(fleet: &Fleet, ledger: &Ledger) {
    let owner = |replica| {
        let token = fleet.token(&TENANTS, Role::Owner);
        Caller::with_token(TENANTS[0], token, fleet.address(replica).unwrap())
    };
    let callers: Vec<_> = (0..REPLICAS).map(owner).collect();
    let (asset_id, record) = parts::registered_by_fifty(&callers).await;
    ledger.presigned(&asset_id, (TENANTS[0], ENVS[0]));
    ledger.registered(&asset_id, record);
    assert_eq!(fleet.open_uploads().await, [""; 0]);
}
