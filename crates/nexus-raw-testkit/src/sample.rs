//! Valid values for tests, the same in every run.
//!
//! A test changes only the fields that it is about:
//!
//! ```
//! use nexus_raw::asset::UploadIntent;
//! use nexus_raw_testkit::sample;
//!
//! let scope = sample::scope("t_a", "dev");
//! let ended = UploadIntent { ends_at: sample::now(), ..sample::intent(&scope, sample::asset_id(1)) };
//! # let _ = ended;
//! ```

use std::{collections::BTreeMap, time::Duration};

use nexus_raw::{
    asset::{
        Activity, AssetId, BucketName, ByteSize, CaptureLocation, CapturedAt, ContentFacts,
        ContentType, DeclaredFacts, DeclaredPart, DerivedFrom, Filename, Integrity, IntegrityLevel,
        Labels, Lineage, MultipartUpload, ObjectAddress, ObjectKey, PartLayout, PartNumber,
        PiiFlag, PiiFlags, Provenance, RawAsset, RawAssetParts, Sha256Digest, SourceUri,
        UploadIntent,
    },
    event::{DatasetEvent, EventBody, RequestContext, RequestId, TraceId},
    ports::{CallerKey, IdempotencyKey, KeyedIntent, NewAsset, SinkName},
    service::PresignRequest,
    tenancy::{Environment, Principal, ReadAccess, Role, Scope, TenantId, UserId, WriteAccess},
    time::Timestamp,
};
use uuid::Uuid;

use crate::ids::v7;

/// Milliseconds from 1970 to [`now`].
const NOW_MILLIS: u64 = 1_795_482_000_000;

/// 2026-11-24T01:00:00Z.
#[must_use]
pub fn now() -> Timestamp {
    seconds_after(0)
}

/// [`now`] plus `seconds`, which may be negative.
#[must_use]
pub fn seconds_after(seconds: i64) -> Timestamp {
    let now = i64::try_from(NOW_MILLIS).unwrap() * 1000;
    Timestamp::from_micros(now + seconds * 1_000_000).unwrap()
}

/// The scope of these names.
#[must_use]
pub fn scope(tenant: &str, environment: &str) -> Scope {
    Scope {
        tenant: TenantId::parse(tenant).unwrap(),
        environment: Environment::parse(environment).unwrap(),
    }
}

/// The user `u_demo`.
#[must_use]
pub fn user() -> UserId {
    UserId::parse("u_demo").unwrap()
}

/// [`user`] as a member of `tenant` with a role.
#[must_use]
pub fn principal(tenant: &TenantId, role: Role) -> Principal {
    Principal::from_verified(user(), BTreeMap::from([(tenant.clone(), Some(role))]))
}

/// [`user`]'s permission to write in `scope`.
#[must_use]
pub fn access(scope: &Scope) -> WriteAccess {
    principal(&scope.tenant, Role::Owner)
        .authorize_write(scope)
        .unwrap()
}

/// [`user`]'s permission to read in `scope`.
#[must_use]
pub fn read_access(scope: &Scope) -> ReadAccess {
    principal(&scope.tenant, Role::Viewer)
        .authorize_read(scope)
        .unwrap()
}

/// The request of all sample values.
#[must_use]
pub fn context() -> RequestContext {
    RequestContext {
        trace_id: TraceId::parse("4bf92f3577b34da6a3ce929d0e0e4736").unwrap(),
        request_id: RequestId::parse("req-1").unwrap(),
    }
}

/// The `number`th of a sequence of distinct asset ids.
#[must_use]
pub fn asset_id(number: u64) -> AssetId {
    AssetId::from_uuid(v7(NOW_MILLIS, number))
}

/// The bucket `nexus-raw-test`.
#[must_use]
pub fn bucket() -> BucketName {
    BucketName::parse("nexus-raw-test").unwrap()
}

/// The default content of uploads.
pub const CONTENT: &[u8] = b"not quite a photograph";

