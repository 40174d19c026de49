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

/// Longer than any link of the chain takes to say that it has nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why no credentials came. What a provider says of it can hold what a credential process
/// printed, so only the kind is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsFailure {
    /// Nothing in the chain has any.
    #[error("no credentials are configured, and the machine provides none")]
    Absent,
    /// The provider's configuration makes no sense.
    #[error("the configuration of the credentials provider is invalid")]
    Misconfigured,
    /// The provider failed.
    #[error("the credentials provider failed")]
    Failed,
    /// The provider took too long.
    #[error("the credentials provider did not answer in time")]
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

/// Where credentials come from, each time anew.
#[derive(Debug, Clone)]
pub(crate) struct CredentialsSource(SharedCredentialsProvider);

impl CredentialsSource {
    pub(crate) fn new(provider: impl ProvideCredentials + 'static) -> Self {
        Self(SharedCredentialsProvider::new(provider))
    }

    pub(crate) async fn load(&self) -> Result<Credentials, CredentialsFailure> {
        match tokio::time::timeout(PATIENCE, self.0.provide_credentials()).await {
            Ok(provided) => Ok(provided?),
            Err(_) => Err(CredentialsFailure::Timeout),
        }
    }
}

/// The configured key pair, or the SDK's default chain: environment, profile, web identity,
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
