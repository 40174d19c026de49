//! The request of `write_v1`: a group as JSON. `n` is a member's index in the group.

mod facts;
mod members;
mod parts;
mod relay;
mod verifications;

use std::collections::{BTreeMap, BTreeSet};

use nexus_raw::{
    asset::{ObjectKey, UploadIntent},
    tenancy::Scope,
};
use serde::Serialize;

use self::{
    facts::{FactMember, StepMember},
    members::{
        ClaimMember, DownloadMember, EndsMember, ImportMember, PresignMember, RecordMember,
        RepeatMember, WorkMember,
    },
    parts::{AbortMember, PartsMember, UploadMember},
    relay::{LeaseMember, ProgressMember, RetryMember},
    verifications::VerificationMember,
};
use crate::{object_store::ObjectStoreIdentity, writer::Write};

#[derive(Serialize)]
struct Request<'a> {
    store: Store<'a>,
    /// In the order of the scopes' names, which is the order of locking.
    scopes: Vec<Block<'a>>,
    leases: Vec<LeaseMember>,
    progress: Vec<ProgressMember<'a>>,
    retries: Vec<RetryMember<'a>>,
}

#[derive(Serialize)]
struct Store<'a> {
    endpoint: &'a str,
    region: &'a str,
    /// The buckets of the group's intents.
    buckets: BTreeSet<&'a str>,
    key_layout: u32,
}

/// The members of a group that belong to one scope.
#[derive(Serialize)]
struct Block<'a> {
    tenant_id: &'a str,
    env: &'a str,
    intents: Vec<PresignMember<'a>>,
    repeats: Vec<RepeatMember<'a>>,
    max_presigns: u32,
    registrations: Vec<RecordMember<'a>>,
    imports: Vec<ImportMember<'a>>,
    aborts: Vec<AbortMember<'a>>,
    downloads: Vec<DownloadMember<'a>>,
    verifications: Vec<VerificationMember<'a>>,
    facts: Vec<FactMember<'a>>,
    claims: Vec<ClaimMember<'a>>,
    uploads: Vec<UploadMember<'a>>,
    parts: Vec<PartsMember<'a>>,
    work: Vec<WorkMember<'a>>,
    steps: Vec<StepMember>,
    ends: Vec<EndsMember>,
}

impl<'a> Block<'a> {
    fn of(scope: &'a Scope) -> Self {
        Self {
            tenant_id: scope.tenant.as_str(),
            env: scope.environment.as_str(),
            intents: Vec::new(),
            repeats: Vec::new(),
            max_presigns: UploadIntent::MAX_PRESIGNS,
            registrations: Vec::new(),
            imports: Vec::new(),
            aborts: Vec::new(),
            downloads: Vec::new(),
            verifications: Vec::new(),
            facts: Vec::new(),
            claims: Vec::new(),
            uploads: Vec::new(),
            parts: Vec::new(),
            work: Vec::new(),
            steps: Vec::new(),
            ends: Vec::new(),
        }
    }
}

/// Serializes a group.
pub(super) fn text(
    group: &[&Write],
    store: &ObjectStoreIdentity,
) -> Result<String, serde_json::Error> {
    let mut scopes: BTreeMap<&Scope, Block<'_>> = BTreeMap::new();
    let mut request = Request {
        store: Store {
            endpoint: store.endpoint.as_deref().unwrap_or_default(),
            region: &store.region,
            buckets: BTreeSet::new(),
            key_layout: ObjectKey::LAYOUT.into(),
        },
        scopes: Vec::new(),
        leases: Vec::new(),
        progress: Vec::new(),
        retries: Vec::new(),
    };
    for (n, write) in group.iter().enumerate() {
        match write {
            Write::Intent(it) => {
                request
                    .store
                    .buckets
                    .insert(it.intent.address.bucket.as_str());
                block(&mut scopes, &it.intent.scope)
                    .intents
                    .push(PresignMember::of(n, it));
            }
            Write::Repeat(it) => block(&mut scopes, &it.scope)
                .repeats
                .push(RepeatMember::of(n, it)),
            Write::Register(it) => {
                let record = RecordMember::of(n, &it.new, &it.event);
                let block = block(&mut scopes, it.new.asset.scope());
                match &it.intent {
                    None => block.registrations.push(record),
                    Some(intent) => {
                        let bucket = intent.address.bucket.as_str();
                        request.store.buckets.insert(bucket);
                        block.imports.push(ImportMember::of(intent, record));
                    }
                }
            }
            Write::Abort(it) => block(&mut scopes, &it.scope)
                .aborts
                .push(AbortMember::of(n, it)),
            Write::Begin(it) => block(&mut scopes, &it.scope)
                .uploads
                .push(UploadMember::of(n, it)),
            Write::Parts(it) => block(&mut scopes, &it.scope)
                .parts
                .push(PartsMember::of(n, it)),
            Write::Download(it) => block(&mut scopes, &it.new.key.scope)
                .downloads
                .push(DownloadMember::of(n, it)),
            Write::Verify(it) => block(&mut scopes, &it.new.scope)
                .verifications
                .push(VerificationMember::of(n, it)),
            Write::Fact(it) => block(&mut scopes, &it.new.scope)
                .facts
                .push(FactMember::of(n, it)),
            Write::Advance(it) => block(&mut scopes, &it.scope).steps.push(StepMember {
                n,
                max_changes: it.max_changes,
            }),
            Write::Close(it) => block(&mut scopes, &it.scope)
                .ends
                .push(EndsMember::of(n, it)),
            Write::Claim(it) => block(&mut scopes, &it.key.scope)
                .claims
                .push(ClaimMember::of(n, it)),
            Write::Work(it) => block(&mut scopes, &it.scope)
                .work
                .push(WorkMember::of(n, it)),
            Write::Lease(it) => request.leases.push(LeaseMember::of(n, it)),
            Write::Progress(it) => request.progress.push(ProgressMember::of(n, it)),
            Write::Retry(it) => request.retries.push(RetryMember::of(n, it)),
        }
    }
    request.scopes = scopes.into_values().collect();
    serde_json::to_string(&request)
}

fn block<'b, 'a>(
    scopes: &'b mut BTreeMap<&'a Scope, Block<'a>>,
    scope: &'a Scope,
) -> &'b mut Block<'a> {
    scopes.entry(scope).or_insert_with(|| Block::of(scope))
}
