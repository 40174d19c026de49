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

/// A request that was given up on after this was not called off by its caller: nothing came.
const SILENCE: Duration = Duration::from_secs(1);

/// Between two pools that are given up: a store may be slow over all its connections.
const REST: Duration = Duration::from_secs(5);

/// One pool of connections, for the SDK and for the probe's own requests: rustls on aws-lc, the
/// system's roots, HTTP/1.1, no redirect followed, no proxy taken from the environment.
///
/// Once a request had no answer in its time, the pool is left for a new one: what it keeps may be as
/// dead as the connection that was asked, and each would have to be waited for in turn.
pub(crate) fn connector(deadlines: Deadlines) -> SharedHttpConnector {
    SharedHttpConnector::new(Renewed(Arc::new(Pools {
        deadlines,
        current: Mutex::new(Pool {
            connector: pool(deadlines),
            since: Instant::now(),
        }),
    })))
}

fn pool(deadlines: Deadlines) -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(deadlines.connect)
        .read_timeout(deadlines.read)
        .build();
    SharedHttpConnector::new(
        Connector::builder()
            .connector_settings(settings)
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build(),
    )
}

#[derive(Debug)]
struct Renewed(Arc<Pools>);

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

    /// Leaves the pool of that time, unless it was left before.
    fn leave(&self, since: Instant) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.since == since && since.elapsed() >= REST {
            *current = Pool {
                connector: pool(self.deadlines),
                since: Instant::now(),
            };
        }
    }
}

impl HttpConnector for Renewed {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Pool { connector, since } = self.0.current();
        let mut asked = Asked {
            pools: Arc::clone(&self.0),
            since,
            at: Instant::now(),
            is_answered: false,
        };
        HttpConnectorFuture::new(async move {
            let answer = connector.call(request).await;
            // all of it is taken along, and not the field alone
            let asked = &mut asked;
            asked.is_answered = !matches!(&answer, Err(error) if error.is_timeout());
            answer
        })
    }
}

/// A request under way; it is dropped too where the SDK gives it up.
struct Asked {
    pools: Arc<Pools>,
    since: Instant,
    at: Instant,
    is_answered: bool,
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.is_answered && self.at.elapsed() >= SILENCE {
            self.pools.leave(self.since);
        }
    }
}
