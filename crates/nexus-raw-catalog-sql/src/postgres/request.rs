//! A group as `write_v1` reads it.

use std::{collections::BTreeMap, fmt};

use nexus_raw::{
    asset::{Activity, AssetId, CapturedAt, ObjectKey, PiiFlags, SourceUri},
    ports::{NewAsset, SinkName},
    tenancy::{Environment, Scope, TenantId},
};
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::{
    commitment::CommittedBody,
    settings::ObjectStoreIdentity,
    writer::{
        Group, HashingRequest, HashingStep, LeaseRequest, NewIntent, Progress, Registration,
        RepeatedPresign, RetryRequest,
    },
};

/// Bytes as PostgreSQL reads them from a text: `\x` and hexadecimal digits.
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl fmt::Display for Bytes<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("\\x")?;
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

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
    registrations: Vec<Record<'a>>,
    hashings: Vec<Hashing<'a>>,
}

#[derive(Serialize)]
struct SealedBody<'a> {
    event_type: nexus_raw::event::EventType,
    occurred_at: i64,
    salt: Bytes<'a>,
    commitment: Bytes<'a>,
    body: &'a str,
}

impl<'a> From<&'a CommittedBody> for SealedBody<'a> {
    fn from(event: &'a CommittedBody) -> Self {
        Self {
            event_type: event.event_type,
            occurred_at: event.occurred_at.as_micros(),
            salt: Bytes(&event.salt),
            commitment: Bytes(&event.commitment),
            body: &event.body,
        }
    }
}

#[derive(Serialize)]
struct Intent<'a> {
    n: usize,
    asset_id: Uuid,
    bucket: &'a str,
    filename: &'a str,
    content_type: &'a str,
    size_bytes: u64,
    sha256: Bytes<'a>,
    requested_by: &'a str,
    requested_at: i64,
    ends_at: i64,
    #[serde(flatten)]
    key: Option<Called<'a>>,
    #[serde(flatten)]
    event: SealedBody<'a>,
}

#[derive(Serialize)]
struct Called<'a> {
    user_id: &'a str,
    route: &'a str,
    idempotency_key: String,
    body_digest: Bytes<'a>,
}

impl<'a> Intent<'a> {
    fn of(n: usize, new: &'a NewIntent) -> Self {
        let intent = &new.intent;
        Self {
            n,
            asset_id: intent.asset_id.as_uuid(),
            bucket: intent.address.bucket.as_str(),
            filename: intent.facts.filename.as_str(),
            content_type: intent.facts.content_type.as_str(),
            size_bytes: intent.facts.size_bytes.get(),
            sha256: Bytes(intent.facts.sha256.as_bytes()),
            requested_by: intent.requested_by.as_str(),
            requested_at: intent.requested_at.as_micros(),
            ends_at: intent.ends_at.as_micros(),
            key: new.key.as_deref().map(|key| Called {
                user_id: key.caller.user.as_str(),
                route: key.caller.route.as_str(),
                idempotency_key: key.caller.key.digest().to_string(),
                body_digest: Bytes(key.body_digest.as_bytes()),
            }),
            event: SealedBody::from(&new.event),
        }
    }
}

#[derive(Serialize)]
struct Repeat<'a> {
    n: usize,
    asset_id: Uuid,
    #[serde(flatten)]
    event: SealedBody<'a>,
}

#[derive(Serialize)]
struct Record<'a> {
    n: usize,
    asset_id: Uuid,
    bucket: &'a str,
    filename: &'a str,
    content_type: &'a str,
    size_bytes: u64,
    sha256: Bytes<'a>,
    captured_at: Option<i64>,
    captured_offset_minutes: Option<i16>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    altitude_m: Option<f64>,
    accuracy_m: Option<f64>,
    source_uri: Option<&'a str>,
    activity: Option<&'a str>,
    pii_flags: &'a PiiFlags,
    train_ok: bool,
    registered_by: &'a str,
    imported_at: i64,
    provenance_digest: Bytes<'a>,
    integrity_level: &'static str,
    integrity_version_id: Option<&'a str>,
    integrity_etag: &'a str,
    labels: &'a BTreeMap<String, String>,
    parents: Vec<Uuid>,
    #[serde(flatten)]
    event: SealedBody<'a>,
}

