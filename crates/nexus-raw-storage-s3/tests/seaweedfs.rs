//! The adapter on SeaweedFS: the contract of the port, and the probe.

#![expect(clippy::unwrap_used, reason = "a test ends where its support fails")]

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use nexus_raw::{
    ports::{Clock, RawStorageRepository, StoreCapabilities},
    time::Timestamp,
};
use nexus_raw_storage_s3::{S3Settings, UnprobedS3};
use nexus_raw_testkit::{
    HttpRequest, SeaweedFs, contract::storage::StorageHarness, storage_contract,
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

#[async_trait]
impl StorageHarness for OnSeaweedFs {
    async fn open(&self) -> Arc<dyn RawStorageRepository> {
        let unprobed = self.unprobed(self.settings()).await;
        Arc::new(unprobed.probe().await.unwrap())
    }

    fn now(&self) -> Timestamp {
        support::WallClock.now()
    }

    async fn send(&self, request: HttpRequest) -> u16 {
        support::send(request).await
    }
}

storage_contract!(OnSeaweedFs::new());

#[tokio::test]
async fn the_probe_finds_it_fit_however_often_it_is_asked() {
    let harness = OnSeaweedFs::new();
    let unprobed = harness.unprobed(harness.settings()).await;
    for _ in 0..2 {
        let repository = unprobed.probe().await.unwrap();
        // it answers by the key's ending for application/octet-stream
        assert_eq!(
            repository.capabilities(),
            StoreCapabilities {
                enforces_sha256: true,
                keeps_octet_stream: false,
            }
        );
        assert_eq!(
            repository.notes(),
            [
                "the store refuses bytes that differ from their signed SHA-256: its digests are believed",
                "the store answers another type for what was uploaded as application/octet-stream: that type is not compared",
            ]
        );
    }
}
