//! A bucket and a catalogue that agree but for some planted differences of each kind, for the tests of
//! what compares them, on any store.

use std::{collections::BTreeSet, sync::Arc, thread, time::Duration};

use nexus_raw::{
    asset::{
        BucketName, ByteSize, ContentFacts, Integrity, IntegrityLevel, MultipartUpload, ObjectKey,
        Provenance, RawAsset, RawAssetParts, Sha256Digest, UploadId, UploadIntent,
    },
    event::EventBody,
    ports::{AssetCatalog, BegunUpload, NewAsset, RegisterOutcome},
    tenancy::Scope,
    time::Timestamp,
};

use crate::{
    FakeBucket,
    s3::{Endpoint, encode_path},
    sample, steps,
};

/// A bucket that may be written to by whom it belongs to.
pub trait PlantedBucket: Sync {
    /// Its name.
    fn name(&self) -> BucketName;

    /// Whether it has versions.
    fn is_versioned(&self) -> bool;

    /// Writes an object with these headers, and returns its entity tag and version.
    fn put(
        &self,
        key: &str,
        headers: &[(String, String)],
        content: &[u8],
    ) -> (String, Option<String>);

    /// Deletes an object: one version for good, or by a delete marker where there are versions.
    fn delete(&self, key: &str, version: Option<&str>);

    /// Begins an upload in parts.
    fn begin(&self, key: &str) -> String;
}

/// A bucket of an S3 server.
#[derive(Debug)]
pub struct ServerBucket {
    /// The server, with a key pair that may do anything.
    pub endpoint: Endpoint,
    /// The bucket's name.
    pub name: BucketName,
    /// Whether it has versions.
    pub is_versioned: bool,
}

impl ServerBucket {
    /// Gives versions to what is written from now on.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn enable_versions(&mut self) {
        let rule = b"<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
            <Status>Enabled</Status></VersioningConfiguration>";
        let target = format!("/{}?versioning", self.name);
        let enabled = self.endpoint.signed("PUT", &target, &[], rule);
        assert_eq!(enabled.error(), (200, String::new()));
        self.is_versioned = true;
    }

    fn target(&self, key: &str) -> String {
        format!("/{}/{}", self.name, encode_path(key))
    }
}

impl PlantedBucket for ServerBucket {
    fn name(&self) -> BucketName {
        self.name.clone()
    }

    fn is_versioned(&self) -> bool {
        self.is_versioned
    }

    fn put(
        &self,
        key: &str,
        headers: &[(String, String)],
        content: &[u8],
    ) -> (String, Option<String>) {
        let digest = Sha256Digest::of(content).to_base64();
        let mut all: Vec<(&str, &str)> = vec![("x-amz-checksum-sha256", &digest)];
        all.extend(headers.iter().map(|(name, value)| (&**name, &**value)));
        let stored = self
            .endpoint
            .signed("PUT", &self.target(key), &all, content);
        assert_eq!(stored.error(), (200, String::new()), "{key}");
        let etag = stored.header("etag").unwrap().trim_matches('"').to_owned();
        (etag, stored.header("x-amz-version-id").map(str::to_owned))
    }

    fn delete(&self, key: &str, version: Option<&str>) {
        let target = match version {
            Some(version) => format!("{}?versionId={version}", self.target(key)),
            None => self.target(key),
        };
        let deleted = self.endpoint.signed("DELETE", &target, &[], b"");
        assert_eq!(deleted.status, 204, "{key}: {:?}", deleted.error());
    }

    fn begin(&self, key: &str) -> String {
        let path = self.target(key);
        crate::s3::MultipartClient::begin(&self.endpoint, &path, &[]).upload_id
    }
}

impl PlantedBucket for FakeBucket {
    fn name(&self) -> BucketName {
        sample::bucket()
    }

    fn is_versioned(&self) -> bool {
        self.has_versions()
    }

