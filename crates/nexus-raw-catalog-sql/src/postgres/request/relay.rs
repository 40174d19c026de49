//! What the relay, and whoever sees to parked events, have to say.

use nexus_raw::{
    ports::{Progress, ProgressChange, SinkName},
    tenancy::{Environment, TenantId},
};
use serde::Serialize;
use uuid::Uuid;

use crate::writer::{LeaseRequest, RetryRequest, cursors};

#[derive(Serialize)]
pub(super) struct Lease {
    n: usize,
    owner: Uuid,
    now: i64,
    until: i64,
}

impl Lease {
    pub(super) fn of(n: usize, asked: &LeaseRequest) -> Self {
        Self {
            n,
            owner: asked.owner,
            now: asked.now.as_micros(),
            until: asked.now.saturating_add(asked.ttl).as_micros(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Moved<'a> {
    n: usize,
    sink: &'a str,
    epoch: u64,
    cursors: Vec<Reached<'a>>,
    parked: Option<LeftBehind<'a>>,
    retried: Option<Place<'a>>,
}

#[derive(Serialize)]
struct Place<'a> {
    tenant_id: &'a str,
    env: &'a str,
    sequence: u64,
}

#[derive(Serialize)]
pub(super) struct Retry<'a> {
    n: usize,
    sink: Option<&'a str>,
    tenant_id: Option<&'a str>,
    env: Option<&'a str>,
    sequence: Option<u64>,
    now: i64,
}

impl<'a> Retry<'a> {
    pub(super) fn of(n: usize, asked: &'a RetryRequest) -> Self {
        let filter = &asked.filter;
        Self {
            n,
            sink: filter.sink.as_ref().map(SinkName::as_str),
            tenant_id: filter.tenant.as_ref().map(TenantId::as_str),
            env: filter.environment.as_ref().map(Environment::as_str),
            sequence: filter.sequence,
            now: asked.now.as_micros(),
        }
    }
}

#[derive(Serialize)]
struct Reached<'a> {
    tenant_id: &'a str,
    env: &'a str,
    cursor: u64,
}

#[derive(Serialize)]
struct LeftBehind<'a> {
    tenant_id: &'a str,
    env: &'a str,
    sequence: u64,
    reason: &'a str,
    parked_at: i64,
}

impl<'a> Moved<'a> {
    pub(super) fn of(n: usize, progress: &'a Progress) -> Self {
        let cursors = cursors(&progress.change);
        let cursors = cursors.into_iter().map(|(scope, cursor)| Reached {
            tenant_id: scope.tenant.as_str(),
            env: scope.environment.as_str(),
            cursor,
        });
        let mut moved = Self {
            n,
            sink: progress.sink.as_str(),
            epoch: progress.epoch,
            cursors: cursors.collect(),
            parked: None,
            retried: None,
        };
        match &progress.change {
            ProgressChange::Delivered(_) => {}
            ProgressChange::Parked(it) => {
                moved.parked = Some(LeftBehind {
                    tenant_id: it.scope.tenant.as_str(),
                    env: it.scope.environment.as_str(),
                    sequence: it.sequence,
                    reason: &it.reason,
                    parked_at: it.parked_at.as_micros(),
                });
            }
            ProgressChange::Retried { scope, sequence } => {
                moved.retried = Some(Place {
                    tenant_id: scope.tenant.as_str(),
                    env: scope.environment.as_str(),
                    sequence: *sequence,
                });
            }
        }
        moved
    }
}
