use aws_sdk_s3::{
    Client, Config,
    config::{
        BehaviorVersion, IdentityCache, Region, RequestChecksumCalculation,
        ResponseChecksumValidation, StalledStreamProtectionConfig, retry::RetryConfig,
        timeout::TimeoutConfig,
    },
};
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};

use crate::{
    credentials::CredentialsCell, deadlines::Deadlines, settings::S3Settings, time::ClockTimeSource,
};

/// One attempt and two retries, which fit into an operation's deadline after a hanging attempt.
pub(crate) const ATTEMPTS: u32 = 3;

/// Returns the SDK's client with all timeouts set, which tries a request so many times.
///
/// It uses only the settings: endpoints, retries or timeouts in `AWS_*` variables and profiles have
/// no effect.
pub(crate) fn client(
    settings: &S3Settings,
    credentials: CredentialsCell,
    connector: SharedHttpConnector,
    time: ClockTimeSource,
    deadlines: Deadlines,
    attempts: u32,
) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(deadlines.connect)
        .read_timeout(deadlines.read)
        .operation_attempt_timeout(deadlines.attempt)
        .operation_timeout(deadlines.operation)
        .build();
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(settings.region.clone()))
        .force_path_style(settings.force_path_style)
        .credentials_provider(credentials)
        // the cell is the cache: the client signs with the same credentials as presigning
        .identity_cache(IdentityCache::no_cache())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .time_source(time)
        .timeout_config(timeouts)
        .retry_config(retries(deadlines, attempts))
        // every attempt is bounded up to the response's head, and the only body that is read has its
        // own, stricter bound
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(endpoint) = &settings.endpoint {
        // other stores refuse unknown checksums on requests that need none
        config = config
            .endpoint_url(endpoint.as_url().as_str())
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    }
    Client::from_conf(config.build())
}

/// Returns the retries within an operation's deadline.
pub(crate) fn retries(deadlines: Deadlines, attempts: u32) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(attempts)
        .with_initial_backoff(deadlines.operation / 80)
        .with_max_backoff(deadlines.operation / 8)
}
