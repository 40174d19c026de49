use std::net::Ipv4Addr;

use nexus_raw::ErrorChain;
use nexus_raw_config::EmbeddedSettings;
use nexus_raw_embedded_s3::{Credentials, EmbeddedS3, EmbeddedS3Handle, Settings, StartError};
use nexus_raw_storage_s3::S3Settings;
use slog::Logger;

use super::{Failure, failure::embedded_s3_key};

/// The object store of embedded mode: an in-process S3 server on `s3/` of the data directory. The
/// storage adapter connects to it over the network, as to any other store.
pub(super) struct EmbeddedStore(EmbeddedS3Handle);

impl EmbeddedStore {
    /// Returns its settings. The CORS origins of the API may also upload.
    pub(super) fn settings(
        embedded: &EmbeddedSettings,
        cors_origins: &[String],
        storage: &S3Settings,
    ) -> Result<Settings, Failure> {
        let Some(keys) = &storage.credentials else {
            return Err(Failure::Config(vec![
                "storage.access_key_id: is required in embedded mode".to_owned(),
            ]));
        };
        let credentials = Credentials {
            access_key_id: keys.access_key_id.clone(),
            secret_access_key: keys.secret_access_key.clone(),
        };
        let settings = Settings::new(embedded.data_dir.join("s3"), credentials)
            .with_bind(embedded.s3_bind)
            .with_region(storage.region.clone())
            .with_bucket(storage.bucket.as_str());
        let settings = cors_origins.iter().fold(settings, |settings, origin| {
            settings.with_cors_origin(origin.as_str())
        });
        match settings.check() {
            Ok(()) => Ok(settings),
            Err(error) => Err(Failure::of_key(embedded_s3_key(&error), &error)),
        }
    }

    /// Starts it and sets the endpoint of `storage` to its address.
    pub(super) fn start(settings: &Settings, storage: &mut S3Settings) -> Result<Self, Failure> {
        let server = EmbeddedS3::start(settings)?;
        storage.endpoint = server.endpoint().parse().ok();
        Ok(Self(server))
    }

    /// Starts it at any port, unless a running server has it: then `storage` gets the endpoint of
    /// that. For commands beside a server; outside embedded mode there is nothing to start.
    pub(super) fn beside(
        embedded: Option<&EmbeddedSettings>,
        settings: Option<&Settings>,
        storage: &mut S3Settings,
    ) -> Result<Option<Self>, Failure> {
        let (Some(embedded), Some(settings)) = (embedded, settings) else {
            return Ok(None);
        };
        let anywhere = settings.clone().with_bind((Ipv4Addr::LOCALHOST, 0).into());
        match Self::start(&anywhere, storage) {
            Ok(store) => return Ok(Some(store)),
            Err(Failure::EmbeddedS3(StartError::InUse { .. })) => {}
            Err(failure) => return Err(failure),
        }
        let address = embedded.s3_bind;
        let endpoint = format!("http://{address}").parse().ok();
        storage.endpoint = endpoint.filter(|_| address.port() != 0);
        if storage.endpoint.is_some() {
            return Ok(None);
        }
        Err(Failure::Config(vec![format!(
            "embedded.s3_bind: is {address}, so the port of the running server is unknown: set it to that"
        )]))
    }

    /// Returns its endpoint.
    pub(super) fn endpoint(&self) -> String {
        self.0.endpoint()
    }

    /// Resolves once a flush of the store to disk has failed.
    pub(super) fn medium_failed(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.medium_failed()
    }

    /// Waits for running uploads and stops it.
    pub(super) async fn stop(self, log: &Logger) {
        // blocks until its thread has ended
        let stopped = tokio::task::spawn_blocking(move || self.0.shutdown()).await;
        if let Ok(Err(error)) = stopped {
            slog::warn!(log, "embedded S3 server did not shut down cleanly"; "error" => ErrorChain(&error).to_string());
        }
    }
}
