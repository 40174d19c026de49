//! A group as `write_v1` reads it.

mod members;
mod relay;

use std::collections::BTreeMap;

use nexus_raw::{
    asset::{ObjectKey, UploadIntent},
    tenancy::Scope,
};
use serde::Serialize;

use self::{
    members::{Hashing, Intent, Record, Repeat},
    relay::{Lease, Moved, Retry},
};
use crate::{
    object_store::ObjectStoreIdentity,
    writer::{Group, HashingRequest, NewIntent, Registration, RepeatedPresign},
};

#[derive(Serialize)]
struct Request<'a> {
    store: Store<'a>,
    scopes: Vec<Block<'a>>,
    leases: Vec<Lease>,
    progress: Vec<Moved<'a>>,
    retries: Vec<Retry<'a>>,
}

#[derive(Serialize)]
struct Store<'a> {
    endpoint: &'a str,
    region: &'a str,
    /// Those of the group's intents.
    buckets: Vec<&'a str>,
    key_layout: u32,
}

/// The members of a group that are of one scope, each with its place in the group.
#[derive(Serialize)]
struct Block<'a> {
    tenant_id: &'a str,
    env: &'a str,
    intents: Vec<Intent<'a>>,
    repeats: Vec<Repeat<'a>>,
    max_presigns: u32,
    registrations: Vec<Record<'a>>,
    hashings: Vec<Hashing<'a>>,
}

/// The members of a group by scope, each with its place among those of its kind.
#[derive(Default)]
pub(super) struct Members<'a> {
    intents: Vec<(usize, &'a NewIntent)>,
    repeats: Vec<(usize, &'a RepeatedPresign)>,
    pub(super) registrations: Vec<(usize, &'a Registration)>,
    pub(super) hashings: Vec<(usize, &'a HashingRequest)>,
}

/// Parts a group by scope, in the order of the scopes' names, in which their rows are locked.
pub(super) fn by_scope<'a>(group: &Group<'a>) -> BTreeMap<&'a Scope, Members<'a>> {
    let mut scopes: BTreeMap<&Scope, Members<'_>> = BTreeMap::new();
    for (n, it) in group.intents.iter().enumerate() {
        let members = scopes.entry(&it.intent.scope).or_default();
        members.intents.push((n, it));
    }
    for (n, it) in group.repeats.iter().enumerate() {
        scopes.entry(&it.scope).or_default().repeats.push((n, it));
    }
    for (n, it) in group.registrations.iter().enumerate() {
        let scope = &it.new.asset.parts().scope;
        let members = scopes.entry(scope).or_default();
        members.registrations.push((n, it));
    }
    for (n, it) in group.hashings.iter().enumerate() {
        let members = scopes.entry(&it.object.scope).or_default();
        members.hashings.push((n, it));
    }
    scopes
}

/// The text of a group.
pub(super) fn text(
    group: &Group<'_>,
    scopes: &BTreeMap<&Scope, Members<'_>>,
    store: &ObjectStoreIdentity,
) -> Result<String, serde_json::Error> {
    let intents = group.intents.iter();
    let mut buckets: Vec<_> = intents
        .map(|it| it.intent.address.bucket.as_str())
        .collect();
    buckets.sort_unstable();
    buckets.dedup();
    let blocks = scopes.iter().map(|(scope, of)| Block {
        tenant_id: scope.tenant.as_str(),
        env: scope.environment.as_str(),
        intents: of
            .intents
            .iter()
            .map(|(n, it)| Intent::of(*n, it))
            .collect(),
        repeats: of
            .repeats
            .iter()
            .map(|(n, it)| Repeat::of(*n, it))
            .collect(),
        max_presigns: UploadIntent::MAX_PRESIGNS,
        registrations: of
            .registrations
            .iter()
            .map(|(n, it)| Record::of(*n, &it.new, &it.event))
            .collect(),
        hashings: of
            .hashings
            .iter()
            .map(|(n, it)| Hashing::of(*n, it))
            .collect(),
    });
    serde_json::to_string(&Request {
        store: Store {
            endpoint: store.endpoint.as_deref().unwrap_or_default(),
            region: &store.region,
            buckets,
            key_layout: ObjectKey::LAYOUT.into(),
        },
        scopes: blocks.collect(),
        leases: group.leases.iter().map(Lease::from).collect(),
        progress: group.progress.iter().map(|it| Moved::of(it)).collect(),
        retries: group.retries.iter().map(Retry::from).collect(),
    })
}