impl<'a> Record<'a> {
    fn of(n: usize, new: &'a NewAsset, event: &'a CommittedBody) -> Self {
        let parts = new.asset.parts();
        let provenance = &parts.provenance;
        let location = provenance.capture_location;
        let lineage = &provenance.lineage;
        let parents = lineage.derived_from.as_slice().iter();
        Self {
            n,
            asset_id: parts.asset_id.as_uuid(),
            bucket: parts.address.bucket.as_str(),
            filename: parts.facts.filename.as_str(),
            content_type: parts.facts.content_type.as_str(),
            size_bytes: parts.facts.size_bytes.get(),
            sha256: Bytes(parts.facts.sha256.as_bytes()),
            captured_at: provenance.captured_at.map(|it| it.at().as_micros()),
            captured_offset_minutes: provenance.captured_at.map(CapturedAt::offset_minutes),
            latitude: location.map(|it| it.latitude()),
            longitude: location.map(|it| it.longitude()),
            altitude_m: location.and_then(|it| it.altitude_m()),
            accuracy_m: location.and_then(|it| it.accuracy_m()),
            source_uri: lineage.source_uri.as_ref().map(SourceUri::as_str),
            activity: lineage.activity.as_ref().map(Activity::as_str),
            pii_flags: &provenance.pii_flags,
            train_ok: provenance.train_ok,
            registered_by: parts.registered_by.as_str(),
            imported_at: parts.imported_at.as_micros(),
            provenance_digest: Bytes(new.provenance_digest.as_bytes()),
            integrity_level: parts.integrity.level.as_str(),
            integrity_version_id: parts.integrity.version_id.as_deref(),
            integrity_etag: &parts.integrity.etag,
            labels: provenance.labels.as_map(),
            parents: parents.map(AssetId::as_uuid).collect(),
            event: SealedBody::from(event),
        }
    }
}

#[derive(Serialize)]
struct Hashing<'a> {
    n: usize,
    asset_id: Uuid,
    etag: &'a str,
    version_id: Option<&'a str>,
    #[serde(flatten)]
    step: Step<'a>,
}

#[derive(Serialize)]
#[serde(tag = "step", rename_all = "lowercase")]
enum Step<'a> {
    Claim { owner: Uuid, now: i64, until: i64 },
    Renew { epoch: u64, until: i64 },
    Record { epoch: u64, sha256: Bytes<'a> },
    Release { epoch: u64 },
}

impl<'a> Hashing<'a> {
    fn of(n: usize, asked: &'a HashingRequest) -> Self {
        let object = &asked.object;
        Self {
            n,
            asset_id: object.asset_id.as_uuid(),
            etag: &object.etag,
            version_id: object.version_id.as_deref(),
            step: match &asked.step {
                HashingStep::Claim { owner, now, ttl } => Step::Claim {
                    owner: *owner,
                    now: now.as_micros(),
                    until: now.saturating_add(*ttl).as_micros(),
                },
                HashingStep::Renew { epoch, now, ttl } => Step::Renew {
                    epoch: *epoch,
                    until: now.saturating_add(*ttl).as_micros(),
                },
                HashingStep::Record { epoch, digest } => Step::Record {
                    epoch: *epoch,
                    sha256: Bytes(digest.as_bytes()),
                },
                HashingStep::Release { epoch } => Step::Release { epoch: *epoch },
            },
        }
    }
}

#[derive(Serialize)]
struct Lease {
    owner: Uuid,
    now: i64,
    until: i64,
}

impl From<&&LeaseRequest> for Lease {
    fn from(asked: &&LeaseRequest) -> Self {
        Self {
            owner: asked.owner,
            now: asked.now.as_micros(),
            until: asked.now.saturating_add(asked.ttl).as_micros(),
        }
    }
}

#[derive(Serialize)]
struct Moved<'a> {
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
struct Retry<'a> {
    sink: Option<&'a str>,
    tenant_id: Option<&'a str>,
    env: Option<&'a str>,
    sequence: Option<u64>,
    now: i64,
}

impl<'a> From<&&'a RetryRequest> for Retry<'a> {
    fn from(asked: &&'a RetryRequest) -> Self {
        let filter = &asked.filter;
        Self {
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
    fn of(progress: &'a Progress) -> Self {
        // a batch may name a scope once for each of its events
        let mut cursors: BTreeMap<&Scope, u64> = BTreeMap::new();
        for (scope, sequence) in &progress.cursors {
            let cursor = cursors.entry(scope).or_default();
            *cursor = (*cursor).max(*sequence);
        }
        let cursors = cursors.into_iter().map(|(scope, cursor)| Reached {
            tenant_id: scope.tenant.as_str(),
            env: scope.environment.as_str(),
            cursor,
        });
        Self {
            sink: progress.sink.as_str(),
            epoch: progress.epoch,
            cursors: cursors.collect(),
            parked: progress.parked.as_ref().map(|it| LeftBehind {
                tenant_id: it.scope.tenant.as_str(),
                env: it.scope.environment.as_str(),
                sequence: it.sequence,
                reason: &it.reason,
                parked_at: it.parked_at.as_micros(),
            }),
            retried: progress.retried.as_ref().map(|(scope, sequence)| Place {
                tenant_id: scope.tenant.as_str(),
                env: scope.environment.as_str(),
                sequence: *sequence,
            }),
        }
    }
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
            .map(|(n, it)| Repeat {
                n: *n,
                asset_id: it.event.asset_id.as_uuid(),
                event: SealedBody::from(&it.event),
            })
            .collect(),
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
