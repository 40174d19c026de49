//! Flows to PostgreSQL that fall silent: what is sent is taken and never arrives, and nothing is
//! closed. So does a NAT that forgot them, and a primary whose machine died.

use std::time::Duration;

use futures_util::future::join_all;
use nexus_raw::{asset::UploadIntent, ports::AssetCatalog};
use nexus_raw_catalog_sql::{SqlAssetCatalog, SqlCatalogSettings};
use nexus_raw_testkit::{SwallowingProxy, sample, steps::presign};
use sqlx::PgConnection;
use tokio::time::{Instant, timeout};

use crate::support::Home;

/// From the loss of all flows, or from where there is a server again.
const WELL_AGAIN: Duration = Duration::from_secs(10);
/// How long any call may take.
const BOUND: Duration = Duration::from_millis(3500);

struct Silenced {
    home: Home,
    proxy: SwallowingProxy,
    catalog: SqlAssetCatalog,
    first: UploadIntent,
}

impl Silenced {
    /// A catalogue that has every connection that its readers may have, and lost them all.
    async fn new() -> Self {
        let home = Home::new().await;
        let proxy = SwallowingProxy::before(home.address());
        let catalog = home.open_at(proxy.address()).await;
        let first = intent(0);
        presign(&catalog, &first).await;
        let silenced = Self {
            home,
            proxy,
            catalog,
            first,
        };
        let mut admin = silenced.home.admin().await;
        let readers = i64::from(SqlCatalogSettings::MAX_CONNECTIONS) - 1;
        // on a busy machine not all are made in the first go
        while sessions(&mut admin, silenced.home.role()).await < readers {
            silenced.of_many_at_once().await;
        }
        silenced.proxy.swallow_flows();
        silenced
    }

    /// How many of many that ask at once are answered.
    async fn of_many_at_once(&self) -> usize {
        let asked = (0..MANY).map(|_| self.is_found());
        let answers = join_all(asked).await;
        answers.into_iter().filter(|found| *found).count()
    }

    async fn is_found(&self) -> bool {
        let found = self
            .catalog
            .find_intent(&self.first.scope, self.first.asset_id);
        found.await.is_ok_and(|found| found.is_some())
    }

    /// Asks for this and that, one after the other, until all is answered.
    async fn is_well_within(&self, time: Duration) {
        let began = Instant::now();
        for n in 1.. {
            let intent = intent(n);
            let event = sample::presigned(&intent);
            let mut answered = [false; 4];
            answered[0] = in_time(self.catalog.ready()).await.is_ok();
            answered[1] = in_time(self.is_found()).await;
            let written = in_time(self.catalog.record_intent(intent, event)).await;
            answered[2] = written.is_ok();
            answered[3] = in_time(self.of_many_at_once()).await == MANY;
            assert!(began.elapsed() < time, "{answered:?}");
            if answered == [true; 4] {
                break;
            }
        }
    }
}

/// More than there are connections.
const MANY: usize = 20;

fn intent(n: u64) -> UploadIntent {
    sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(n))
}

async fn in_time<T>(answer: impl Future<Output = T>) -> T {
    let answered = timeout(BOUND, answer).await;
    assert!(answered.is_ok(), "no answer within {BOUND:?}");
    answered.unwrap()
}

async fn sessions(admin: &mut PgConnection, role: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM pg_stat_activity WHERE usename = $1")
        .bind(role)
        .fetch_one(admin)
        .await
        .unwrap()
}

#[tokio::test]
async fn after_all_flows_fell_silent_all_is_well_again_within_ten_seconds() {
    let silenced = Silenced::new().await;
    silenced.is_well_within(WELL_AGAIN).await;
}

/// Whoever leaves before there is an answer leaves no connection behind that waits for it.
#[tokio::test]
async fn callers_that_leave_a_silent_flow_take_its_connection_with_them() {
    let silenced = Silenced::new().await;
    for _ in 0..MANY {
        let asked = timeout(Duration::from_millis(5), silenced.is_found()).await;
        assert!(asked.is_err() || asked.is_ok_and(|found| found));
    }
    silenced.is_well_within(WELL_AGAIN).await;
}

/// While there is no server that speaks, each call is told so in time; once there is one at the
/// same address, all is well again.
#[tokio::test]
async fn a_server_at_the_address_of_a_dead_one_is_found() {
    let silenced = Silenced::new().await;
    silenced.proxy.swallow_new_flows(true);
    let silent = Instant::now();
    for n in 100.. {
        let intent = intent(n);
        let event = sample::presigned(&intent);
        let (written, found, ready) = tokio::join!(
            in_time(silenced.catalog.record_intent(intent, event)),
            in_time(silenced.is_found()),
            in_time(silenced.catalog.ready()),
        );
        assert_eq!(
            (written.is_err(), found, ready.is_err()),
            (true, false, true)
        );
        if silent.elapsed() > Duration::from_secs(6) {
            break;
        }
    }
    silenced.proxy.swallow_new_flows(false);
    silenced.is_well_within(WELL_AGAIN).await;
}
