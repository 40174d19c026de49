use std::{fmt, sync::Arc};

use nexus_raw::ports::{BoxError, Clock};

use crate::{
    connector::connector,
    credentials::{CredentialsCell, CredentialsFailure, provider},
    deadlines::Deadlines,
    endpoint::BucketUrl,
    probe::{self, ProbeError},
    repository::S3RawStorageRepository,
    settings::S3Settings,
    store::Store,
    time::ClockTimeSource,
};

/// Why there is nothing to ask a store with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Bucket, region and endpoint do not make a place of a store.
    #[error("the bucket cannot be addressed")]
    Address(#[source] BoxError),
    /// There is nothing to sign with.
    #[error("there are no credentials to sign with")]
    Credentials(#[source] CredentialsFailure),
}

/// A store of which nothing is known yet. The only way to a repository is through its probe.
pub struct UnprobedS3 {
    store: Arc<Store>,
}

impl UnprobedS3 {
    /// Gets credentials, and starts to renew them early where they end; sends nothing to the
    /// store. Must be called within the tokio runtime in which the repository will be used.
    ///
    /// `clock` dates every signature: it must be right to within a few minutes.
    ///
    /// # Errors
    /// When there are no credentials to be had, or the settings do not make an address.
    pub async fn connect(
        settings: S3Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConnectError> {
        let bucket = BucketUrl::resolve(&settings)
            .await
            .map_err(ConnectError::Address)?;
        let source = provider(&settings, ClockTimeSource(Arc::clone(&clock))).await;
        let credentials = CredentialsCell::fill(source, Arc::clone(&clock))
            .await
            .map_err(ConnectError::Credentials)?;
        let deadlines = Deadlines::default();
        let connector = connector(deadlines);
        let store = Store::new(settings, bucket, credentials, connector, clock, deadlines);
        Ok(Self {
            store: Arc::new(store),
        })
    }

    /// Tries the bucket on fixed keys under `nexus-raw-probe/v1/` and deletes nothing: whether
    /// it refuses what no upload may do, and whether its digests can be believed.
    ///
    /// It may be called again, by several processes at once, and after any outcome.
    ///
    /// # Errors
    /// [`ProbeError::Unreachable`] when the store gave no clear answer and may later;
    /// [`ProbeError::Unfit`] when the bucket or its configuration must be changed first.
    pub async fn probe(&self) -> Result<S3RawStorageRepository, ProbeError> {
        let report = probe::examine(&self.store).await?;
        Ok(S3RawStorageRepository::new(
            Arc::clone(&self.store),
            report.capabilities,
            report.notes,
        ))
    }
}

impl fmt::Debug for UnprobedS3 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("UnprobedS3")
            .field("bucket", self.store.bucket())
            .finish_non_exhaustive()
    }
}
