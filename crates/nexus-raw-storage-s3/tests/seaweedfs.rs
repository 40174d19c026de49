//! The adapter on SeaweedFS: the contract of the port, and the probe.

#![expect(clippy::unwrap_used, reason = "a test ends where its support fails")]

mod support;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_s3::{
    Client, Config,
    config::{BehaviorVersion, Region},
    types::{BucketVersioningStatus, VersioningConfiguration},
};
use nexus_raw::{
    asset::{
        Disposition, Integrity, IntegrityLevel, Provenance, RawAsset, RawAssetParts, UploadIntent,
    },
    ports::{
        Clock, DownloadTerms, HashOutcome, PinnedObject, RawStorageRepository, StoreCapabilities,
        UploadTerms,
    },
    time::Timestamp,
};
use nexus_raw_storage_s3::{ProbeError, S3RawStorageRepository, S3Settings, UnprobedS3};
use nexus_raw_testkit::{
    HttpRequest, SeaweedFs, contract::storage::StorageHarness, s3::Answer, sample,
    storage_contract, storage_parts_contract,
};

struct OnSeaweedFs(Arc<SeaweedFs>);

impl OnSeaweedFs {
    fn new() -> Self {
        Self(SeaweedFs::shared())
    }

    fn settings(&self) -> S3Settings {
        support::settings(
            &self.0.endpoint(),
            SeaweedFs::BUCKET,
            SeaweedFs::ACCESS_KEY_ID,
            SeaweedFs::SECRET_ACCESS_KEY,
        )
    }

    async fn unprobed(&self, settings: S3Settings) -> UnprobedS3 {
        UnprobedS3::connect(settings, support::clock())
            .await
            .unwrap()
    }
}

/// Probes again where the store does not answer in time, as the service does at its start.
async fn probed(unprobed: &UnprobedS3) -> S3RawStorageRepository {
    for _ in 0..4 {
        match unprobed.probe().await {
            Err(ProbeError::Unreachable(_)) => {}
            done => return done.unwrap(),
        }
    }
    unprobed.probe().await.unwrap()
}

#[async_trait]
impl StorageHarness for OnSeaweedFs {
    async fn open(&self) -> Arc<dyn RawStorageRepository> {
        let unprobed = self.unprobed(self.settings()).await;
        Arc::new(probed(&unprobed).await)
    }

    fn now(&self) -> Timestamp {
        support::WallClock.now()
    }

    async fn send(&self, request: HttpRequest) -> u16 {
        support::send(request).await
    }

    /// It completes no smaller ones.
    fn part_bytes(&self) -> u64 {
        5 * 1024 * 1024
    }

    async fn get(&self, url: &str) -> Answer {
        support::get(url).await
    }
}

storage_contract!(OnSeaweedFs::new());
storage_parts_contract!(OnSeaweedFs::new());

#[tokio::test]
async fn the_probe_finds_it_fit_every_time() {
    let harness = OnSeaweedFs::new();
    let unprobed = harness.unprobed(harness.settings()).await;
    for _ in 0..2 {
        let repository = probed(&unprobed).await;
        // it answers by the key's ending for application/octet-stream
        assert_eq!(
            repository.capabilities(),
            StoreCapabilities {
                enforces_sha256: true,
                keeps_octet_stream: false,
                honours_response_headers: true,
                proves_parts: true,
            }
        );
        assert_eq!(
            repository.notes(),
            [
                "the store refuses bytes that differ from their signed SHA-256: its digests are trusted",
                "the store returns another type for uploads of application/octet-stream: that type is not compared",
                "the store does not compare the length that a completion states: it is compared afterwards",
            ]
        );
    }
}

/// A server of its own, with versioning enabled in its bucket.
async fn versioned() -> OnSeaweedFs {
    let harness = OnSeaweedFs(Arc::new(SeaweedFs::start()));
    let versioning = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Enabled)
        .build();
    client(&harness)
        .put_bucket_versioning()
        .bucket(SeaweedFs::BUCKET)
        .versioning_configuration(versioning)
        .send()
        .await
        .unwrap();
    harness
}

/// The SDK's own client, for what the adapter never does.
fn client(harness: &OnSeaweedFs) -> Client {
    let credentials = aws_credential_types::Credentials::new(
        SeaweedFs::ACCESS_KEY_ID,
        SeaweedFs::SECRET_ACCESS_KEY,
        None,
        None,
        "tests",
    );
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .endpoint_url(harness.0.endpoint())
        .force_path_style(true)
        .credentials_provider(credentials)
        .build();
    Client::from_conf(config)
}

#[tokio::test]
async fn versioning_is_found_where_it_is_required() {
    let harness = OnSeaweedFs::new();
    let required = S3Settings {
        require_versioning: true,
        ..harness.settings()
    };
    let Err(ProbeError::Incompatible { findings }) = harness.unprobed(required).await.probe().await
    else {
        panic!("the bucket has no versioning");
    };
    assert_eq!(
        findings,
        ["bucket nexus-raw has no versioning: enable it, or unset storage.require_versioning"]
    );
    let harness = versioned().await;
    let required = S3Settings {
        require_versioning: true,
        ..harness.settings()
    };
    harness.unprobed(required).await.probe().await.unwrap();
}

