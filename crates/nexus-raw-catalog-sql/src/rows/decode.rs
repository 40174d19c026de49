//! Decoding of rows.

use std::{borrow::Cow, collections::BTreeMap};

use nexus_raw::{
    asset::{
        Activity, AssetId, BucketName, ByteSize, CaptureLocation, CapturedAt, ContentFacts,
        ContentType, DeclaredFacts, DeclaredPart, DerivedFrom, Fact, FactKind, FactValue, Filename,
        FoundContent, InForce, Integrity, IntegrityLevel, Labels, Lineage, MultipartUpload,
        ObjectAddress, ObjectKey, PartNumber, PiiFlags, Provenance, RawAsset, RawAssetParts,
        Reason, Sha256Digest, SourceUri, StatedFact, UploadId, UploadIntent, Verdict, Verification,
    },
    event::{DatasetEvent, StoredEvent},
    ports::{
        AssetFacts, AssetHead, AssetVerification, Backlog, BoxError, CatalogTotals, IntentState,
        KeptEvent, ListedAsset, ParkedEvent, SinkName, StandingKey,
    },
    tenancy::{Scope, UserId},
    time::Timestamp,
};
use serde::Deserialize;
use uuid::Uuid;

use super::Columns;
use crate::{error::CorruptColumn, registration::AssetKey, sealed::salted_digest};

/// Decodes a row of `upload_intent`, with its `asset` if registered.
pub(crate) fn intent_state(row: &Columns<'_>) -> Result<(AssetKey, IntentState), CorruptColumn> {
    let intent = intent(row)?;
    let key = (intent.scope.clone(), intent.asset_id);
    let has_asset = row.optional::<Vec<u8>>("asset.asset_id")?.is_some();
    let state = match (row.get("upload_intent.state")?, has_asset) {
        // one that was closed may still be registered
        ("pending" | "ended", false) => IntentState::Pending(intent),
        ("aborted", false) => IntentState::Aborted(intent),
        ("registered", true) => IntentState::Registered {
            intent,
            asset: Box::new(asset(row)?),
            provenance_digest: row.digest("asset.provenance_digest")?,
        },
        _ => return Err(CorruptColumn("upload_intent.state")),
    };
    Ok((key, state))
}

/// Decodes a row of `upload_intent`.
pub(crate) fn intent(row: &Columns<'_>) -> Result<UploadIntent, CorruptColumn> {
    let scope = row.scope("upload_intent.tenant_id", "upload_intent.env")?;
    let asset_id = row.asset_id("upload_intent.asset_id")?;
    let multipart = multipart(row)?;
    let facts = DeclaredFacts {
        filename: row.text("upload_intent.filename", Filename::from_stored)?,
        content_type: row.text("upload_intent.content_type", ContentType::from_stored)?,
        size_bytes: size(row, "upload_intent.size_bytes")?,
        sha256: declared_digest(row, multipart.is_some())?,
    };
    check_layout(row, "upload_intent.key_layout")?;
    let bucket = "upload_intent.bucket";
    Ok(UploadIntent {
        address: address(row, bucket, &scope, asset_id, &facts.filename)?,
        asset_id,
        scope,
        facts,
        multipart,
        requested_by: row.text("upload_intent.requested_by", UserId::from_stored)?,
        requested_at: row.timestamp("upload_intent.requested_at")?,
        ends_at: row.timestamp("upload_intent.ends_at")?,
    })
}

fn declared_digest(
    row: &Columns<'_>,
    may_be_unstated: bool,
) -> Result<Option<Sha256Digest>, CorruptColumn> {
    const DIGEST: &str = "upload_intent.sha256";
    if may_be_unstated && row.optional::<Vec<u8>>(DIGEST)?.is_none() {
        return Ok(None);
    }
    row.digest(DIGEST).map(Some)
}

fn multipart(row: &Columns<'_>) -> Result<Option<MultipartUpload>, CorruptColumn> {
    let is_multipart = row.text("upload_intent.kind", |kind| match kind {
        "single" => Ok(false),
        "multipart" => Ok(true),
        _ => Err(()),
    })?;
    if !is_multipart {
        return Ok(None);
    }
    Ok(Some(MultipartUpload {
        part_size_bytes: size(row, "upload_intent.part_size_bytes")?,
        upload_id: row.optional_text("upload_intent.upload_id", UploadId::parse)?,
    }))
}

/// Decodes a row of `upload_part`.
pub(crate) fn declared_part(row: &Columns<'_>) -> Result<DeclaredPart, CorruptColumn> {
    const NUMBER: &str = "upload_part.part_number";
    Ok(DeclaredPart {
        number: PartNumber::parse(row.unsigned(NUMBER)?).map_err(|_| CorruptColumn(NUMBER))?,
        size_bytes: size(row, "upload_part.size_bytes")?,
        sha256: row.digest("upload_part.sha256")?,
    })
}

