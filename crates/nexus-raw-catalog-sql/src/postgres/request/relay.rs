//! The members of a group that the relay and operators write.

use nexus_raw::{
    ports::{Progress, ProgressChange, SinkName},
    tenancy::{Environment, TenantId},
};
use serde::Serialize;
use uuid::Uuid;

use crate::writer::{LeaseRequest, RetryRequest, cursors};

#[derive(Serialize)]
pub(super) struct LeaseMember {
    n: usize,
    owner: Uuid,
    now: i64,
    until: i64,
}

impl LeaseMember {
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
pub(super) struct ProgressMember<'a> {
    n: usize,
    sink: &'a str,
    epoch: u64,
    cursors: Vec<CursorRow<'a>>,
    parked: Option<ParkedRow<'a>>,
    retried: Option<EventPosition<'a>>,
}

#[derive(Serialize)]
struct EventPosition<'a> {
    tenant_id: &'a str,
    env: &'a str,
    sequence: u64,
}

#[derive(Serialize)]
pub(super) struct RetryMember<'a> {
    n: usize,
    sink: Option<&'a str>,
    tenant_id: Option<&'a str>,
    env: Option<&'a str>,
    sequence: Option<u64>,
    now: i64,
}

impl<'a> RetryMember<'a> {
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
struct CursorRow<'a> {
    tenant_id: &'a str,
    env: &'a str,
    cursor: u64,
}

#[derive(Serialize)]
struct ParkedRow<'a> {
    tenant_id: &'a str,
    env: &'a str,
    sequence: u64,
    reason: &'a str,
    parked_at: i64,
}

impl<'a> ProgressMember<'a> {
    pub(super) fn of(n: usize, progress: &'a Progress) -> Self {
        let cursors = cursors(&progress.change);
        let cursors = cursors.into_iter().map(|(scope, cursor)| CursorRow {
            tenant_id: scope.tenant.as_str(),
            env: scope.environment.as_str(),
            cursor,
        });
        let mut member = Self {
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
                member.parked = Some(ParkedRow {
                    tenant_id: it.scope.tenant.as_str(),
                    env: it.scope.environment.as_str(),
                    sequence: it.sequence,
                    reason: &it.reason,
                    parked_at: it.parked_at.as_micros(),
                });
            }
            ProgressChange::Retried { scope, sequence } => {
                member.retried = Some(EventPosition {
                    tenant_id: scope.tenant.as_str(),
                    env: scope.environment.as_str(),
                    sequence: *sequence,
                });
            }
        }
        member
    }
}
