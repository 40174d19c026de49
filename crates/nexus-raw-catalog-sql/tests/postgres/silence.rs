//! Silent connections to PostgreSQL: sent data is accepted and lost, and nothing is closed, as
//! after a NAT timeout or the death of the primary's machine.

use std::time::Duration;

use futures_util::future::join_all;
use nexus_raw::{asset::UploadIntent, ports::AssetCatalog};
use nexus_raw_catalog_sql::{SqlAssetCatalog, SqlCatalogSettings};
use nexus_raw_testkit::{SwallowingProxy, sample, steps::presign};
use sqlx::PgConnection;
use tokio::time::{Instant, timeout};

use crate::support::Home;

/// The time limit of a recovery, from the loss of all connections or from the return of a server.
const WELL_AGAIN: Duration = Duration::from_secs(10);
/// The time limit of a call.
const BOUND: Duration = Duration::from_millis(3500);

struct Silenced {
    home: Home,
    proxy: SwallowingProxy,
    catalog: SqlAssetCatalog,
    first: UploadIntent,
}

impl Silenced {
    /// Returns a catalogue that has lost all of its maximum number of connections.
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
        // on a busy machine one round does not open all of them
        while sessions(&mut admin, silenced.home.role()).await < readers {
            silenced.of_many_at_once().await;
        }
        silenced.proxy.swallow_flows();
        silenced
    }

    /// Returns how many of many concurrent reads succeed.
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

    /// Runs different calls in turn until all succeed.
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

/// More than the connections.
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
async fn a_catalogue_recovers_within_ten_seconds_after_all_connections_fell_silent() {
    let silenced = Silenced::new().await;
    silenced.is_well_within(WELL_AGAIN).await;
}

/// A cancelled call does not keep its connection waiting for the response.
#[tokio::test]
async fn callers_that_leave_a_silent_connection_close_it() {
    let silenced = Silenced::new().await;
    for _ in 0..MANY {
        let asked = timeout(Duration::from_millis(5), silenced.is_found()).await;
        assert!(asked.is_err() || asked.is_ok_and(|found| found));
    }
    silenced.is_well_within(WELL_AGAIN).await;
}

/// While no server responds, each call fails in time; once there is one at the same address, calls
/// succeed again.
#[tokio::test]
async fn a_new_server_at_the_address_of_a_dead_one_is_found() {
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