/// Returns what a key is bound to, which is nothing once its upload was aborted.
pub(crate) fn standing(body_digest: Sha256Digest, state: IntentState) -> Option<StandingKey> {
    let is_free = matches!(state, IntentState::Aborted(_));
    (!is_free).then_some(StandingKey { body_digest, state })
}

/// Decodes a row of `asset`. The digest of its provenance detects missing labels and edges.
pub(crate) fn asset(row: &Columns<'_>) -> Result<RawAsset, CorruptColumn> {
    const DIGEST: &str = "asset.provenance_digest";
    let provenance = provenance(row)?;
    if provenance.digest() != row.digest(DIGEST)? {
        return Err(CorruptColumn(DIGEST));
    }
    let scope = row.scope("asset.tenant_id", "asset.env")?;
    let asset_id = row.asset_id("asset.asset_id")?;
    let facts = ContentFacts {
        filename: row.text("asset.filename", Filename::from_stored)?,
        content_type: row.text("asset.content_type", ContentType::from_stored)?,
        size_bytes: size(row, "asset.size_bytes")?,
        sha256: row.digest("asset.sha256")?,
    };
    check_layout(row, "asset.key_layout")?;
    Ok(RawAsset::from_parts(RawAssetParts {
        address: address(row, "asset.bucket", &scope, asset_id, &facts.filename)?,
        asset_id,
        scope,
        facts,
        provenance,
        imported_at: row.timestamp("asset.imported_at")?,
        registered_by: row.text("asset.registered_by", UserId::from_stored)?,
        integrity: Integrity {
            level: row.text("asset.integrity_level", |name| {
                IntegrityLevel::from_name(name).ok_or(())
            })?,
            version_id: row.optional("asset.integrity_version_id")?,
            etag: row.get("asset.integrity_etag")?,
            parts: parts(row)?,
        },
    }))
}

fn parts(row: &Columns<'_>) -> Result<Option<u16>, CorruptColumn> {
    const PARTS: &str = "asset.integrity_parts";
    let parts = row.optional::<i64>(PARTS)?.map(u16::try_from);
    parts.transpose().map_err(|_| CorruptColumn(PARTS))
}

/// Decodes a row of `asset`, with what is in force of it.
pub(crate) fn listed(row: &Columns<'_>) -> Result<ListedAsset, CorruptColumn> {
    let asset = asset(row)?;
    let in_force = InForce::as_registered(&asset, flag(row, "asset.effective")?);
    Ok(ListedAsset {
        sequence: row.unsigned("asset.registered_sequence")?,
        in_force: with_stated(row, in_force)?,
        asset,
    })
}

/// Decodes a row of `asset` without its record.
pub(crate) fn head(row: &Columns<'_>) -> Result<AssetHead, CorruptColumn> {
    let pii_flags = row.text("asset.pii_flags", |json| {
        serde_json::from_str::<PiiFlags>(json)
    })?;
    let effective = flag(row, "asset.effective")?;
    let in_force = InForce::from_parts(flag(row, "asset.train_ok")?, effective, pii_flags);
    Ok(AssetHead {
        sequence: row.unsigned("asset.registered_sequence")?,
        asset_id: row.asset_id("asset.asset_id")?,
        in_force: with_stated(row, in_force)?,
    })
}

/// Decodes what was stated since the registration.
fn with_stated(row: &Columns<'_>, registered: InForce) -> Result<InForce, CorruptColumn> {
    const LAST_FACT: &str = "asset.last_fact";
    let stated_train_ok = match row.optional::<i64>("asset.stated_train_ok")? {
        None => None,
        Some(_) => Some(flag(row, "asset.stated_train_ok")?),
    };
    let stated_pii_flags = row.optional_text("asset.stated_pii_flags", |json| {
        serde_json::from_str::<PiiFlags>(json)
    })?;
    let last_fact = row.optional::<i64>(LAST_FACT)?.map(u64::try_from);
    let last_fact = last_fact
        .transpose()
        .map_err(|_| CorruptColumn(LAST_FACT))?;
    Ok(registered.with_stated(stated_train_ok, stated_pii_flags, last_fact))
}

/// Decodes a column that is true or false.
pub(crate) fn flag(row: &Columns<'_>, column: &'static str) -> Result<bool, CorruptColumn> {
    match row.get::<i64>(column)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(CorruptColumn(column)),
    }
}

