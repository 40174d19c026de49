//! A reader of one scope, at whichever replica answers.

use std::{sync::Arc, time::Duration};

use nexus_raw::tenancy::Role;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use crate::{TENANTS, check::Scope, fleet::Fleet, http::Request};

/// A wait of 2 s, and the time of a request.
const CALL: Duration = Duration::from_secs(12);
/// How long no replica may answer.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

pub(crate) struct ScopeReader {
    pub(crate) scope: Scope,
    token: String,
    fleet: Arc<Fleet>,
    /// The replica of the next request.
    next: usize,
}

impl ScopeReader {
    pub(crate) fn of(scope: Scope, fleet: Arc<Fleet>) -> Self {
        Self {
            scope,
            token: fleet.token(&TENANTS, Role::Owner),
            fleet,
            next: 0,
        }
    }

    /// Tries one replica after the other until one answers.
    pub(crate) async fn get(&mut self, path: &str) -> Value {
        let began = Instant::now();
        loop {
            self.next += 1;
            if let Some(body) = self.try_next(path).await {
                return body;
            }
            assert!(began.elapsed() < PATIENCE, "no replica answered {path}");
            sleep(PAUSE).await;
        }
    }

    async fn try_next(&self, path: &str) -> Option<Value> {
        let server = self.fleet.address(self.next)?;
        let request = Request::new(server, "GET", path)
            .header("authorization", &format!("Bearer {}", self.token))
            .header("x-tenant-id", &self.scope.0)
            .header("x-env", &self.scope.1);
        let answer = timeout(CALL, request.send_to_the_end()).await;
        let answer = answer.unwrap_or_else(|_| panic!("{path} was not answered in {CALL:?}"));
        let answer = answer.filter(|answer| answer.is_whole() && answer.status != 503)?;
        let (status, body) = answer.whole();
        assert_eq!(status, 200, "{body}");
        Some(body)
    }
}