/// The facts of [`CONTENT`] as a JPEG.
#[must_use]
pub fn facts() -> ContentFacts {
    facts_of(CONTENT)
}

/// The facts of `content` as a JPEG.
#[must_use]
pub fn facts_of(content: &[u8]) -> ContentFacts {
    ContentFacts {
        filename: Filename::parse("DSCN0010.jpg").unwrap(),
        content_type: ContentType::parse("image/jpeg").unwrap(),
        size_bytes: ByteSize::parse(u64::try_from(content.len()).unwrap()).unwrap(),
        sha256: Sha256Digest::of(content),
    }
}

/// An intent of [`facts`], requested at [`now`], for a day.
#[must_use]
pub fn intent(scope: &Scope, asset_id: AssetId) -> UploadIntent {
    intent_of(scope, asset_id, facts())
}

/// An intent of `facts`, requested at [`now`], for a day.
#[must_use]
pub fn intent_of(
    scope: &Scope,
    asset_id: AssetId,
    facts: impl Into<DeclaredFacts>,
) -> UploadIntent {
    let facts = facts.into();
    UploadIntent {
        asset_id,
        scope: scope.clone(),
        address: ObjectAddress {
            bucket: bucket(),
            key: ObjectKey::for_asset(scope, asset_id, &facts.filename),
        },
        facts,
        multipart: None,
        requested_by: user(),
        requested_at: now(),
        ends_at: now().saturating_add(Duration::from_hours(24)),
    }
}

/// An upload of [`CONTENT`] in three parts of at most eight bytes, whose digest is not stated yet.
#[must_use]
pub fn intent_in_parts(scope: &Scope, asset_id: AssetId) -> UploadIntent {
    UploadIntent {
        multipart: Some(MultipartUpload {
            part_size_bytes: ByteSize::parse(8).unwrap(),
            upload_id: None,
        }),
        ..intent_of(scope, asset_id, facts().with_sha256(None))
    }
}

/// The parts of [`CONTENT`] in an upload of [`intent_in_parts`].
#[must_use]
pub fn parts() -> Vec<DeclaredPart> {
    let parts = CONTENT.chunks(8).zip(1..);
    let parts = parts.map(|(bytes, number)| DeclaredPart {
        number: PartNumber::parse(number).unwrap(),
        size_bytes: ByteSize::parse(bytes.len().try_into().unwrap()).unwrap(),
        sha256: Sha256Digest::of(bytes),
    });
    parts.collect()
}

/// A provenance with everything except parents.
#[must_use]
pub fn provenance() -> Provenance {
    let labels = [("camera", "COOLPIX P6000"), ("project", "arezzo")];
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Provenance {
        captured_at: Some(CapturedAt::parse("2008-10-22T18:28:39+02:00").unwrap()),
        capture_location: Some(
            CaptureLocation::parse(43.467_448, 11.885_127, Some(-3.5), Some(12.0)).unwrap(),
        ),
        lineage: Lineage {
            derived_from: DerivedFrom::default(),
            source_uri: Some(SourceUri::parse("https://photos.example/DSCN0010.jpg").unwrap()),
            activity: Some(Activity::parse("import").unwrap()),
        },
        pii_flags: PiiFlags::parse(vec![PiiFlag::Location, PiiFlag::Face]).unwrap(),
        train_ok: true,
        labels: Labels::parse(labels.into()).unwrap(),
    }
}

/// A provenance with only these parents.
#[must_use]
pub fn derived_from(parents: &[AssetId]) -> Provenance {
    Provenance {
        lineage: Lineage {
            derived_from: DerivedFrom::parse(parents.to_vec()).unwrap(),
            ..Lineage::default()
        },
        ..Provenance::default()
    }
}