/// A row of `stated_fact` as JSON. `value` is JSON within a text.
#[derive(Deserialize)]
struct StoredFact<'r> {
    sequence: u64,
    kind: FactKind,
    #[serde(borrow)]
    value: Cow<'r, str>,
    reason: Option<Reason>,
    evidence_sha256: Option<Sha256Digest>,
    stated_at: i64,
    stated_by: UserId,
}

impl StoredFact<'_> {
    fn fact(self) -> Result<StatedFact, BoxError> {
        let value = FactValue::from_json(self.kind, serde_json::from_str(&self.value)?)?;
        let fact = Fact::new(value).with_reason(self.reason);
        let fact = fact.with_evidence(self.evidence_sha256);
        let at = Timestamp::from_micros(self.stated_at)?;
        Ok(StatedFact::new(self.sequence, at, self.stated_by, fact))
    }
}

/// Decodes a row of `stated_fact` from its JSON form.
pub(crate) fn stated_fact(row: &Columns<'_>) -> Result<StatedFact, CorruptColumn> {
    row.text("stated_fact.fact", |json| {
        serde_json::from_str::<StoredFact<'_>>(json)?.fact()
    })
}

/// Decodes a row of `asset`, with all that is stated of it.
pub(crate) fn asset_facts(row: &Columns<'_>) -> Result<AssetFacts, CorruptColumn> {
    let latest = row.text("stated_fact.latest", |json| {
        let facts: Vec<StoredFact<'_>> = serde_json::from_str(json)?;
        let facts = facts.into_iter().map(StoredFact::fact);
        facts.collect::<Result<Vec<_>, BoxError>>()
    })?;
    Ok(AssetFacts {
        listed: listed(row)?,
        latest: latest.into_iter().map(|it| (it.fact.kind(), it)).collect(),
        withheld_by: row.text("asset.withheld_by", ids)?,
    })
}

fn provenance(row: &Columns<'_>) -> Result<Provenance, CorruptColumn> {
    Ok(Provenance {
        captured_at: captured_at(row)?,
        capture_location: capture_location(row)?,
        lineage: Lineage {
            derived_from: row.text("lineage_edge.parent_id", parents)?,
            source_uri: row.optional_text("asset.source_uri", SourceUri::from_stored)?,
            activity: row.optional_text("asset.activity", Activity::parse)?,
        },
        pii_flags: row.text("asset.pii_flags", |json| serde_json::from_str(json))?,
        train_ok: flag(row, "asset.train_ok")?,
        labels: row.text("asset_label.value", labels)?,
    })
}

fn captured_at(row: &Columns<'_>) -> Result<Option<CapturedAt>, CorruptColumn> {
    const OFFSET: &str = "asset.captured_offset_minutes";
    if row.optional::<i64>("asset.captured_at")?.is_none() {
        return Ok(None);
    }
    let at = row.timestamp("asset.captured_at")?;
    let offset_minutes =
        i16::try_from(row.get::<i64>(OFFSET)?).map_err(|_| CorruptColumn(OFFSET))?;
    let captured = CapturedAt::from_parts(at, offset_minutes);
    captured.map(Some).map_err(|_| CorruptColumn(OFFSET))
}

fn capture_location(row: &Columns<'_>) -> Result<Option<CaptureLocation>, CorruptColumn> {
    let Some(latitude) = row.optional("asset.latitude")? else {
        return Ok(None);
    };
    let location = CaptureLocation::parse(
        latitude,
        row.get("asset.longitude")?,
        row.optional("asset.altitude_m")?,
        row.optional("asset.accuracy_m")?,
    );
    location
        .map(Some)
        .map_err(|_| CorruptColumn("asset.latitude"))
}

/// Parses a JSON array of ids in hexadecimal digits.
fn ids(json: &str) -> Result<Vec<AssetId>, BoxError> {
    let ids: Vec<&str> = serde_json::from_str(json)?;
    let ids = ids.into_iter();
    let ids = ids.map(|id| Uuid::try_parse(id).map(AssetId::from_uuid));
    Ok(ids.collect::<Result<_, _>>()?)
}

fn parents(json: &str) -> Result<DerivedFrom, BoxError> {
    Ok(DerivedFrom::parse(ids(json)?)?)
}

fn labels(json: &str) -> Result<Labels, ()> {
    let labels: BTreeMap<String, String> = serde_json::from_str(json).map_err(|_| ())?;
    Labels::parse(labels).map_err(|_| ())
}

fn size(row: &Columns<'_>, column: &'static str) -> Result<ByteSize, CorruptColumn> {
    ByteSize::parse(row.unsigned(column)?).map_err(|_| CorruptColumn(column))
}

/// Checks the key layout. Keys are stored as their parts, so an unknown layout means an unknown
/// key.
fn check_layout(row: &Columns<'_>, column: &'static str) -> Result<(), CorruptColumn> {
    if row.get::<i64>(column)? == i64::from(ObjectKey::LAYOUT) {
        Ok(())
    } else {
        Err(CorruptColumn(column))
    }
}

