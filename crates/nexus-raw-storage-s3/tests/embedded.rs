//! The adapter on the embedded server: the contract of the port, and the probe of stores that
//! break their word.

#![expect(clippy::unwrap_used, reason = "a test ends where its support fails")]

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use nexus_raw::{
    ports::{Clock, RawStorageRepository, StoreCapabilities},
    time::Timestamp,
};
use nexus_raw_embedded_s3::{Credentials, EmbeddedS3, EmbeddedS3Handle, Lie, Settings};
use nexus_raw_storage_s3::{ProbeError, S3RawStorageRepository, S3Settings, UnprobedS3};
use nexus_raw_testkit::{HttpRequest, contract::storage::StorageHarness, storage_contract};
use secrecy::SecretString;
use tempfile::TempDir;

struct OnEmbedded {
    server: EmbeddedS3Handle,
    _directory: TempDir,
}

impl OnEmbedded {
    fn new() -> Self {
        Self::telling(&[])
    }

    fn telling(lies: &[Lie]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let credentials = Credentials {
            access_key_id: "AKIAEMBEDDED".to_owned(),
            secret_access_key: SecretString::from("embedded-secret"),
        };
        let mut settings = Settings::new(directory.path(), credentials).with_bucket("nexus-raw");
        for lie in lies {
            settings = settings.with_lie(*lie);
        }
        Self {
            server: EmbeddedS3::start(&settings).unwrap(),
            _directory: directory,
        }
    }

    fn settings(&self) -> S3Settings {
        support::settings(
            &self.server.endpoint(),
            "nexus-raw",
            "AKIAEMBEDDED",
            "embedded-secret",
        )
    }

    async fn probe(&self) -> Result<S3RawStorageRepository, ProbeError> {
        probe(self.settings()).await
    }
}

async fn probe(settings: S3Settings) -> Result<S3RawStorageRepository, ProbeError> {
    let unprobed = UnprobedS3::connect(settings, support::clock())
        .await
        .unwrap();
    unprobed.probe().await
}

#[async_trait]
impl StorageHarness for OnEmbedded {
    async fn open(&self) -> Arc<dyn RawStorageRepository> {
        Arc::new(self.probe().await.unwrap())
    }

    fn now(&self) -> Timestamp {
        support::WallClock.now()
    }

    async fn send(&self, request: HttpRequest) -> u16 {
        support::send(request).await
    }
}

storage_contract!(OnEmbedded::new());

fn findings<T>(outcome: Result<T, ProbeError>) -> Vec<String> {
    match outcome {
        Err(ProbeError::Unfit { findings }) => findings,
        Err(ProbeError::Unreachable(source)) => vec![format!("unreachable: {source}")],
        Err(other) => vec![other.to_string()],
        Ok(_) => Vec::new(),
    }
}

#[tokio::test]
async fn a_store_that_keeps_its_word_is_fit_however_often_it_is_asked() {
    let store = OnEmbedded::new();
    for _ in 0..2 {
        let repository = store.probe().await.unwrap();
        assert_eq!(
            repository.capabilities(),
            StoreCapabilities {
                enforces_sha256: true,
                keeps_octet_stream: true,
            }
        );
        assert_eq!(
            repository.notes(),
            [
                "the store refuses bytes that differ from their signed SHA-256: its digests are believed"
            ]
        );
    }
}

#[tokio::test]
async fn probes_that_run_at_once_do_not_disturb_each_other() {
    let store = OnEmbedded::new();
    let (one, two, three) = tokio::join!(store.probe(), store.probe(), store.probe());
    assert_eq!(
        [findings(one), findings(two), findings(three)],
        [const { Vec::<String>::new() }; 3]
    );
}