/// An intent and its registration with values that older rules accepted and today's refuse: the
/// user, the file name, the media type and the source.
#[must_use]
pub fn of_older_rules(scope: &Scope, asset_id: AssetId) -> (UploadIntent, NewAsset) {
    let facts = ContentFacts {
        filename: Filename::from_stored("a\u{fdd0}\u{202e}gpj.exe").unwrap(),
        content_type: ContentType::from_stored("text/plain;\tcharset=utf-8;").unwrap(),
        ..facts()
    };
    let intent = UploadIntent {
        requested_by: UserId::from_stored("u\u{202e}\u{2028}\u{ffff}demo").unwrap(),
        ..intent_of(scope, asset_id, facts)
    };
    let source = "javascript://user:password@host/?X-Amz-Signature=00#token=1";
    let provenance = Provenance {
        lineage: Lineage {
            source_uri: Some(SourceUri::from_stored(source).unwrap()),
            ..provenance().lineage
        },
        ..provenance()
    };
    let new = new_asset(&intent, provenance);
    (intent, new)
}

/// The event of the presign of `intent`.
#[must_use]
pub fn presigned(intent: &UploadIntent) -> EventBody {
    EventBody::presigned(
        intent,
        &intent.requested_by,
        &context(),
        intent.requested_at,
    )
}

/// The idempotency key `name` of [`user`], for presigns in `scope`.
#[must_use]
pub fn key(scope: &Scope, name: &str) -> CallerKey {
    CallerKey {
        scope: scope.clone(),
        user: user(),
        route: "presign-upload",
        key: IdempotencyKey::parse(name).unwrap(),
    }
}

/// The record of `intent` under `key`, for a request with its facts.
#[must_use]
pub fn keyed(key: &CallerKey, intent: &UploadIntent) -> KeyedIntent {
    let facts = intent.facts.clone();
    KeyedIntent {
        key: key.clone(),
        body_digest: PresignRequest::new(facts).digest(),
        intent: intent.clone(),
        event: presigned(intent),
    }
}

/// The registration of `intent` with `provenance`, a minute after [`now`].
#[must_use]
pub fn new_asset(intent: &UploadIntent, provenance: Provenance) -> NewAsset {
    new_asset_at(seconds_after(60), intent, provenance)
}

/// The registration of `intent` with `provenance` at `imported_at`.
#[must_use]
pub fn new_asset_at(
    imported_at: Timestamp,
    intent: &UploadIntent,
    provenance: Provenance,
) -> NewAsset {
    let provenance_digest = provenance.digest();
    let sha256 = intent.facts.sha256.unwrap_or_else(|| facts().sha256);
    let layout = intent.layout();
    let asset = RawAsset::from_parts(RawAssetParts {
        asset_id: intent.asset_id,
        scope: intent.scope.clone(),
        address: intent.address.clone(),
        facts: intent.facts.clone().with_sha256(sha256),
        provenance,
        imported_at,
        registered_by: intent.requested_by.clone(),
        integrity: Integrity {
            level: match layout {
                Some(_) => IntegrityLevel::S3CompositeSha256,
                None => IntegrityLevel::S3Sha256,
            },
            parts: layout.map(PartLayout::count),
            version_id: Some("3HL4kqtJvjVBH40Nrjfkd".to_owned()),
            etag: "5d41402abc4b2a76b9719d911017c592".to_owned(),
        },
    });
    NewAsset {
        event: EventBody::registered(&asset, &context()),
        asset,
        provenance_digest,
    }
}

/// The id of a scope's log, from which event ids are derived.
#[must_use]
pub fn log_id(scope: &Scope) -> Uuid {
    let name = format!("{}/{}", scope.tenant, scope.environment);
    Uuid::new_v5(&Uuid::from_u128(1), name.as_bytes())
}

/// A committed event: the presign of a sample intent, with this sequence in its scope.
#[must_use]
pub fn event(scope: &Scope, sequence: u64) -> DatasetEvent {
    DatasetEvent {
        event_id: DatasetEvent::id_at(log_id(scope), sequence),
        sequence,
        body: presigned(&intent(scope, asset_id(sequence))),
    }
}

/// The sink's name `log`.
#[must_use]
pub fn sink_name() -> SinkName {
    SinkName::parse("log").unwrap()
}