    fn put(
        &self,
        key: &str,
        headers: &[(String, String)],
        content: &[u8],
    ) -> (String, Option<String>) {
        let stored = self.put_with(key, headers, content);
        (stored.etag, stored.version_id)
    }

    fn delete(&self, key: &str, version: Option<&str>) {
        match version {
            Some(_) => self.delete_version(key, version),
            None => FakeBucket::delete(self, key),
        }
    }

    fn begin(&self, key: &str) -> String {
        let id = Sha256Digest::of(key.as_bytes()).to_string();
        FakeBucket::begin(self, key, &id);
        id
    }
}

/// A difference: the name of its kind and its key.
pub type PlantedDifference = (String, String);

/// The kinds that every store can have.
const KINDS: [&str; 11] = [
    "unregistered",
    "uploaded_never_registered",
    "foreign",
    "missing_object",
    "size",
    "digest",
    "entity_tag",
    "content_type",
    "tenant_metadata",
    "foreign_header",
    "unknown_multipart",
];

/// The kinds of a bucket with versions.
const VERSIONED_KINDS: [&str; 3] = ["delete_marker", "version", "another_object"];

/// How many times each kind is planted.
const TIMES: u32 = 2;

/// The content of the `n`th object.
fn content(n: u32) -> Vec<u8> {
    format!("the content of object {n:07}").into_bytes()
}

/// What an object needs in the catalogue, and what is wrong with it.
#[derive(Default)]
struct Planting {
    intent: Option<UploadIntent>,
    begun: Option<BegunUpload>,
    record: Option<NewAsset>,
    wrong: Vec<PlantedDifference>,
}

/// Plants `objects` objects of several scopes, of which a few differ, each kind twice, and returns the
/// differences in order. `now` is the time by the clock of what compares them.
///
/// # Panics
/// If the bucket or the catalogue refuses.
pub async fn plant(
    bucket: &impl PlantedBucket,
    catalog: &Arc<dyn AssetCatalog>,
    objects: u32,
    now: Timestamp,
) -> Vec<PlantedDifference> {
    let mut kinds = KINDS.to_vec();
    if bucket.is_versioned() {
        kinds.extend(VERSIONED_KINDS);
    }
    let plants = u32::try_from(kinds.len()).unwrap() * TIMES;
    assert!(objects >= 2 * plants, "{objects} objects are too few");
    let distance = objects / plants;
    let kind_of = |n: u32| {
        let nth = usize::try_from(n / distance).unwrap();
        (n.is_multiple_of(distance) && n / distance < plants).then(|| kinds[nth % kinds.len()])
    };
    let mut wrong = BTreeSet::new();
    let all: Vec<u32> = (0..objects).collect();
    for batch in all.chunks(512) {
        let planted: Vec<Planting> = thread::scope(|threads| {
            let lanes = batch.chunks(64).map(|lane| {
                threads.spawn(move || {
                    let planted = lane.iter().map(|n| planting(bucket, *n, kind_of(*n), now));
                    planted.collect::<Vec<_>>()
                })
            });
            let lanes: Vec<_> = lanes.collect();
            let planted = lanes.into_iter().flat_map(|lane| lane.join().unwrap());
            planted.collect()
        });
        let mut writes = tokio::task::JoinSet::new();
        for planting in planted {
            wrong.extend(planting.wrong.iter().cloned());
            let catalog = Arc::clone(catalog);
            writes.spawn(async move { record(&*catalog, planting).await });
        }
        writes.join_all().await;
    }
    wrong.extend(beside(bucket, &**catalog, now).await);
    // by key, and then by kind as the report has them
    let mut wrong: Vec<PlantedDifference> = wrong.into_iter().collect();
    wrong.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
    wrong
}

