//! The service on its real adapters, put together for one machine.

use std::{error::Error, path::Path, sync::Arc};

use nexus_raw::{
    asset::BucketName,
    net::TrustedUrl,
    ports::{AssetIds, Clock, DatasetEventSink},
    service::RawStorageService,
    system::{SystemAssetIds, SystemClock},
};
use nexus_raw_catalog_sql::{ObjectStoreIdentity, SqlAssetCatalog, SqlCatalogSettings};
use nexus_raw_embedded_s3::{Credentials, EmbeddedS3, EmbeddedS3Handle, Settings};
use nexus_raw_events::{Relay, RelaySettings};
use nexus_raw_storage_s3::{S3Settings, ServerSideEncryption, StaticCredentials, UnprobedS3};
use tokio::{
    sync::oneshot,
    task::{JoinHandle, spawn_blocking},
};

const REGION: &str = "eu-central-1";
const BUCKET: &str = "photo-engine";

/// The service, with a store, a catalogue and a relay of its own.
pub struct Engine {
    service: RawStorageService,
    catalog: Arc<SqlAssetCatalog>,
    store: EmbeddedS3Handle,
    relay: JoinHandle<()>,
    stop_relay: oneshot::Sender<()>,
}

impl Engine {
    /// Starts everything in `directory`, and delivers events to `sinks`. `secret` signs the uploads:
    /// the same at each start, and nobody else's.
    ///
    /// # Errors
    /// When a part does not start: each error says which, and what to do.
    pub async fn start(
        directory: &Path,
        secret: &str,
        sinks: Vec<Arc<dyn DatasetEventSink>>,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let clock = Arc::new(SystemClock);
        let bucket = BucketName::parse(BUCKET)?;

        // on a platform the store is there already
        let access_key_id = "photo-engine".to_owned();
        let settings = Settings::new(
            directory.join("objects"),
            Credentials {
                access_key_id: access_key_id.clone(),
                secret_access_key: secret.into(),
            },
        )
        .with_region(REGION)
        .with_bucket(BUCKET);
        let store = spawn_blocking(move || EmbeddedS3::start(&settings)).await??;
        let repository = UnprobedS3::connect(
            S3Settings {
                bucket: bucket.clone(),
                region: REGION.to_owned(),
                endpoint: Some(TrustedUrl::parse(&store.endpoint())?),
                force_path_style: true,
                credentials: Some(StaticCredentials {
                    access_key_id,
                    secret_access_key: secret.into(),
                }),
                server_side_encryption: ServerSideEncryption::None,
                expected_bucket_owner: None,
                require_versioning: false,
                allow_unsigned_headers: false,
            },
            clock.clone(),
        )
        .await?
        .probe()
        .await?;

        let catalog = SqlAssetCatalog::open(SqlCatalogSettings {
            url: format!("sqlite:{}", directory.join("catalog.sqlite").display()),
            max_connections: SqlCatalogSettings::MAX_CONNECTIONS,
            object_store: ObjectStoreIdentity {
                // a name of the store that stays, while its port changes at each start
                endpoint: Some("embedded".to_owned()),
                region: REGION.to_owned(),
                bucket,
            },
        })
        .await?;
        let catalog = Arc::new(catalog);

        let owner = SystemAssetIds.next(clock.now()).as_uuid();
        let relay = Relay::new(
            catalog.clone(),
            sinks,
            clock.clone(),
            owner,
            RelaySettings::default(),
        )?;
        let (stop_relay, stopped) = oneshot::channel();
        let relay = tokio::spawn(async move {
            relay
                .run(async {
                    // an engine that was dropped has no more to deliver either
                    let _ = stopped.await;
                })
                .await;
        });

        Ok(Self {
            service: RawStorageService::new(
                Arc::new(repository),
                catalog.clone(),
                clock,
                Arc::new(SystemAssetIds),
            ),
            catalog,
            store,
            relay,
            stop_relay,
        })
    }

    /// The service: presign, register, read.
    #[must_use]
    pub fn service(&self) -> &RawStorageService {
        &self.service
    }

    /// Resolves once a disk has failed. The process should end then: what the disk holds is known
    /// only to a new start.
    pub async fn failed(&self) {
        tokio::select! {
            () = self.catalog.failed() => {}
            () = self.store.medium_failed() => {}
        }
    }

    /// Finishes what is under way, in the order in which one part needs the other.
    ///
    /// # Errors
    /// When a part did not end as it should.
    pub async fn stop(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        // a relay that has ended has no receiver
        let _ = self.stop_relay.send(());
        self.relay.await?;
        self.catalog.close().await;
        spawn_blocking(|| self.store.shutdown()).await??;
        Ok(())
    }
}
