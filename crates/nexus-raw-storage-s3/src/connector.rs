use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector};

use crate::deadlines::Deadlines;

/// One pool of connections, for the SDK and for the probe's own requests: rustls on aws-lc, the
/// system's roots, HTTP/1.1, no redirect followed, no proxy taken from the environment.
pub(crate) fn connector(deadlines: Deadlines) -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(deadlines.connect)
        .read_timeout(deadlines.read)
        .build();
    SharedHttpConnector::new(
        Connector::builder()
            .connector_settings(settings)
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build(),
    )
}