async fn record(catalog: &dyn AssetCatalog, planting: Planting) {
    if let Some(intent) = &planting.intent {
        steps::presign(catalog, intent).await;
    }
    if let Some(begun) = planting.begun {
        assert!(catalog.record_upload(begun).await.unwrap().is_some());
    }
    if let Some(new) = planting.record {
        let outcome = catalog.register(new).await.unwrap();
        assert_eq!(outcome, RegisterOutcome::Registered);
    }
}

fn scope_of(n: u32) -> Scope {
    let (tenant, environment) = [("t_a", "dev"), ("t_a", "prod"), ("t_b", "dev")][n as usize % 3];
    sample::scope(tenant, environment)
}

/// The intent of the `n`th object, requested an hour ago for a day.
fn intent_of(bucket: &impl PlantedBucket, n: u32, now: Timestamp) -> UploadIntent {
    let mut intent = sample::intent_of(
        &scope_of(n),
        sample::asset_id(n.into()),
        sample::facts_of(&content(n)),
    );
    intent.address.bucket = bucket.name();
    let hour_ago = Timestamp::from_micros(now.as_micros() - 3_600_000_000).unwrap();
    UploadIntent {
        requested_at: hour_ago,
        ends_at: hour_ago.saturating_add(Duration::from_hours(24)),
        ..intent
    }
}

/// The headers of an upload.
fn headers(intent: &UploadIntent) -> Vec<(String, String)> {
    let metadata = intent.object_metadata().into_iter();
    let metadata = metadata.map(|(name, value)| (format!("x-amz-meta-{name}"), value));
    let content_type = intent.facts.content_type.as_str().to_owned();
    metadata
        .chain([("content-type".to_owned(), content_type)])
        .collect()
}

fn set(headers: &mut Vec<(String, String)>, name: &str, value: &str) {
    headers.retain(|(other, _)| other != name);
    headers.push((name.to_owned(), value.to_owned()));
}

/// Writes the `n`th object, with what is wrong with it.
fn planting(
    bucket: &impl PlantedBucket,
    n: u32,
    kind: Option<&'static str>,
    now: Timestamp,
) -> Planting {
    let mut intent = intent_of(bucket, n, now);
    let mut content = content(n);
    let key = intent.address.key.as_str().to_owned();
    let mut sent = headers(&intent);
    let mut changes: fn(&mut Integrity) = |_| {};
    match kind {
        Some("foreign_header") => set(&mut sent, "content-disposition", "attachment"),
        Some("tenant_metadata") => set(&mut sent, "x-amz-meta-tenant-id", "t_other"),
        Some("content_type") => set(&mut sent, "content-type", "image/png"),
        Some("size") => {
            let longer = intent.facts.size_bytes.get() + 1;
            intent.facts.size_bytes = ByteSize::parse(longer).unwrap();
        }
        Some("digest") => intent.facts.sha256 = Some(Sha256Digest::of(b"another content")),
        Some("entity_tag") => changes = |it| "0".repeat(32).clone_into(&mut it.etag),
        Some("uploaded_never_registered") => intent.ends_at = intent.requested_at,
        // on no store an empty content's digest is the declared one
        Some("foreign") => content = Vec::new(),
        _ => {}
    }
    let (etag, version_id) = bucket.put(&key, &sent, &content);
    let version = version_id.as_deref();
    match kind {
        Some("missing_object") => bucket.delete(&key, version),
        Some("delete_marker") => bucket.delete(&key, None),
        Some("version") => {
            bucket.put(&key, &sent, b"another object");
            bucket.delete(&key, version);
        }
        Some("another_object") => drop(bucket.put(&key, &sent, b"another object")),
        Some("unknown_multipart") => drop(bucket.begin(&key)),
        _ => {}
    }
    let mut planting = Planting {
        wrong: kind
            .map(|kind| (kind.to_owned(), key))
            .into_iter()
            .collect(),
        ..Planting::default()
    };
    if !matches!(
        kind,
        Some("unregistered" | "uploaded_never_registered" | "foreign")
    ) {
        let mut integrity = Integrity {
            level: IntegrityLevel::S3Sha256,
            version_id,
            etag,
            parts: None,
        };
        changes(&mut integrity);
        planting.record = Some(registration(&intent, integrity));
    }
    planting.intent = (kind != Some("foreign")).then_some(intent);
    planting
}

