use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use actix_gated_stream::Deadlines;
use actix_web::dev::ServerHandle;
use nexus_raw::{
    asset::{ObjectAddress, ObjectKey},
    ports::{AssetCatalog, Clock, IdentityVerifier, ObjectWorker, StoreCapabilities, StoredObject},
    service::UploadPolicy,
    tenancy::{Environment, Environments, Principal, Role, TenantId, UserId},
};
use nexus_raw_catalog_sql::CatalogObserver;
use nexus_raw_server::{
    app::Composition,
    feed::{Feed, FeedSettings},
    http::{self, Answers, AppState, CorsOrigins, Limits, ServerSettings},
    life_cycle::{Core, Phase},
    metrics::Metrics,
};
use nexus_raw_testkit::{FakeCatalog, FakeIdentity, FakeStore, FixedClock, SequentialIds, sample};
use serde_json::{Value, json};
use slog::{Discard, Logger, o};
use tokio::sync::watch;

use super::{Answer, Request};

/// The trace that every request of these tests belongs to.
pub(crate) const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A service on fakes, serving on a port of its own until it is dropped.
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) store: Arc<FakeStore>,
    pub(crate) catalog: Arc<FakeCatalog>,
    pub(crate) core: Arc<Core>,
    pub(crate) metrics: Metrics,
    pub(crate) phase: watch::Sender<Phase>,
    server: ServerHandle,
}

/// What a test may have otherwise.
pub(crate) struct Parts {
    pub(crate) catalog: Option<Arc<dyn AssetCatalog>>,
    /// Works on objects, and hashes them, since the store's own digests are no proof where this is
    /// given.
    pub(crate) worker: Option<Arc<dyn ObjectWorker>>,
    pub(crate) identity: Arc<dyn IdentityVerifier>,
    pub(crate) request_timeout: Duration,
    pub(crate) policy: UploadPolicy,
    pub(crate) log: Logger,
    pub(crate) cors: CorsOrigins,
    pub(crate) limits: Limits,
    pub(crate) answers: Answers,
    pub(crate) feed: FeedSettings,
    pub(crate) connections: usize,
    pub(crate) readiness_holds: Duration,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            catalog: None,
            worker: None,
            identity: Arc::new(identity()),
            request_timeout: Duration::from_secs(10),
            policy: UploadPolicy::default(),
            log: Logger::root(Discard, o!()),
            cors: CorsOrigins::default(),
            limits: Limits::default(),
            answers: Answers::default(),
            feed: FeedSettings::default(),
            connections: 1000,
            // what a test changes is seen at once
            readiness_holds: Duration::ZERO,
        }
    }
}

impl House {
    pub(crate) fn open() -> Self {
        Self::open_with(Parts::default())
    }

    pub(crate) fn open_with(parts: Parts) -> Self {
        let clock = Arc::new(FixedClock::at(sample::now()));
        let port: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let store = Arc::new(FakeStore::new(sample::bucket(), Arc::clone(&port)));
        let catalog = Arc::new(FakeCatalog::new());
        let feed = Arc::new(OnceLock::<Feed>::new());
        let written = Arc::clone(&feed);
        let observed =
            FakeCatalog::clone(&catalog).on_write(move |scope| written.wait().written(scope));
        if parts.worker.is_some() {
            store.set_capabilities(StoreCapabilities {
                enforces_sha256: false,
                keeps_octet_stream: true,
                honours_response_headers: true,
                proves_parts: false,
            });
        }
        let composition = Composition {
            storage: Arc::clone(&store) as _,
            catalog: parts.catalog.unwrap_or_else(|| Arc::new(observed)),
            worker: parts.worker,
            clock: Arc::clone(&port),
            ids: Arc::new(SequentialIds::seeded(7)),
            policy: parts.policy,
            feed: parts.feed,
            check_ttl: parts.readiness_holds,
        };
        let core = Arc::new(composition.build(|it| assert!(feed.set(it).is_ok())));
        let (phase, watched) = watch::channel(Phase::Started(Arc::clone(&core)));
        let environments = ["dev", "staging", "prod"].map(|it| Environment::parse(it).unwrap());
        let metrics = Metrics::new(&port);
        let state = AppState {
            identity: parts.identity,
            environments: Environments::new(environments.into()).unwrap(),
            answers: parts.answers,
            cors: parts.cors,
            limits: parts.limits,
            metrics: metrics.clone(),
            clock: port,
            request_timeout: parts.request_timeout,
            max_lag: Duration::from_mins(15),
            log: parts.log,
            phase: watched,
        };
        let settings = ServerSettings {
            bind: ([127, 0, 0, 1], 0).into(),
            shutdown_timeout: Duration::from_secs(5),
            workers: 1,
            connections: parts.connections,
            deadlines: Deadlines::default(),
        };
        let (server, address) = http::bind(&settings, state).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self {
            address,
            clock,
            store,
            catalog,
            core,
            metrics,
            phase,
            server: handle,
        }
    }

    /// Has the service finish what runs and accept no more; resolves once it has.
    pub(crate) fn stop(&self) -> impl Future<Output = ()> + use<> {
        self.server.stop(true)
    }

