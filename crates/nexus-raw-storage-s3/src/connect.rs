use std::{fmt, sync::Arc};

use nexus_raw::ports::{BoxError, Clock};

use crate::{
    connector::{connector, unpooled_connector},
    credentials::{CredentialsCell, CredentialsFailure, provider},
    deadlines::Deadlines,
    endpoint::BucketUrl,
    probe::{self, ProbeError},
    repository::S3RawStorageRepository,
    settings::S3Settings,
    store::{Connectors, Store},
    time::ClockTimeSource,
};

/// The error of connecting to a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Bucket, region and endpoint are not a valid address.
    #[error("bucket address is invalid")]
    Address(#[source] BoxError),
    /// No signing credentials are available.
    #[error("signing credentials are missing")]
    Credentials(#[source] CredentialsFailure),
}

/// A store that was not probed yet. Only its probe returns a repository.
pub struct UnprobedS3 {
    store: Arc<Store>,
}

impl UnprobedS3 {
    /// Loads credentials, and starts to renew them if they expire; sends nothing to the store. Must
    /// be called within the tokio runtime in which the repository will be used.
    ///
    /// `clock` dates every signature: it must be right to within a few minutes.
    ///
    /// # Errors
    /// When no credentials are available, or the settings are not a valid address.
    pub async fn connect(
        settings: S3Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConnectError> {
        let store = connect(settings, clock, Deadlines::default()).await?;
        Ok(Self { store })
    }

    /// The same, for a program that no caller waits for: its requests may take longer.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_unhurried(
        settings: S3Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConnectError> {
        let store = connect(settings, clock, Deadlines::default().unhurried()).await?;
        Ok(Self { store })
    }

    #[cfg(test)]
    pub(crate) fn on(store: Arc<Store>) -> Self {
        Self { store }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Probes the bucket with fixed keys under `nexus-raw-probe/v1/`, without deleting anything:
    /// whether it refuses invalid uploads, and whether its digests can be trusted.
    ///
    /// It may be called repeatedly, by several processes at once, and after any outcome.
    ///
    /// # Errors
    /// [`ProbeError::Unreachable`] when the store gave no clear answer, and a retry may help;
    /// [`ProbeError::Incompatible`] when the bucket or its configuration must be changed first.
    pub async fn probe(&self) -> Result<S3RawStorageRepository, ProbeError> {
        let report = probe::examine(&self.store).await?;
        Ok(S3RawStorageRepository::new(
            Arc::clone(&self.store),
            report.capabilities,
            report.notes,
        ))
    }
}

/// Loads credentials, and sends nothing.
pub(crate) async fn connect(
    settings: S3Settings,
    clock: Arc<dyn Clock>,
    deadlines: Deadlines,
) -> Result<Arc<Store>, ConnectError> {
    let bucket = BucketUrl::resolve(&settings)
        .await
        .map_err(ConnectError::Address)?;
    let source = provider(&settings, ClockTimeSource(Arc::clone(&clock))).await;
    let credentials = CredentialsCell::fill(source, Arc::clone(&clock))
        .await
        .map_err(ConnectError::Credentials)?;
    let connectors = Connectors {
        prompt: connector(deadlines),
        patient: connector(deadlines.patient()),
        once: unpooled_connector(deadlines.patient()),
    };
    let store = Store::new(settings, bucket, credentials, connectors, clock, deadlines);
    Ok(Arc::new(store))
}

impl fmt::Debug for UnprobedS3 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("UnprobedS3")
            .field("bucket", self.store.bucket())
            .finish_non_exhaustive()
    }
}
