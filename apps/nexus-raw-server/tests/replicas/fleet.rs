//! The replicas, of which some may be dead.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use nexus_raw::tenancy::Role;
use tokio::{task::spawn_blocking, time::sleep};

use crate::{
    common::parts,
    house::{House as _, OnPostgres},
    http::Request,
    machine::Server,
};

pub(crate) const REPLICAS: usize = 3;

/// When to give up on a relay, which is much longer than one may be away.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Fleet {
    house: Arc<OnPostgres>,
    nats: String,
    replicas: [Mutex<Option<Server>>; REPLICAS],
    kills: AtomicUsize,
}

impl Fleet {
    /// Starts all, and waits until they are ready.
    pub(crate) async fn start(nats: &str) -> Self {
        let fleet = Self {
            house: Arc::new(spawn_blocking(OnPostgres::open).await.unwrap()),
            nats: nats.to_owned(),
            replicas: Default::default(),
            kills: AtomicUsize::new(0),
        };
        for replica in 0..REPLICAS {
            fleet.start_again(replica).await;
        }
        fleet
    }

    pub(crate) fn token(&self, tenants: &[&str], role: Role) -> String {
        self.house.machine().token_for(tenants, role)
    }

    /// The keys of assets that have an upload open in the store.
    pub(crate) async fn open_uploads(&self) -> Vec<String> {
        let house = Arc::clone(&self.house);
        let open = spawn_blocking(move || {
            let store = house.seaweedfs().unwrap().s3();
            parts::open_uploads(&store, house.bucket())
        });
        open.await.unwrap()
    }

    /// Where a replica serves; `None` while it is dead.
    pub(crate) fn address(&self, replica: usize) -> Option<SocketAddr> {
        let server = self.replicas[replica % REPLICAS].lock().unwrap();
        server.as_ref().map(|server| server.address)
    }

    /// Kills a replica by SIGKILL; when it was dead.
    #[expect(
        clippy::disallowed_methods,
        reason = "it is compared with the times of NATS, which reads the same clock"
    )]
    pub(crate) fn kill(&self, replica: usize) -> SystemTime {
        // it gets no request from before the kill on; requests in flight are cut off
        let server = self.replicas[replica].lock().unwrap().take();
        server.unwrap().kill();
        self.kills.fetch_add(1, Ordering::Relaxed);
        SystemTime::now()
    }

    /// How often a replica was killed.
    pub(crate) fn kills(&self) -> usize {
        self.kills.load(Ordering::Relaxed)
    }

    /// Starts a replica that is dead, and waits until it is ready.
    pub(crate) async fn start_again(&self, replica: usize) {
        let (house, nats) = (Arc::clone(&self.house), self.nats.clone());
        let server = spawn_blocking(move || {
            house.start_with(&[
                ("EVENTS__SINKS", r#"["nats"]"#),
                ("EVENTS__NATS__URL", &nats),
            ])
        });
        let server = server.await.unwrap();
        let before = self.replicas[replica].lock().unwrap().replace(server);
        assert!(before.is_none(), "replica {replica} was not dead");
    }

    /// The replica that relays events, once there is one.
    pub(crate) async fn wait_for_a_relay(&self) -> usize {
        let began = Instant::now();
        loop {
            for replica in 0..REPLICAS {
                if self.relays(replica).await {
                    return replica;
                }
            }
            assert!(began.elapsed() < PATIENCE, "no replica relays events");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether a replica says that it relays events.
    async fn relays(&self, replica: usize) -> bool {
        let metrics = {
            let server = self.replicas[replica].lock().unwrap();
            server.as_ref().map(|server| server.metrics)
        };
        let Some(metrics) = metrics else {
            return false;
        };
        let page = Request::new(metrics, "GET", "/metrics").send().await;
        let page = String::from_utf8(page.body).unwrap();
        page.lines().any(|line| line == "nexus_raw_relay_leader 1")
    }
}