fn address(
    row: &Columns<'_>,
    bucket: &'static str,
    scope: &Scope,
    asset_id: AssetId,
    filename: &Filename,
) -> Result<ObjectAddress, CorruptColumn> {
    Ok(ObjectAddress {
        bucket: row.text(bucket, BucketName::parse)?,
        key: ObjectKey::for_asset(scope, asset_id, filename),
    })
}

/// Decodes a row of `event` and verifies the digests of both texts. The id is derived from log and
/// sequence.
pub(crate) fn event(row: &Columns<'_>) -> Result<DatasetEvent, CorruptColumn> {
    let scope = row.scope("event.tenant_id", "event.env")?;
    let sequence = row.unsigned("event.sequence")?;
    let facts: &str = row.get("event.facts")?;
    if row.bytes("event.facts_digest")? != salted_digest(&row.bytes("event.facts_salt")?, facts) {
        return Err(CorruptColumn("event.facts_digest"));
    }
    let personal: &str = row.get("event.personal")?;
    let salt = row.bytes("event.personal_salt")?;
    if row.bytes("event.personal_digest")? != salted_digest(&salt, personal) {
        return Err(CorruptColumn("event.personal_digest"));
    }
    let Ok(body) = StoredEvent::read(facts, personal) else {
        return Err(CorruptColumn("event.facts"));
    };
    if body.asset_id != row.asset_id("event.asset_id")? {
        return Err(CorruptColumn("event.facts"));
    }
    if body.scope() != scope {
        return Err(CorruptColumn("event.personal"));
    }
    Ok(DatasetEvent {
        event_id: DatasetEvent::id_at(row.uuid("scope_log.log_id")?, sequence),
        sequence,
        body,
    })
}

/// Decodes the time of the oldest of some events, or `None` if there are none.
pub(crate) fn oldest(row: &Columns<'_>) -> Result<Option<Timestamp>, CorruptColumn> {
    const COLUMN: &str = "event.occurred_at";
    match row.optional::<i64>(COLUMN)? {
        None => Ok(None),
        Some(_) => Ok(Some(row.timestamp(COLUMN)?)),
    }
}

/// Decodes the totals of all scopes.
pub(crate) fn totals(row: &Columns<'_>) -> Result<CatalogTotals, CorruptColumn> {
    Ok(CatalogTotals {
        open_intents: row.unsigned("scope.open_count")?,
        open_bytes: row.unsigned("scope.open_bytes")?,
        corrupt_assets: row.unsigned("scope.corrupt_count")?,
    })
}

/// Decodes a record with its latest verification.
pub(crate) fn asset_verification(row: &Columns<'_>) -> Result<AssetVerification, CorruptColumn> {
    Ok(AssetVerification {
        listed: listed(row)?,
        latest: verification(row)?,
    })
}

/// Decodes the latest verification of a row of `asset`.
pub(crate) fn verification(row: &Columns<'_>) -> Result<Option<Verification>, CorruptColumn> {
    const VERDICT: &str = "asset.verdict";
    let Some(verdict) = row.optional_text(VERDICT, Verdict::parse)? else {
        return Ok(None);
    };
    let found = match row.optional::<i64>("asset.found_size_bytes")? {
        None => None,
        Some(_) => Some(FoundContent {
            sha256: row.digest("asset.found_sha256")?,
            size_bytes: size(row, "asset.found_size_bytes")?,
        }),
    };
    let at = row.timestamp("asset.verified_at")?;
    let known = Verification::from_parts(verdict, found, at);
    known.map(Some).ok_or(CorruptColumn(VERDICT))
}

/// Decodes the backlog of a sink.
pub(crate) fn backlog(row: &Columns<'_>) -> Result<Backlog, CorruptColumn> {
    Ok(Backlog {
        undelivered: row.unsigned("backlog.undelivered")?,
        oldest: oldest(row)?,
        parked: row.unsigned("backlog.parked")?,
    })
}

/// Decodes a row of `parked_event`.
pub(crate) fn kept_event(row: &Columns<'_>) -> Result<KeptEvent, CorruptColumn> {
    Ok(KeptEvent {
        sink: row.text("parked_event.sink", SinkName::parse)?,
        parked: ParkedEvent {
            scope: row.scope("parked_event.tenant_id", "parked_event.env")?,
            sequence: row.unsigned("parked_event.sequence")?,
            reason: row.get("parked_event.reason")?,
            parked_at: row.timestamp("parked_event.parked_at")?,
        },
        retry_asked: row
            .optional::<i64>("parked_event.retry_asked_at")?
            .is_some(),
    })
}
