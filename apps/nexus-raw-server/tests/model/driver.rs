//! Takes the model's steps on the service, and compares.

mod book;
mod calling;
mod failures;
mod hashing;
mod uploading;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    marker::PhantomData,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use actix_web::{App, http::header::HeaderMap, rt::SystemRunner, test};
use nexus_raw::{
    asset::{AssetId, ByteSize},
    ports::{Clock, PresignedUpload, SinkName},
    service::UploadPolicy,
    tenancy::{Environment, Environments, Scope},
};
use nexus_raw_server::{
    app::Composition,
    feed::FeedSettings,
    http::{self, Answers, AppState},
    life_cycle::Phase,
    metrics::Metrics,
    readiness,
};
use nexus_raw_testkit::{FixedClock, SequentialIds};
use proptest_state_machine::StateMachineTest;
use serde_json::Value;
use tokio::sync::watch;
use uuid::Uuid;

use self::{book::Book, failures::LastFailure, hashing::PendingOnce};
use crate::{
    houses::{House, Ports, beginning},
    machine::Machine,
    promises::{LEASE_TTL, SYNC_HASH_MAX},
    relays::Relays,
    texts::UNKNOWN,
    words::{PART_BYTES, PLACES, Place, Step},
    world::{Put, Task, World},
};

/// The test of one kind of house.
pub(crate) struct Sequences<H>(PhantomData<H>);

