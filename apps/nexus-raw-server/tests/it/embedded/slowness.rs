//! Callers who take their time, or all there is of something, beside one who does not.

use std::{
    fs,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use nexus_raw::tenancy::Role;
use tokio::time::sleep;

use crate::{
    caller::Caller,
    machine::{Machine, Server},
    wire::{Heard, Wire},
};

const HALF: &str = "GET /healthz HTTP/1.1\r\nHos";
const GET: &str = "GET /healthz HTTP/1.1\r\nHost: nexus.test\r\n\r\n";

/// What a head or a body may take, and what a machine with other things to do may add.
const HEAD_MILLIS: &str = "3000";
const BODY_SECONDS: &str = "3";
const ITS_TIME: std::ops::RangeInclusive<f64> = 2.7..=6.0;
/// How long a caller who sends a body may go on once it was refused.
const AT_ONCE: std::ops::RangeInclusive<f64> = 0.0..=2.5;

/// What a slow caller says at first, what it adds twice a second, and what becomes of it.
struct Slow {
    name: &'static str,
    first: String,
    dripped: &'static str,
    statuses: &'static [u16],
    takes: std::ops::RangeInclusive<f64>,
}

fn descriptors(server: &Server) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.id()))
        .unwrap()
        .count()
}

async fn descriptors_come_down_to(most: usize, server: &Server) {
    for _ in 0..100 {
        if descriptors(server) <= most {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    assert!(
        descriptors(server) <= most,
        "{}, not {most}",
        descriptors(server)
    );
}

/// Says it, and goes on dripping until the server has closed.
async fn suffer(server: &Server, slow: &Slow) -> (Heard, f64) {
    let mut wire = Wire::open(server.address).await;
    let began = Instant::now();
    wire.say(&slow.first).await;
    loop {
        let heard = wire.listen(Duration::from_millis(500)).await;
        let took = began.elapsed().as_secs_f64();
        if heard.closed || took > 20.0 {
            return (heard, took);
        }
        wire.say(slow.dripped).await;
    }
}

fn slow_callers(machine: &Machine) -> Vec<Slow> {
    let token = machine.token("t_demo", Role::Owner);
    let post = |token: &str, length: &str| {
        format!(
            "POST /nexus/raw/presign-upload HTTP/1.1\r\nHost: nexus.test\r\nX-Env: dev\r\n\
             Authorization: Bearer {token}\r\nX-Tenant-Id: t_demo\r\n\
             Content-Type: application/json\r\n{length}\r\n\r\n"
        )
    };
    let (sized, chunked) = ("Content-Length: 500", "Transfer-Encoding: chunked");
    let case = |name, first: String, dripped, statuses, takes| Slow {
        name,
        first,
        dripped,
        statuses,
        takes,
    };
    vec![
        case("nothing", String::new(), "", &[], ITS_TIME),
        case("half a head", HALF.to_owned(), "", &[408], ITS_TIME),
        case("a dripped head", HALF.to_owned(), "x", &[408], ITS_TIME),
        case(
            "half a head behind a request",
            format!("{GET}{HALF}"),
            "",
            &[200, 408],
            ITS_TIME,
        ),
        case(
            "a dripped head behind a request",
            format!("{GET}G"),
            "E",
            &[200, 408],
            ITS_TIME,
        ),
        case(
            "half a head behind three",
            format!("{GET}{GET}{GET}{HALF}"),
            "",
            &[200, 200, 200, 408],
            ITS_TIME,
        ),
        case("no body", post(&token, sized), "", &[408], ITS_TIME),
        case("a dripped body", post(&token, sized), " ", &[408], ITS_TIME),
        case("no chunk", post(&token, chunked), "", &[408], ITS_TIME),
        case(
            "dripped chunks",
            post(&token, chunked),
            "1\r\n \r\n",
            &[408],
            ITS_TIME,
        ),
        case("a refused body", post("x", sized), " ", &[401], AT_ONCE),
        case("no refused chunk", post("x", chunked), "", &[401], AT_ONCE),
        case(
            "refused chunks",
            post("x", chunked),
            "1\r\n \r\n",
            &[401],
            AT_ONCE,
        ),
    ]
}

#[tokio::test]
async fn slow_heads_and_bodies_are_ended_in_their_time_and_harm_no_other() {
    let machine = Machine::new();
    let server = Machine::start_by(machine.embedded().envs([
        ("NEXUS_RAW_FAIL_POINT_HEAD_MILLIS", HEAD_MILLIS),
        ("NEXUS_RAW_HTTP__REQUEST_TIMEOUT_SECONDS", BODY_SECONDS),
    ]));
    let before = descriptors(&server);
    let cases = slow_callers(&machine);
    // held open all the while
    let open = |said: &'static str| {
        let address = server.address;
        join_all((0..500).map(move |_| async move {
            let mut wire = Wire::open(address).await;
            wire.say(said).await;
            wire
        }))
    };
    let (silent, mut halves) = (open("").await, open(HALF).await);
    let mut idle = Wire::open(server.address).await;
    idle.say(GET).await;

    let healthy = async {
        let caller = Caller::owner_of("t_demo", &machine, &server);
        let (until, mut worst) = (Instant::now() + Duration::from_secs(2), Duration::ZERO);
        while Instant::now() < until {
            let sent_at = Instant::now();
            caller.presign("healthy", b"x").await;
            worst = worst.max(sent_at.elapsed());
            sleep(Duration::from_millis(50)).await;
        }
        worst
    };
    let suffered = join_all(cases.iter().map(|slow| suffer(&server, slow)));
    let (suffered, worst) = futures_util::future::join(suffered, healthy).await;
    for (slow, (heard, took)) in cases.iter().zip(suffered) {
        let fate = (&*heard.statuses, heard.closed);
        assert_eq!(fate, (slow.statuses, true), "{}: {heard:?}", slow.name);
        assert!(slow.takes.contains(&took), "{} took {took} s", slow.name);
    }
    assert!(
        worst < Duration::from_secs(2),
        "a healthy caller waited {worst:?}"
    );
    let heard = halves[0].listen(Duration::from_secs(5)).await;
    assert_eq!((heard.statuses, heard.closed), (vec![408], true));
    drop((silent, halves));

    // who was silent between two requests is served as before
    idle.say(GET).await;
    let heard = idle.listen(Duration::from_secs(1)).await;
    assert_eq!((heard.statuses, heard.closed), (vec![200, 200], false));
    drop(idle);
    // a few that the catalogue and the store keep open may have come
    descriptors_come_down_to(before + 20, &server).await;
}

#[tokio::test]
async fn a_thousand_connections_leave_no_descriptor_behind() {
    let machine = Machine::new();
    let server = machine.start();
    let round = async |said: &'static str| {
        for _ in 0..10 {
            let wires = (0..50).map(async |_| {
                let mut wire = Wire::open(server.address).await;
                wire.say(said).await;
                wire
            });
            drop(join_all(wires).await);
        }
    };
    round(GET).await;
    let before = descriptors(&server);
    round(GET).await;
    round("GET /he").await;
    descriptors_come_down_to(before + 5, &server).await;
}