/// The promise of the sample's content in a bucket, uploaded.
async fn uploaded(harness: &OnSeaweedFs, repository: &dyn RawStorageRepository) -> UploadIntent {
    let scope = sample::scope("t_a", "dev");
    let now = Timestamp::from_micros(harness.now().as_unix_seconds() * 1_000_000).unwrap();
    let mut intent = sample::intent(&scope, sample::asset_id(1));
    intent.address.bucket = repository.bucket().clone();
    intent.ends_at = now.saturating_add(Duration::from_hours(1));
    let terms = UploadTerms {
        intent: &intent,
        sha256: sample::facts().sha256,
        now,
        ttl: Duration::from_mins(1),
    };
    let upload = repository.presign_upload(terms).await.unwrap();
    let request = HttpRequest {
        method: upload.method.to_owned(),
        url: upload.url.expose().to_owned(),
        headers: upload.headers,
        body: sample::CONTENT.to_vec(),
    };
    assert_eq!(harness.send(request).await, 200);
    intent
}

/// Writes other bytes to the key of `intent`, as an administrator could.
async fn overwrite(harness: &OnSeaweedFs, intent: &UploadIntent) {
    let written = client(harness)
        .put_object()
        .bucket(SeaweedFs::BUCKET)
        .key(intent.address.key.as_str())
        .content_type("text/html")
        .body(b"something else".to_vec().into())
        .send()
        .await
        .unwrap();
    assert!(written.version_id.is_some());
}

/// Deletes the object of `intent`, or one version of it for good.
async fn delete(harness: &OnSeaweedFs, intent: &UploadIntent, version_id: Option<&str>) {
    client(harness)
        .delete_object()
        .bucket(SeaweedFs::BUCKET)
        .key(intent.address.key.as_str())
        .set_version_id(version_id.map(str::to_owned))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn in_a_versioned_bucket_the_version_is_returned_and_a_deleted_object_is_absent() {
    let harness = versioned().await;
    let repository = harness.open().await;
    let intent = uploaded(&harness, &*repository).await;
    let stored = repository.stat(&intent.address).await.unwrap().unwrap();
    assert_ne!(stored.version_id.unwrap(), "null");
    delete(&harness, &intent, None).await;
    assert_eq!(repository.stat(&intent.address).await.unwrap(), None);
}

#[tokio::test]
async fn in_a_versioned_bucket_exactly_the_pinned_version_is_hashed() {
    let harness = versioned().await;
    let repository = harness.open().await;
    let intent = uploaded(&harness, &*repository).await;
    let stored = repository.stat(&intent.address).await.unwrap().unwrap();
    let object = PinnedObject::of(&intent, &stored);
    let hash = async || repository.hash(&object).await.unwrap();
    // also under later versions and delete markers
    for _ in 0..2 {
        assert_eq!(hash().await, HashOutcome::Hashed(sample::facts().sha256));
        delete(&harness, &intent, None).await;
    }
    delete(&harness, &intent, object.version_id.as_deref()).await;
    assert_eq!(hash().await, HashOutcome::Gone);
}

#[tokio::test]
async fn in_a_versioned_bucket_exactly_the_pinned_version_is_downloaded() {
    let harness = versioned().await;
    let repository = harness.open().await;
    let intent = uploaded(&harness, &*repository).await;
    let stored = repository.stat(&intent.address).await.unwrap().unwrap();
    let object = PinnedObject::of(&intent, &stored);
    let asset = RawAsset::from_parts(RawAssetParts {
        asset_id: intent.asset_id,
        scope: intent.scope.clone(),
        address: intent.address.clone(),
        facts: sample::facts(),
        provenance: Provenance::default(),
        imported_at: intent.requested_at,
        registered_by: intent.requested_by.clone(),
        integrity: Integrity {
            level: IntegrityLevel::S3Sha256,
            version_id: object.version_id.clone(),
            etag: object.etag.clone(),
            parts: None,
        },
    });
    let terms = DownloadTerms {
        asset: &asset,
        disposition: Disposition::Attachment,
        now: harness.now(),
        ttl: Duration::from_mins(10),
        not_after: None,
    };
    let download = repository.presign_download(terms).await.unwrap();
    let get = async || harness.get(download.url.expose()).await;
    // the first download is of the only version
    for _ in 0..2 {
        let answer = get().await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some("image/jpeg"))
        );
        assert_eq!(answer.body, sample::CONTENT);
        overwrite(&harness, &intent).await;
    }
    delete(&harness, &intent, None).await;
    assert_eq!(get().await.body, sample::CONTENT);
    delete(&harness, &intent, object.version_id.as_deref()).await;
    assert_eq!(get().await.status, 404);
}
