//! What goes wrong, and when.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use nexus_raw_testkit::{Nats, Postgres, Random, env_number};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};

use crate::fleet::{Fleet, REPLICAS};

/// How often each trouble happens to the replicas, and how long it lasts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Troubles {
    /// How often the replica that relays is killed while all else goes well.
    pub(crate) deaths_of_a_relay: usize,
    /// How often all else goes wrong.
    pub(crate) rounds: u64,
    /// How long the stream is away in each.
    pub(crate) outage: Duration,
}

impl Troubles {
    /// As many rounds as `NEXUS_RAW_REPLICA_ROUNDS` says, or a short one.
    pub(crate) fn given() -> Self {
        match env_number("NEXUS_RAW_REPLICA_ROUNDS") {
            Some(rounds) => Self {
                deaths_of_a_relay: 3,
                rounds,
                outage: Duration::from_secs(20),
            },
            // longer than the longest pause of the relay, which is 3 s
            None => Self {
                deaths_of_a_relay: 2,
                rounds: 1,
                outage: Duration::from_secs(8),
            },
        }
    }
}

/// Kills the replica that relays, a few times, and waits until another does; when each died.
pub(crate) async fn of_relays(
    troubles: Troubles,
    fleet: &Fleet,
    random: &mut Random,
) -> Vec<SystemTime> {
    let mut deaths = Vec::new();
    for _ in 0..troubles.deaths_of_a_relay {
        let replica = fleet.wait_for_a_relay().await;
        // anywhere between two renewals of its lease
        sleep(Duration::from_millis(1_000 + random.below(1_000))).await;
        let died = fleet.kill(replica);
        println!("replica {replica}, which relayed, was killed");
        let next = fleet.wait_for_a_relay().await;
        println!(
            "replica {next} relays, {:.1?} later",
            died.elapsed().unwrap()
        );
        deaths.push(died);
        fleet.start_again(replica).await;
    }
    deaths
}

/// Kills one replica after the other, while the database crashes and the stream goes away, and a
/// little longer.
pub(crate) async fn of_everything(
    troubles: Troubles,
    fleet: &Fleet,
    nats: &Arc<Nats>,
    random: &mut Random,
) {
    // and is back before the stream is
    let latest = u64::try_from(troubles.outage.as_millis()).unwrap() - 6_000;
    let database = Duration::from_millis(2_000 + random.below(latest));
    let database = tokio::spawn(of_the_database(database));
    let outage = tokio::spawn(of_the_stream(troubles.outage, Arc::clone(nats)));
    while !(database.is_finished() && outage.is_finished()) {
        of_one_replica(fleet, random).await;
    }
    database.await.unwrap();
    outage.await.unwrap();
    for _ in 0..REPLICAS {
        of_one_replica(fleet, random).await;
    }
}

async fn of_one_replica(fleet: &Fleet, random: &mut Random) {
    sleep(Duration::from_millis(500 + random.below(1_500))).await;
    let replica = random.below(REPLICAS);
    fleet.kill(replica);
    println!("replica {replica} was killed");
    sleep(Duration::from_millis(random.below(1_500))).await;
    let began = Instant::now();
    fleet.start_again(replica).await;
    let took = began.elapsed();
    println!("replica {replica} is ready, {took:.1?} after its start");
}

async fn of_the_database(after: Duration) {
    sleep(after).await;
    let began = Instant::now();
    let crash = spawn_blocking(|| {
        let server = Postgres::shared();
        server.stop_immediately();
        server.start_again();
    });
    crash.await.unwrap();
    println!(
        "PostgreSQL was ended at once, and is back after {:.1?}",
        began.elapsed()
    );
}

async fn of_the_stream(outage: Duration, nats: Arc<Nats>) {
    let stopped = Arc::clone(&nats);
    spawn_blocking(move || stopped.stop()).await.unwrap();
    println!("NATS was killed");
    sleep(outage).await;
    spawn_blocking(move || nats.start_again()).await.unwrap();
    println!("NATS is back");
}