    /// A request of the owner of `t_demo` in `dev`.
    pub(crate) fn request(&self, method: &str, target: &str) -> Request {
        Request::new(self.address, method, target)
            .header("authorization", "Bearer owner")
            .header("x-tenant-id", "t_demo")
            .header("x-env", "dev")
            .header("traceparent", &format!("00-{TRACE_ID}-00f067aa0ba902b7-01"))
            .header("x-request-id", "req-1")
    }

    pub(crate) fn get(&self, target: &str) -> Request {
        self.request("GET", target)
    }

    /// A JSON request.
    pub(crate) fn post(&self, target: &str, body: &Value) -> Request {
        self.request("POST", target)
            .header("content-type", "application/json")
            .json(body)
    }

    pub(crate) fn presign(&self, body: &Value) -> Request {
        self.post("/nexus/raw/presign-upload", body)
    }

    pub(crate) fn register(&self, body: &Value) -> Request {
        self.post("/nexus/raw/register", body)
    }

    /// Presigns [`sample::CONTENT`] and has it uploaded; gives its id.
    pub(crate) async fn presigned_and_uploaded(&self) -> String {
        let asset_id = self.presigned().await;
        self.place(&asset_id, uploaded(&asset_id));
        asset_id
    }

    pub(crate) async fn presigned(&self) -> String {
        let answer = self.presign(&presign_body()).send().await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
        answer.json()["asset_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn registered(&self) -> (String, Answer) {
        let asset_id = self.presigned_and_uploaded().await;
        let answer = self.register(&json!({"asset_id": asset_id})).send().await;
        assert_eq!(answer.status, 201, "{:?}", answer.json());
        (asset_id, answer)
    }

    /// Registers [`sample::CONTENT`] with more members of the body; gives its id.
    pub(crate) async fn registered_with(&self, more: &Value) -> String {
        let asset_id = self.presigned_and_uploaded().await;
        let mut body = more.clone();
        body["asset_id"] = json!(asset_id);
        let answer = self.register(&body).send().await;
        assert_eq!(answer.status, 201, "{:?}", answer.json());
        asset_id
    }

    /// A request to state a fact.
    pub(crate) fn state(&self, asset_id: &str, fact: &Value) -> Request {
        self.post(&format!("/nexus/raw/{asset_id}/facts"), fact)
    }

    /// States a fact that is new; gives it back.
    pub(crate) async fn stated(&self, asset_id: &str, fact: &Value) -> Value {
        let (status, body) = self.state(asset_id, fact).send().await.whole();
        assert_eq!(status, 201, "{body}");
        body
    }

    /// Has the store hold `object` where the asset's must be.
    pub(crate) fn place(&self, asset_id: &str, object: StoredObject) {
        let scope = sample::scope("t_demo", "dev");
        let key =
            ObjectKey::for_asset(&scope, asset_id.parse().unwrap(), &sample::facts().filename);
        let bucket = sample::bucket();
        let address = ObjectAddress { bucket, key };
        self.store.place(&address, object);
        self.store.rot(&address, sample::CONTENT);
    }

    /// How many events `t_demo` has in `dev`.
    pub(crate) fn events(&self) -> usize {
        self.catalog
            .events_in(&sample::scope("t_demo", "dev"))
            .len()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

/// What the store holds once the promised content was uploaded.
pub(crate) fn uploaded(asset_id: &str) -> StoredObject {
    let facts = sample::facts();
    let metadata = [
        ("tenant-id", "t_demo"),
        ("env", "dev"),
        ("asset-id", asset_id),
    ];
    StoredObject {
        size_bytes: facts.size_bytes.get(),
        content_type: Some(facts.content_type.to_string()),
        sha256: Some(facts.sha256),
        composite: None,
        etag: "5d41402abc4b2a76b9719d911017c592".to_owned(),
        version_id: None,
        user_metadata: metadata
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        foreign_headers: Vec::new(),
    }
}

/// The body that promises [`sample::CONTENT`].
pub(crate) fn presign_body() -> Value {
    let facts = sample::facts();
    json!({
        "filename": facts.filename,
        "content_type": facts.content_type,
        "size_bytes": facts.size_bytes,
        "sha256": facts.sha256,
    })
}

/// Tokens by the role of their bearer in `t_demo`; `stranger` is the owner of another tenant, and
/// `both` owns both.
fn identity() -> FakeIdentity {
    let roles = [
        ("owner", Some(Role::Owner)),
        ("admin", Some(Role::Admin)),
        ("member", Some(Role::Member)),
        ("viewer", Some(Role::Viewer)),
        ("roleless", None),
    ];
    let mut identity = FakeIdentity::new();
    for (token, role) in roles {
        identity = identity.with(token, principal(&[("t_demo", role)]));
    }
    let owner = Some(Role::Owner);
    identity
        .with("stranger", principal(&[("t_other", owner)]))
        .with("both", principal(&[("t_demo", owner), ("t_other", owner)]))
}

fn principal(memberships: &[(&str, Option<Role>)]) -> Principal {
    let memberships: BTreeMap<_, _> = memberships
        .iter()
        .map(|(tenant, role)| (TenantId::parse(tenant).unwrap(), *role))
        .collect();
    Principal::from_verified(UserId::parse("u_demo").unwrap(), memberships)
}
