//! The members of a group that belong to one scope.

use std::collections::BTreeMap;

use nexus_raw::{
    asset::{Activity, AssetId, CapturedAt, PiiFlags, SourceUri, UploadIntent},
    event::EventType,
    ports::{KeyClaim, NewAsset},
};
use serde::{Serialize, Serializer, ser::Error as _};
use uuid::Uuid;

use crate::{
    rows::encode::{kind, upload_id},
    sealed::SealedEvent,
    writer::{EndedIntents, NewIntent, RecordedDownload, RepeatedPresign, WorkRequest, WorkStep},
};

/// Bytes in PostgreSQL's text format: `\x` and hexadecimal digits.
///
/// Only digests and salts are sent, all of 32 bytes.
pub(super) struct Bytes<'a>(pub(super) &'a [u8; 32]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut text = [0; 2 + 64];
        text[..2].copy_from_slice(b"\\x");
        hex::encode_to_slice(self.0, &mut text[2..]).map_err(S::Error::custom)?;
        to.serialize_str(str::from_utf8(&text).map_err(S::Error::custom)?)
    }
}

/// The columns of `event` that a member carries.
#[derive(Serialize)]
pub(super) struct EventColumns<'a> {
    asset_id: Uuid,
    event_type: EventType,
    occurred_at: i64,
    facts_salt: Bytes<'a>,
    facts: &'a str,
    facts_digest: Bytes<'a>,
    personal_salt: Bytes<'a>,
    personal: &'a str,
    personal_digest: Bytes<'a>,
}

impl<'a> From<&'a SealedEvent> for EventColumns<'a> {
    fn from(event: &'a SealedEvent) -> Self {
        Self {
            asset_id: event.body.asset_id.as_uuid(),
            event_type: event.body.event_type,
            occurred_at: event.body.occurred_at.as_micros(),
            facts_salt: Bytes(&event.facts.salt),
            facts: &event.facts.text,
            facts_digest: Bytes(&event.facts.digest),
            personal_salt: Bytes(&event.personal.salt),
            personal: &event.personal.text,
            personal_digest: Bytes(&event.personal.digest),
        }
    }
}

#[derive(Serialize)]
pub(super) struct PresignMember<'a> {
    n: usize,
    bucket: &'a str,
    intent: IntentColumns<'a>,
    key: Option<KeyColumns<'a>>,
    event: EventColumns<'a>,
}

/// The columns of `upload_intent` that a member carries.
#[derive(Serialize)]
struct IntentColumns<'a> {
    asset_id: Uuid,
    kind: &'static str,
    part_size_bytes: Option<u64>,
    upload_id: Option<&'a str>,
    filename: &'a str,
    content_type: &'a str,
    size_bytes: u64,
    sha256: Option<Bytes<'a>>,
    requested_by: &'a str,
    requested_at: i64,
    ends_at: i64,
}

/// The columns of `idempotency` that a member carries.
#[derive(Serialize)]
struct KeyColumns<'a> {
    user_id: &'a str,
    route: &'a str,
    idempotency_key: String,
    body_digest: Bytes<'a>,
    asset_id: Uuid,
    ends_at: i64,
}

impl<'a> PresignMember<'a> {
    pub(super) fn of(n: usize, new: &'a NewIntent) -> Self {
        let intent = &new.intent;
        Self {
            n,
            bucket: intent.address.bucket.as_str(),
            intent: IntentColumns::from(intent),
            key: new.key.as_deref().map(|key| KeyColumns {
                user_id: key.caller.user.as_str(),
                route: key.caller.route,
                idempotency_key: key.caller.key.digest().to_string(),
                body_digest: Bytes(key.body_digest.as_bytes()),
                asset_id: intent.asset_id.as_uuid(),
                ends_at: intent.ends_at.as_micros(),
            }),
            event: EventColumns::from(&new.event),
        }
    }
}

