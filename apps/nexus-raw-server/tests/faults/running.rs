//! Faults of the store while the server runs.

use std::{
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use futures_util::future::join4;
use nexus_raw_testkit::{Fault, FaultyProxy};

use crate::{
    cases::{self, Case, Expected},
    house::{Owner, Store, program},
    http::Answer,
    machine::{Machine, Server},
};

/// How long any answer may take, and the recovery.
const BOUND: Duration = Duration::from_secs(5);
/// How many servers share the cases: most of a case is waiting.
const SERVERS: usize = 9;
const CONTENT: &[u8] = b"what a store may make of it";

/// A server, and the proxy before its store.
pub(crate) struct Site {
    pub(crate) proxy: FaultyProxy,
    pub(crate) owner: Owner,
    server: Server,
    machine: Machine,
}

impl Site {
    pub(crate) fn before(store: &Store) -> Self {
        Self::on(Machine::new(), FaultyProxy::before(&store.endpoint()))
    }

    fn on(machine: Machine, proxy: FaultyProxy) -> Self {
        let mut command = program(&machine, &proxy.endpoint());
        // the store works at the start, however busy the machine is
        command.env("NEXUS_RAW_STORAGE__STARTUP_TIMEOUT_SECONDS", "30");
        let server = Machine::start_by(&mut command);
        Self {
            owner: Owner::of(server.address),
            proxy,
            server,
            machine,
        }
    }

    /// The same after a restart.
    pub(crate) fn restarted(self) -> Self {
        end_well(self.server);
        Self::on(self.machine, self.proxy)
    }

    pub(crate) fn ends_well(self) {
        end_well(self.server);
    }
}

/// It has nothing but answers behind it: no panic, and an end in order.
fn end_well(server: Server) {
    let (status, _, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log:?}");
    let defect = log.iter().find(|line| line.contains("panick"));
    assert_eq!(defect, None);
}

#[test]
fn any_fault_of_the_store_is_answered_in_time_and_leaves_nothing_half_done() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let address = format!("http://{}", elsewhere.local_addr().unwrap());
    let store = Store::start();
    let mut shares: Vec<Vec<Case>> = (0..SERVERS).map(|_| Vec::new()).collect();
    for (index, case) in cases::all(&address).into_iter().enumerate() {
        shares[index % SERVERS].push(case);
    }
    thread::scope(|scope| {
        for share in shares {
            scope.spawn(|| survive_all(&store, share));
        }
    });
    let visitor = elsewhere.accept().map(|(_, from)| from);
    assert!(visitor.is_err(), "somebody went where a redirect leads");
}

/// One server, and one fault after the other.
#[tokio::main(flavor = "current_thread")]
async fn survive_all(store: &Store, cases: Vec<Case>) {
    let site = Site::before(store);
    let known = site.owner.uploaded(CONTENT).await;
    let record = site.owner.register(&known).await.unwrap();
    assert_eq!(record.status, 201);
    for case in cases {
        survive(&site, &case, (&known, &record)).await;
    }
    site.ends_well();
}

/// One fault, from before it to after it.
async fn survive(site: &Site, case: &Case, (known, record): (&str, &Answer)) {
    let (owner, name) = (&site.owner, &*case.name);
    let asset_id = owner.uploaded(CONTENT).await;
    site.proxy.break_all(case.fault.clone());
    let before = site.proxy.requests();

    let path = format!("/nexus/raw/{known}");
    let (registered, presigned, ready, read) = join4(
        timely(name, owner.register(&asset_id)),
        timely(name, owner.presign(CONTENT)),
        looked_up(site, case),
        timely(name, owner.get(&path)),
    )
    .await;
    if case.fault != Fault::Refuse {
        assert!(
            site.proxy.requests() > before,
            "{name}: no request was sent"
        );
    }
    match case.expected {
        Expected::Unavailable => {
            is_unavailable(name, &registered);
            is_unavailable(name, &ready);
        }
        Expected::UnavailableThoughReady => {
            is_unavailable(name, &registered);
            assert_eq!(ready.status, 200, "{name}");
        }
        Expected::NotUploaded => {
            let (status, code, _) = registered.problem();
            assert_eq!((status, &*code), (409, "object-not-uploaded"), "{name}");
            is_unavailable(name, &ready);
        }
        Expected::Fine => {
            assert_eq!((registered.status, ready.status), (201, 200), "{name}");
        }
    }
    // neither needs the store
    assert_eq!(presigned.status, 200, "{name}");
    assert_eq!((read.status, &read.body), (200, &record.body), "{name}");
    if case.expected != Expected::Fine {
        let absent = owner.get(&format!("/nexus/raw/{asset_id}")).await.unwrap();
        assert_eq!(absent.problem().1, "asset-not-found", "{name}");
        let events = owner.events_of(&asset_id).await;
        assert_eq!(events, ["raw_asset_presigned"], "{name}");
    }

    site.proxy.mend();
    let mended = Instant::now();
    while owner.readiness().await.status != 200 {
        assert!(mended.elapsed() < BOUND, "{name}: not ready again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let again = owner.register(&asset_id).await.unwrap();
    assert!(
        matches!(again.status, 200 | 201),
        "{name}: {}",
        again.json()
    );
    assert!(mended.elapsed() < BOUND, "{name}: {:?}", mended.elapsed());
}

/// What `/readyz` reports. For a second it may report a check from before the fault: where it must
/// turn, it is polled until it has.
async fn looked_up(site: &Site, case: &Case) -> Answer {
    let must_turn = matches!(case.expected, Expected::Unavailable | Expected::NotUploaded);
    let began = Instant::now();
    loop {
        let ready = timely(&case.name, async { Some(site.owner.readiness().await) }).await;
        if !must_turn || ready.status != 200 || began.elapsed() > BOUND {
            return ready;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The answer, which there must be, and soon.
pub(crate) async fn timely(name: &str, call: impl Future<Output = Option<Answer>>) -> Answer {
    let began = Instant::now();
    let answer = call.await.unwrap_or_else(|| panic!("{name}: no answer"));
    assert!(began.elapsed() < BOUND, "{name}: {:?}", began.elapsed());
    answer
}

fn is_unavailable(name: &str, answer: &Answer) {
    assert_eq!(answer.status, 503, "{name}: {}", answer.json());
    let (status, code, _) = answer.problem();
    assert_eq!((status, &*code), (503, "storage-unavailable"), "{name}");
    assert_eq!(answer.header("retry-after"), Some("2"), "{name}");
}
