//! A consumer that pulls, at whichever replica answers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nexus_raw::tenancy::Role;
use serde_json::Value;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::{
    TENANTS,
    check::{self, Scope},
    fleet::Fleet,
    http::Request,
};

/// A wait of 2 s, and the time of a request.
const CALL: Duration = Duration::from_secs(12);
/// How long no replica may answer.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

struct Follower {
    scope: Scope,
    token: String,
    fleet: Arc<Fleet>,
    /// The replica that is asked next.
    next: usize,
    events: Vec<Value>,
}

/// One for each scope; what it was given by the time that it is told to stop.
pub(crate) fn of_every_scope(
    fleet: &Arc<Fleet>,
    stop: &Arc<AtomicBool>,
) -> Vec<JoinHandle<(Scope, Vec<Value>)>> {
    let follow = |scope| {
        let (follower, stop) = (Follower::of(scope, Arc::clone(fleet)), Arc::clone(stop));
        tokio::spawn(async move { follower.follow(&stop).await })
    };
    check::scopes().map(follow).collect()
}

impl Follower {
    fn of(scope: Scope, fleet: Arc<Fleet>) -> Self {
        Self {
            scope,
            token: fleet.token(&TENANTS, Role::Owner),
            fleet,
            next: 0,
            events: Vec::new(),
        }
    }

    /// Pulls what comes after the last event, until it is told to stop and nothing is left; all
    /// events of its scope. Each is the one after the one before, whoever gives it.
    async fn follow(mut self, stop: &AtomicBool) -> (Scope, Vec<Value>) {
        loop {
            let stopping = stop.load(Ordering::Relaxed);
            let page = self.page().await;
            if page.is_empty() && stopping {
                return (self.scope, self.events);
            }
            for event in page {
                let expected = self.events.len() + 1;
                assert_eq!(event["sequence"], expected, "a gap in {:?}", self.scope);
                self.events.push(event);
            }
        }
    }

    async fn page(&mut self) -> Vec<Value> {
        let began = Instant::now();
        loop {
            self.next += 1;
            if let Some(page) = self.ask().await {
                return page;
            }
            assert!(began.elapsed() < PATIENCE, "no replica gave events");
            sleep(PAUSE).await;
        }
    }

    async fn ask(&self) -> Option<Vec<Value>> {
        let server = self.fleet.address(self.next)?;
        let after = self.events.len();
        let path = format!("/nexus/raw/events?after={after}&wait_seconds=2");
        let request = Request::new(server, "GET", &path)
            .header("authorization", &format!("Bearer {}", self.token))
            .header("x-tenant-id", &self.scope.0)
            .header("x-env", &self.scope.1);
        let answer = timeout(CALL, request.send_to_the_end()).await;
        let answer = answer.unwrap_or_else(|_| panic!("{path} was not answered in {CALL:?}"));
        let answer = answer.filter(|answer| answer.is_whole() && answer.status != 503)?;
        let (status, mut body) = answer.whole();
        assert_eq!(status, 200, "{body}");
        Some(serde_json::from_value(body["events"].take()).unwrap())
    }
}