/// The registration of an intent with this proof.
#[must_use]
pub fn registration(intent: &UploadIntent, integrity: Integrity) -> NewAsset {
    let provenance = Provenance::default();
    let provenance_digest = provenance.digest();
    let sha256 = intent
        .facts
        .sha256
        .unwrap_or_else(|| sample::facts().sha256);
    let facts: ContentFacts = intent.facts.clone().with_sha256(sha256);
    let asset = RawAsset::from_parts(RawAssetParts {
        asset_id: intent.asset_id,
        scope: intent.scope.clone(),
        address: intent.address.clone(),
        facts,
        provenance,
        imported_at: intent.requested_at,
        registered_by: intent.requested_by.clone(),
        integrity,
    });
    NewAsset {
        event: EventBody::registered(&asset, &sample::context()),
        asset,
        provenance_digest,
    }
}

/// What is beside the objects: no difference, or a foreign object whose name is no key or whose
/// metadata lies.
async fn beside(
    bucket: &impl PlantedBucket,
    catalog: &dyn AssetCatalog,
    now: Timestamp,
) -> Vec<PlantedDifference> {
    const BESIDE: u32 = 10_000_000;
    let none = [];
    let mut wrong = Vec::new();
    let lie = headers(&intent_of(bucket, 1, now));
    for (key, headers) in [
        ("tenants/notes.txt", &none[..]),
        ("tenants/t_a/dev/raw/not-an-id/a b+c%20ü.jpg", &none),
        ("tenants/T_A/dev/raw/x", &none),
        (
            "tenants/t_a/dev/raw/01930000-0000-7000-8000-000000000000/lie.jpg",
            &lie,
        ),
    ] {
        bucket.put(key, headers, b"by hand");
        wrong.push(("foreign".to_owned(), key.to_owned()));
    }
    // another name in the place of an asset
    let known = intent_of(bucket, 2, now);
    let other = format!(
        "{}/other.jpg",
        ObjectKey::prefix_of(&known.scope, known.asset_id)
    );
    bucket.put(&other, &headers(&known), b"by hand");
    wrong.push(("foreign".to_owned(), other));
    let nowhere = "tenants/t_a/dev/raw/01930000-0000-7000-8000-000000000001/nowhere.jpg";
    bucket.begin(nowhere);
    wrong.push(("unknown_multipart".to_owned(), nowhere.to_owned()));
    // outside what is compared
    bucket.put("nexus-raw-probe/v1/by-hand", &none, b"by hand");

    // intents without an object, and an upload in parts that is under way
    let open = intent_of(bucket, BESIDE, now);
    let ended = UploadIntent {
        ends_at: open.requested_at,
        ..intent_of(bucket, BESIDE + 1, now)
    };
    for intent in [open, ended] {
        let intent = Some(intent);
        let planting = Planting {
            intent,
            ..Planting::default()
        };
        record(catalog, planting).await;
    }
    let under_way = UploadIntent {
        multipart: Some(MultipartUpload {
            part_size_bytes: ByteSize::parse(8).unwrap(),
            upload_id: None,
        }),
        ..intent_of(bucket, BESIDE + 2, now)
    };
    let upload_id = bucket.begin(under_way.address.key.as_str());
    let begun = BegunUpload {
        scope: under_way.scope.clone(),
        asset_id: under_way.asset_id,
        instead_of: None,
        upload_id: UploadId::parse(&upload_id).unwrap(),
    };
    let planting = Planting {
        intent: Some(under_way),
        begun: Some(begun),
        ..Planting::default()
    };
    record(catalog, planting).await;
    wrong
}