impl<'a> From<&'a UploadIntent> for IntentColumns<'a> {
    fn from(intent: &'a UploadIntent) -> Self {
        Self {
            asset_id: intent.asset_id.as_uuid(),
            kind: kind(intent),
            part_size_bytes: intent.multipart.as_ref().map(|it| it.part_size_bytes.get()),
            upload_id: upload_id(intent),
            filename: intent.facts.filename.as_str(),
            content_type: intent.facts.content_type.as_str(),
            size_bytes: intent.facts.size_bytes.get(),
            sha256: intent.facts.sha256.as_ref().map(|it| Bytes(it.as_bytes())),
            requested_by: intent.requested_by.as_str(),
            requested_at: intent.requested_at.as_micros(),
            ends_at: intent.ends_at.as_micros(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct RepeatMember<'a> {
    n: usize,
    event: EventColumns<'a>,
}

impl<'a> RepeatMember<'a> {
    pub(super) fn of(n: usize, it: &'a RepeatedPresign) -> Self {
        Self {
            n,
            event: EventColumns::from(&it.event),
        }
    }
}

#[derive(Serialize)]
pub(super) struct RecordMember<'a> {
    n: usize,
    bucket: &'a str,
    asset: AssetColumns<'a>,
    labels: &'a BTreeMap<String, String>,
    parents: Vec<Uuid>,
    event: EventColumns<'a>,
}

/// A record with its intent, which is written where there is none.
#[derive(Serialize)]
pub(super) struct ImportMember<'a> {
    intent: IntentColumns<'a>,
    #[serde(flatten)]
    record: RecordMember<'a>,
}

impl<'a> ImportMember<'a> {
    pub(super) fn of(intent: &'a UploadIntent, record: RecordMember<'a>) -> Self {
        Self {
            intent: IntentColumns::from(intent),
            record,
        }
    }
}

/// The columns of `asset` that a member carries.
#[derive(Serialize)]
struct AssetColumns<'a> {
    asset_id: Uuid,
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
    integrity_parts: Option<u16>,
    integrity_version_id: Option<&'a str>,
    integrity_etag: &'a str,
}

impl<'a> RecordMember<'a> {
    pub(super) fn of(n: usize, new: &'a NewAsset, event: &'a SealedEvent) -> Self {
        let asset = &new.asset;
        let lineage = &asset.provenance().lineage;
        let parents = lineage.derived_from.as_slice().iter();
        Self {
            n,
            bucket: asset.address().bucket.as_str(),
            asset: AssetColumns::of(new),
            labels: asset.provenance().labels.as_map(),
            parents: parents.map(AssetId::as_uuid).collect(),
            event: EventColumns::from(event),
        }
    }
}

impl<'a> AssetColumns<'a> {
    fn of(new: &'a NewAsset) -> Self {
        let asset = &new.asset;
        let provenance = asset.provenance();
        let location = provenance.capture_location;
        let lineage = &provenance.lineage;
        Self {
            asset_id: asset.asset_id().as_uuid(),
            filename: asset.facts().filename.as_str(),
            content_type: asset.facts().content_type.as_str(),
            size_bytes: asset.facts().size_bytes.get(),
            sha256: Bytes(asset.facts().sha256.as_bytes()),
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
            registered_by: asset.registered_by().as_str(),
            imported_at: asset.imported_at().as_micros(),
            provenance_digest: Bytes(new.provenance_digest.as_bytes()),
            integrity_level: asset.integrity().level.as_str(),
            integrity_parts: asset.integrity().parts,
            integrity_version_id: asset.integrity().version_id.as_deref(),
            integrity_etag: &asset.integrity().etag,
        }
    }
}

#[derive(Serialize)]
pub(super) struct DownloadMember<'a> {
    n: usize,
    enough_until: i64,
    last_fact: Option<u64>,
    held: GrantColumns<'a>,
    event: EventColumns<'a>,
}

