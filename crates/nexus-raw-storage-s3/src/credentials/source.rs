use std::time::Duration;

use aws_config::{
    default_provider::credentials::DefaultCredentialsChain, provider_config::ProviderConfig,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError},
};
use aws_sdk_s3::config::{BehaviorVersion, Region};
use secrecy::ExposeSecret;

use crate::{settings::S3Settings, time::ClockTimeSource};

/// Longer than any provider of the chain takes to report that it has no credentials.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The error of loading credentials. A provider's own error can contain the output of a credential
/// process, so only the kind is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsFailure {
    /// No provider of the chain has credentials.
    #[error("no credentials are configured or provided by the machine")]
    Absent,
    /// The provider's configuration is invalid.
    #[error("credentials provider configuration is invalid")]
    Misconfigured,
    /// The provider failed.
    #[error("credentials provider failed")]
    Failed,
    /// The provider timed out.
    #[error("credentials provider timed out")]
    Timeout,
}

impl From<CredentialsError> for CredentialsFailure {
    fn from(error: CredentialsError) -> Self {
        match error {
            CredentialsError::CredentialsNotLoaded(_) => Self::Absent,
            CredentialsError::InvalidConfiguration(_) => Self::Misconfigured,
            CredentialsError::ProviderTimedOut(_) => Self::Timeout,
            _ => Self::Failed,
        }
    }
}

/// A provider of credentials, without a cache.
#[derive(Debug, Clone)]
pub(crate) struct CredentialsSource(SharedCredentialsProvider);

impl CredentialsSource {
    pub(crate) fn new(provider: impl ProvideCredentials + 'static) -> Self {
        Self(SharedCredentialsProvider::new(provider))
    }

    pub(crate) async fn load(&self) -> Result<Credentials, CredentialsFailure> {
        match tokio::time::timeout(TIMEOUT, self.0.provide_credentials()).await {
            Ok(provided) => Ok(provided?),
            Err(_) => Err(CredentialsFailure::Timeout),
        }
    }
}

/// Returns the configured key pair, or the SDK's default chain: environment, profile, web identity,
/// container, instance.
pub(crate) async fn provider(settings: &S3Settings, time: ClockTimeSource) -> CredentialsSource {
    if let Some(keys) = &settings.credentials {
        return CredentialsSource::new(Credentials::new(
            &keys.access_key_id,
            keys.secret_access_key.expose_secret(),
            None,
            None,
            "settings",
        ));
    }
    let region = Region::new(settings.region.clone());
    let config = ProviderConfig::without_region()
        .with_behavior_version(Some(BehaviorVersion::v2026_01_12()))
        .with_time_source(time);
    let chain = DefaultCredentialsChain::builder()
        .configure(config)
        .region(region);
    CredentialsSource::new(chain.build().await)
}
