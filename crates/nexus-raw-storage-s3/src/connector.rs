use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use tokio::time::Instant;

use crate::deadlines::Deadlines;

/// A request dropped after this time counts as unanswered, one dropped earlier as cancelled.
const UNANSWERED_AFTER: Duration = Duration::from_secs(1);

/// The minimum age of a replaced pool, since a store may be slow over all its connections.
const MIN_POOL_AGE: Duration = Duration::from_secs(5);

/// Returns the connection pool for the SDK and for the probe's own requests: rustls on aws-lc, the
/// system's roots, HTTP/1.1, no redirects, no proxy from the environment.
///
/// After a request timed out, the pool is replaced: its other idle connections may be dead as well,
/// and each would have to time out in turn.
pub(crate) fn connector(deadlines: Deadlines) -> SharedHttpConnector {
    SharedHttpConnector::new(RenewedPool(Arc::new(Pools {
        deadlines,
        current: Mutex::new(Pool {
            connector: pool(deadlines, usize::MAX),
            since: Instant::now(),
        }),
    })))
}

/// Returns a connector that makes a new connection for each request, for those that are tried once:
/// a store may close an idle connection in the moment in which a request is sent on it.
pub(crate) fn unpooled_connector(deadlines: Deadlines) -> SharedHttpConnector {
    pool(deadlines, 0)
}

fn pool(deadlines: Deadlines, max_idle: usize) -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(deadlines.connect)
        .read_timeout(deadlines.read)
        .build();
    SharedHttpConnector::new(
        Connector::builder()
            .connector_settings(settings)
            .pool_max_idle_per_host(max_idle)
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build(),
    )
}

#[derive(Debug)]
struct RenewedPool(Arc<Pools>);

#[derive(Debug)]
struct Pools {
    deadlines: Deadlines,
    current: Mutex<Pool>,
}

#[derive(Debug, Clone)]
struct Pool {
    connector: SharedHttpConnector,
    since: Instant,
}

impl Pools {
    fn current(&self) -> Pool {
        let current = self.current.lock();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the pool created at `since`, unless it was replaced before.
    fn replace(&self, since: Instant) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.since == since && since.elapsed() >= MIN_POOL_AGE {
            *current = Pool {
                connector: pool(self.deadlines, usize::MAX),
                since: Instant::now(),
            };
        }
    }
}

impl HttpConnector for RenewedPool {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Pool { connector, since } = self.0.current();
        let mut in_flight = InFlight {
            pools: Arc::clone(&self.0),
            since,
            at: Instant::now(),
            is_answered: false,
        };
        HttpConnectorFuture::new(async move {
            let answer = connector.call(request).await;
            // moves the whole value into the future, not only the field
            let in_flight = &mut in_flight;
            in_flight.is_answered = !matches!(&answer, Err(error) if error.is_timeout());
            answer
        })
    }
}

/// A request in flight; also dropped if the SDK cancels it.
struct InFlight {
    pools: Arc<Pools>,
    since: Instant,
    at: Instant,
    is_answered: bool,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.is_answered && self.at.elapsed() >= UNANSWERED_AFTER {
            self.pools.replace(self.since);
        }
    }
}