/// The columns of `download_grant` that a member carries.
#[derive(Serialize)]
struct GrantColumns<'a> {
    asset_id: Uuid,
    user_id: &'a str,
    disposition: &'static str,
    ends_at: i64,
}

impl<'a> DownloadMember<'a> {
    pub(super) fn of(n: usize, it: &'a RecordedDownload) -> Self {
        let key = &it.new.key;
        Self {
            n,
            enough_until: it.new.enough_until.as_micros(),
            last_fact: it.new.last_fact,
            held: GrantColumns {
                asset_id: key.asset_id.as_uuid(),
                user_id: key.user.as_str(),
                disposition: key.disposition.as_str(),
                ends_at: it.new.ends_at.as_micros(),
            },
            event: EventColumns::from(&it.event),
        }
    }
}

/// A key for a batch, with the columns of `idempotency`.
#[derive(Serialize)]
pub(super) struct ClaimMember<'a> {
    n: usize,
    user_id: &'a str,
    route: &'a str,
    idempotency_key: String,
    body_digest: Bytes<'a>,
    ends_at: i64,
    now: i64,
}

impl<'a> ClaimMember<'a> {
    pub(super) fn of(n: usize, claim: &'a KeyClaim) -> Self {
        Self {
            n,
            user_id: claim.key.user.as_str(),
            route: claim.key.route,
            idempotency_key: claim.key.key.digest().to_string(),
            body_digest: Bytes(claim.body_digest.as_bytes()),
            ends_at: claim.ends_at.as_micros(),
            now: claim.claimed_at.as_micros(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct WorkMember<'a> {
    n: usize,
    asset_id: Uuid,
    #[serde(flatten)]
    object: Option<TagColumns<'a>>,
    #[serde(flatten)]
    step: Step<'a>,
}

/// The columns of `object_digest` that tell an object from others.
#[derive(Serialize)]
struct TagColumns<'a> {
    etag: &'a str,
    version_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "step", rename_all = "lowercase")]
enum Step<'a> {
    Claim {
        of_record: bool,
        owner: Uuid,
        now: i64,
        until: i64,
    },
    Renew {
        epoch: u64,
        until: i64,
    },
    Record {
        epoch: u64,
        sha256: Bytes<'a>,
    },
    Release {
        epoch: u64,
    },
}

impl<'a> WorkMember<'a> {
    pub(super) fn of(n: usize, asked: &'a WorkRequest) -> Self {
        let object = match &asked.step {
            WorkStep::Claim { purpose, .. } => purpose.hashing(),
            WorkStep::Record { object, .. } => Some(object),
            WorkStep::Renew { .. } | WorkStep::Release { .. } => None,
        };
        Self {
            n,
            asset_id: asked.asset_id.as_uuid(),
            object: object.map(|it| TagColumns {
                etag: &it.etag,
                version_id: it.version_id.as_deref(),
            }),
            step: match &asked.step {
                WorkStep::Claim {
                    purpose,
                    owner,
                    now,
                    ttl,
                } => Step::Claim {
                    of_record: purpose.is_of_record(),
                    owner: *owner,
                    now: now.as_micros(),
                    until: now.saturating_add(*ttl).as_micros(),
                },
                WorkStep::Renew { epoch, now, ttl } => Step::Renew {
                    epoch: *epoch,
                    until: now.saturating_add(*ttl).as_micros(),
                },
                WorkStep::Record { epoch, digest, .. } => Step::Record {
                    epoch: *epoch,
                    sha256: Bytes(digest.as_bytes()),
                },
                WorkStep::Release { epoch } => Step::Release { epoch: *epoch },
            },
        }
    }
}

#[derive(Serialize)]
pub(super) struct EndsMember {
    n: usize,
    assets: Vec<Uuid>,
    now: i64,
}

impl EndsMember {
    pub(super) fn of(n: usize, ended: &EndedIntents) -> Self {
        Self {
            n,
            assets: ended.assets.iter().map(AssetId::as_uuid).collect(),
            now: ended.now.as_micros(),
        }
    }
}
