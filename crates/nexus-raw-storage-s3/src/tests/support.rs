//! Intents, settings and stores of the tests.

use std::{sync::Arc, time::Duration};

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use nexus_raw::{
    asset::{
        AssetId, BucketName, ByteSize, CapturedAt, ContentFacts, ContentType, Filename,
        ObjectAddress, ObjectKey, Sha256Digest, UploadIntent,
    },
    ports::{Clock, StoreCapabilities, UploadTerms},
    tenancy::{Environment, Scope, TenantId, UserId},
    time::Timestamp,
};
use secrecy::SecretString;
use tokio::time::Instant;

use crate::{
    S3RawStorageRepository, S3Settings, ServerSideEncryption, StaticCredentials,
    connector::connector,
    credentials::{CredentialsCell, CredentialsSource},
    deadlines::Deadlines,
    endpoint::BucketUrl,
    store::{Connectors, Store},
};

/// Never to be seen in any text.
pub(super) const ACCESS_KEY: &str = "AKIACANARYCANARY";
pub(super) const SECRET_KEY: &str = "secret/canary+secret/canary";
pub(super) const SESSION_TOKEN: &str = "token/canary+token==";

pub(super) fn at(text: &str) -> Timestamp {
    CapturedAt::parse(text).unwrap().at()
}

pub(super) fn now() -> Timestamp {
    at("2026-11-24T01:00:00.75Z")
}

/// A clock that goes with the runtime's time, which tests pause.
#[derive(Debug)]
pub(super) struct RuntimeClock(Instant);

impl RuntimeClock {
    /// A clock that shows [`now`] at this moment.
    pub(super) fn start() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        now().saturating_add(self.0.elapsed())
    }
}

pub(super) fn settings() -> S3Settings {
    S3Settings {
        bucket: BucketName::parse("nexus-raw").unwrap(),
        region: "eu-central-1".to_owned(),
        endpoint: None,
        force_path_style: false,
        credentials: Some(StaticCredentials {
            access_key_id: ACCESS_KEY.to_owned(),
            secret_access_key: SecretString::from(SECRET_KEY),
        }),
        server_side_encryption: ServerSideEncryption::None,
        expected_bucket_owner: None,
        require_versioning: false,
        allow_unsigned_headers: false,
    }
}

pub(super) fn settings_for(endpoint: &str) -> S3Settings {
    S3Settings {
        endpoint: Some(endpoint.parse().unwrap()),
        force_path_style: true,
        ..settings()
    }
}

pub(super) fn static_credentials() -> Credentials {
    Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "tests")
}

pub(super) fn intent(bucket: &BucketName, filename: &str) -> UploadIntent {
    let scope = Scope {
        tenant: TenantId::parse("t_demo").unwrap(),
        environment: Environment::parse("dev").unwrap(),
    };
    let asset_id = AssetId::parse("019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11").unwrap();
    let filename = Filename::parse(filename).unwrap();
    UploadIntent {
        asset_id,
        address: ObjectAddress {
            bucket: bucket.clone(),
            key: ObjectKey::for_asset(&scope, asset_id, &filename),
        },
        scope,
        facts: ContentFacts {
            filename,
            content_type: ContentType::parse("image/jpeg").unwrap(),
            size_bytes: ByteSize::parse(161_713).unwrap(),
            sha256: Some(Sha256Digest::of(b"abc")),
        },
        multipart: None,
        requested_by: UserId::parse("u_demo").unwrap(),
        requested_at: now(),
        ends_at: now().saturating_add(Duration::from_hours(24)),
    }
}

pub(super) fn terms(intent: &UploadIntent) -> UploadTerms<'_> {
    UploadTerms {
        intent,
        sha256: intent.facts.sha256.unwrap(),
        now: now(),
        ttl: Duration::from_mins(15),
    }
}

/// A store on `connector`, signing with `credentials`.
pub(super) async fn store_on(
    settings: S3Settings,
    credentials: Credentials,
    connector: SharedHttpConnector,
    deadlines: Deadlines,
) -> Arc<Store> {
    let clock: Arc<dyn Clock> = RuntimeClock::start();
    let bucket = BucketUrl::resolve(&settings).await.unwrap();
    let source = CredentialsSource::new(credentials);
    let cell = CredentialsCell::fill(source, Arc::clone(&clock))
        .await
        .unwrap();
    let connectors = Connectors::one(connector);
    Arc::new(Store::new(
        settings, bucket, cell, connectors, clock, deadlines,
    ))
}

/// A repository that was never probed.
pub(super) fn repository_of(store: Arc<Store>) -> S3RawStorageRepository {
    let capabilities = StoreCapabilities {
        enforces_sha256: true,
        keeps_octet_stream: true,
        honours_response_headers: true,
        proves_parts: true,
    };
    S3RawStorageRepository::new(store, capabilities, Vec::new())
}

/// A repository that signs, without a store.
pub(super) async fn signing_repository(
    settings: S3Settings,
    credentials: Credentials,
) -> S3RawStorageRepository {
    let deadlines = Deadlines::default();
    repository_of(store_on(settings, credentials, connector(deadlines), deadlines).await)
}