thread_local! {
    static RUNTIME: RefCell<Option<SystemRunner>> = const { RefCell::new(None) };
    static TALLY: RefCell<BTreeMap<String, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// How often what happened in this thread's sequences so far.
pub(crate) fn tally() -> BTreeMap<String, u64> {
    TALLY.with_borrow(Clone::clone)
}

fn count(what: impl Into<String>) {
    TALLY.with_borrow_mut(|tally| *tally.entry(what.into()).or_default() += 1);
}

fn wait_for<T>(work: impl Future<Output = T>) -> T {
    // a panic in the work leaves the runtime where it is, for the next sequence
    let runtime = RUNTIME.with_borrow_mut(Option::take);
    let runtime = runtime.unwrap_or_else(actix_web::rt::System::new);
    let keep = Keep(Some(runtime));
    keep.0
        .as_ref()
        .map(|runtime| runtime.block_on(work))
        .unwrap()
}

struct Keep(Option<SystemRunner>);

impl Drop for Keep {
    fn drop(&mut self) {
        RUNTIME.with_borrow_mut(|runtime| *runtime = self.0.take());
    }
}

impl<H: House> StateMachineTest for Sequences<H> {
    type SystemUnderTest = Driver;
    type Reference = Machine<H>;

    fn init_test(_world: &World) -> Driver {
        wait_for(Driver::open::<H>())
    }

    fn apply(mut driver: Driver, world: &World, _step: Step) -> Driver {
        wait_for(driver.take(world));
        driver
    }

    fn teardown(driver: Driver, world: World) {
        wait_for(driver.close(&world));
    }
}

type Reply = (u16, HeaderMap, Vec<u8>);
type Service = Rc<dyn Fn(test::TestRequest) -> Pin<Box<dyn Future<Output = Reply>>>>;

/// One sequence's service.
pub(crate) struct Driver {
    clock: Arc<FixedClock>,
    ports: Ports,
    service: Service,
    failure: LastFailure,
    relays: Relays,
    /// By number.
    assets: Vec<Known>,
    /// The event ids that were seen.
    event_ids: BTreeSet<Uuid>,
}

/// What is known of an asset from outside.
struct Known {
    id: AssetId,
    /// `None` of one in parts.
    upload: Option<PresignedUpload>,
    /// The last URL of each part, by its number from 0.
    parts: BTreeMap<usize, PresignedUpload>,
    /// The bytes of its record, once it has one.
    record: Option<Vec<u8>>,
}

impl Driver {
    async fn open<H: House>() -> Self {
        static OPENED: AtomicU32 = AtomicU32::new(0);
        let clock = Arc::new(FixedClock::at(beginning()));
        let port: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let ports = H::open(&clock).await;
        let ids = SequentialIds::seeded(OPENED.fetch_add(1, Ordering::Relaxed));
        let composition = Composition {
            storage: Arc::clone(&ports.storage),
            catalog: Arc::clone(&ports.catalog),
            worker: Some(Arc::new(PendingOnce {
                storage: Arc::clone(&ports.storage),
                catalog: Arc::clone(&ports.catalog),
                clock: Arc::clone(&port) as _,
                begun: Mutex::default(),
            })),
            clock: Arc::clone(&port),
            ids: Arc::new(ids),
            policy: UploadPolicy::default()
                .with_sync_hash_max_bytes(ByteSize::parse(SYNC_HASH_MAX as u64).unwrap())
                .with_part_size_bytes(ByteSize::parse(PART_BYTES as u64).unwrap()),
            feed: FeedSettings::default(),
            check_ttl: readiness::CHECK_TTL,
        };
        // no step waits for events
        let core = composition.build(drop);
        let (_, phase) = watch::channel(Phase::Started(Arc::new(core)));
        let failure = LastFailure::default();
        let environments = ["dev", "prod"].map(|it| Environment::parse(it).unwrap());
        let state = AppState {
            answers: Answers::default(),
            identity: Arc::new(Book),
            environments: Environments::new(environments.into()).unwrap(),
            cors: http::CorsOrigins::default(),
            limits: http::Limits::default(),
            metrics: Metrics::new(&port),
            clock: Arc::clone(&port),
            request_timeout: Duration::from_mins(1),
            max_lag: Duration::from_mins(15),
            log: failure.logger(),
            phase,
        };
        let app = test::init_service(
            App::new().configure(http::routes(actix_web::web::Data::new(state))),
        )
        .await;
        let app = Rc::new(app);
        let service: Service = Rc::new(move |request| {
            let app = Rc::clone(&app);
            Box::pin(async move {
                let response = test::call_service(&*app, request.to_request()).await;
                let (status, headers) = (response.status(), response.headers().clone());
                let body = test::read_body(response).await;
                (status.as_u16(), headers, body.to_vec())
            })
        });
        let relays = Relays::new(Arc::clone(&ports.outbox), port);
        Self {
            clock,
            ports,
            service,
            failure,
            relays,
            assets: Vec::new(),
            event_ids: BTreeSet::new(),
        }
    }

    /// Does the model's last step, and checks everything.
    async fn take(&mut self, world: &World) {
        self.clock
            .set(beginning().saturating_add(Duration::from_secs(world.now)));
        match &world.task {
            Task::Look => {}
            Task::Call(call, expected) => self.call(world, call, expected).await,
            Task::Put(puts) => {
                for (put, statuses) in puts {
                    let status = self.put(world, *put).await;
                    let what = match put {
                        Put::Part { .. } => "put part",
                        Put::Upload { .. } | Put::Place { .. } => "put",
                    };
                    count(format!("{what} {status}"));
                    assert!(statuses.contains(&status), "{status}, not {statuses:?}");
                }
            }
            Task::Remove { asset } => {
                count("removed");
                self.ports.store.remove(&self.address(world, *asset));
            }
            Task::Relay {
                slot,
                batch,
                sink,
                halt,
            } => {
                let (slot, sink) = (*slot, sink.clone());
                self.relays.work(slot, *batch, sink, *halt).await;
            }
            Task::Kill { slot } => self.relays.kill(*slot),
        }
        self.audit(world).await;
        // one of the records, each in its turn: none may have changed
        if let Some(asset) = world.nth(usize::try_from(world.steps).unwrap()) {
            self.look_up(world, asset, world.assets[asset].place).await;
        }
    }

    /// Ends the sequence: what was committed is delivered, and nobody sees another's.
    async fn close(mut self, world: &World) {
        let end = Duration::from_secs(world.now + LEASE_TTL + 1);
        self.clock.set(beginning().saturating_add(end));
        self.relays.drain().await;
        for asset in 0..world.assets.len() {
            for place in PLACES {
                self.look_up(world, asset, place).await;
            }
        }
        for (what, times) in &self.relays.ledger.lock().unwrap().tally {
            TALLY.with_borrow_mut(|tally| *tally.entry((*what).to_owned()).or_default() += times);
        }
        count("sequences");
        // open connections of the service would keep the catalogue open
        drop((self.relays, self.service));
        self.ports.close.await;
    }

    /// The events of each place are those of the model, in order, and none has changed.
    async fn audit(&mut self, world: &World) {
        let auditor = SinkName::parse("audit").unwrap();
        let all = self.ports.outbox.undelivered(&auditor, 100_000, &[]).await;
        let mut events: BTreeMap<Scope, Vec<_>> = BTreeMap::new();
        for event in all.unwrap() {
            events.entry(event.body.scope()).or_default().push(event);
        }
        let before = std::mem::take(&mut self.relays.ledger.lock().unwrap().committed);
        for (scope, events) in &events {
            let place = Place {
                tenant: PLACES
                    .map(|it| it.tenant)
                    .into_iter()
                    .find(|it| *it == scope.tenant.as_str())
                    .unwrap(),
                env: PLACES
                    .map(|it| it.env)
                    .into_iter()
                    .find(|it| *it == scope.environment.as_str())
                    .unwrap(),
            };
            let seen = before.get(scope).map_or(&[][..], |seen| &seen[..]);
            assert_eq!(
                &events[..seen.len().min(events.len())],
                seen,
                "a committed event has changed"
            );
            for event in &events[seen.len()..] {
                assert!(
                    self.event_ids.insert(event.event_id),
                    "an event id is there twice"
                );
            }
            let fresh = events[seen.len()..].iter();
            let fresh = fresh.map(|event| {
                let text = serde_json::to_string(event).unwrap();
                without_event_id(self.masked(&text, &[]))
            });
            let expected = world.events.get(&place).map_or(&[][..], |it| &it[..]);
            assert_eq!(
                fresh.collect::<Vec<_>>(),
                expected[seen.len()..],
                "the events of {place:?}"
            );
        }
        let places = world.events.values().filter(|events| !events.is_empty());
        assert_eq!(events.len(), places.count(), "the places that have events");
        self.relays.ledger.lock().unwrap().committed = events;
    }
}

fn without_event_id(mut event: Value) -> Value {
    let event_id = event["event_id"].as_str().unwrap();
    assert!(Uuid::try_parse(event_id).is_ok(), "{event_id}");
    event["event_id"] = UNKNOWN.into();
    event
}
