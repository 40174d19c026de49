//! Two servers on one catalogue, as a consumer of events and Prometheus see them.

use std::time::{Duration, Instant};

use futures_util::future::join;
use nexus_raw_testkit::{Exposition, Postgres};

use crate::{
    caller::Caller,
    house::{House as _, OnPostgres},
    http::Request,
    machine::{Machine, Server},
};

const SOON: Duration = Duration::from_secs(20);

async fn scraped(server: &Server) -> Exposition {
    let answer = Request::new(server.metrics, "GET", "/metrics").send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    Exposition::parse(std::str::from_utf8(&answer.body).unwrap()).unwrap()
}

/// Scrapes until a gauge is of a value that is wanted.
async fn until(server: &Server, gauge: &str, wanted: impl Fn(f64) -> bool) -> f64 {
    let began = Instant::now();
    loop {
        let value = scraped(server).await.value(gauge, &[]).unwrap();
        if wanted(value) {
            return value;
        }
        assert!(began.elapsed() < SOON, "{gauge} stays {value}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_at_one_server_is_ended_by_what_another_has_written_and_one_of_them_relays() {
    let house = OnPostgres::open();
    let (here, there) = (house.start(), house.start());
    let reader = house.owner_of("t_demo", &here);
    let writer = house.owner_of("t_demo", &there);
    let pull = async {
        let answer = reader.get("/nexus/raw/events?wait_seconds=20").await;
        (answer.json()["events"].clone(), Instant::now())
    };
    let put = async {
        until(&here, "nexus_raw_feed_waiting_requests", |it| it >= 1.0).await;
        writer.presign("DSCN0010.jpg", b"a photograph").await;
        Instant::now()
    };
    let ((events, heard), written) = join(pull, put).await;
    assert_eq!(events.as_array().unwrap().len(), 1, "{events}");
    // it looks twice a second; the wait itself would have taken 9 s
    let late = heard.saturating_duration_since(written);
    assert!(late < Duration::from_secs(5), "{late:?}");

    let leaders = [&here, &there].map(async |server| {
        let text = scraped(server).await;
        text.value("nexus_raw_relay_leader", &[]).unwrap()
    });
    let [one, other] = leaders;
    let (one, other) = join(one, other).await;
    assert_eq!(one.max(other).to_bits(), 1f64.to_bits());
    assert_eq!(one.min(other).to_bits(), 0f64.to_bits());
    // the value comes from the catalogue, so both report it
    for server in [&here, &there] {
        until(server, "nexus_raw_open_intents", |it| {
            it.to_bits() == 1f64.to_bits()
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_served_while_the_catalogue_is_away_and_say_since_when() {
    // one of its own, since it is stopped
    let database = Postgres::start();
    let url = database.database().url.clone();
    let house = OnPostgres::open();
    let program = || {
        let mut program = house.program();
        program.env("NEXUS_RAW_CATALOG__URL", &url);
        program
    };
    let migrated = program().arg("migrate").output().unwrap();
    assert!(migrated.status.success(), "{migrated:?}");
    let server = Machine::start_by(&mut program());
    let caller = Caller::owner_of("t_demo", house.machine(), &server);
    caller.presign("DSCN0010.jpg", b"a photograph").await;
    let sampled = "nexus_raw_sampled_timestamp_seconds";
    let leader = "nexus_raw_relay_leader";
    until(&server, "nexus_raw_open_intents", |it| it > 0.0).await;
    until(&server, leader, |it| it > 0.0).await;

    let pull = caller.get("/nexus/raw/events?after=1&wait_seconds=20");
    let stop = async {
        until(&server, "nexus_raw_feed_waiting_requests", |it| it > 0.0).await;
        database.stop_immediately();
    };
    let (pulled, ()) = join(pull, stop).await;
    assert_eq!(pulled.problem().1, "catalog-unavailable");
    until(&server, leader, |it| it < 1.0).await;
    let text = scraped(&server).await;
    let last = text.value(sampled, &[]).unwrap();
    assert_eq!(text.value("nexus_raw_open_intents", &[]), Some(1.0));
    let labels = [("operation", "events_after"), ("outcome", "unavailable")];
    let failed = text.value("nexus_raw_catalog_call_duration_seconds_count", &labels);
    assert!(failed >= Some(1.0), "{failed:?}");

    database.start_again();
    until(&server, sampled, |it| it > last).await;
    until(&server, leader, |it| it > 0.0).await;
    let again = caller.get("/nexus/raw/events").await;
    assert_eq!(again.json()["events"].as_array().unwrap().len(), 1);
}
