use std::net::SocketAddr;

use secrecy::ExposeSecret;

use super::layer::{Layer, Origin};
use super::typed::typed;
use crate::embedded::{
    EMBEDDED_AUDIENCE, EMBEDDED_BUCKET, EMBEDDED_ISSUER, EMBEDDED_REGION, EMBEDDED_S3_BIND,
    EmbeddedMode,
};
use crate::faults::Faults;
use crate::keys;

/// Returns the defaults of embedded mode, which the file and the environment (`given`) override.
///
/// They come in groups: a configuration with half of the S3 key pair, or with a JWKS, gets no
/// generated counterpart. The endpoint is the address of the embedded S3 server, so a configured
/// one is a fault.
pub(super) fn layer(mode: &EmbeddedMode, given: &[&Layer], faults: &mut Faults) -> Layer {
    for layer in given {
        if layer.values.contains_key("storage.endpoint") {
            let origin = Some(layer.origin.of("storage.endpoint"));
            faults.add(
                "storage.endpoint",
                "must not be set in embedded mode, which uses its own",
                origin,
            );
        }
    }
    let is_given =
        |name: &str| given.iter().any(|layer| layer.values.contains_key(name)) || faults.has(name);

    let mut layer = Layer::new(Origin::Embedded);
    let mut put = |name: &str, value: &str| {
        if let Some(key) = keys::find(name) {
            layer.put(key, typed(key.kind, value));
        }
    };
    let catalog = mode.data_dir().join("catalog.sqlite");
    put("storage.bucket", EMBEDDED_BUCKET);
    put("storage.region", EMBEDDED_REGION);
    put("storage.force_path_style", "true");
    put("catalog.url", &format!("sqlite:{}", catalog.display()));
    put("identity.issuer", EMBEDDED_ISSUER);
    put("identity.audience", EMBEDDED_AUDIENCE);
    put("embedded.s3_bind", EMBEDDED_S3_BIND);

    let s3_bind = given
        .iter()
        .rev()
        .find_map(|layer| layer.text("embedded.s3_bind"))
        .unwrap_or(EMBEDDED_S3_BIND);
    // an invalid address is a fault of its own key only
    if let Ok(address) = s3_bind.parse::<SocketAddr>() {
        put("storage.endpoint", &format!("http://{address}"));
    }
    let secrets = mode.secrets();
    if !is_given("identity.jwks_file") && !is_given("identity.jwks_url") {
        let secret = secrets.hs256_secret.expose_secret();
        put("identity.hs256_secret", secret);
    }
    if !is_given("storage.access_key_id") && !is_given("storage.secret_access_key") {
        let id = secrets.s3_access_key_id.expose_secret();
        put("storage.access_key_id", id);
        let key = secrets.s3_secret_access_key.expose_secret();
        put("storage.secret_access_key", key);
    }
    layer
}
