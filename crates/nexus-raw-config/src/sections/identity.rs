use std::{path::PathBuf, time::Duration};

use nexus_raw::net::TrustedUrl;
use secrecy::SecretString;

use self::TokenAlgorithm::{EdDsa, Es256, Hs256, Rs256};
use super::forms::{HMAC_SECRET, URL, named, visible};
use crate::faults::Faults;
use crate::form::{Form, integer, text};
use crate::section::section;

const ONE_LINE: Form<String> = text("text of 1 to 255 bytes without control characters", line);
const CLAIM: Form<String> = text(
    "a claim's name of 1 to 128 visible ASCII characters",
    |text| visible(text, 128),
);

section! {
    /// `identity.*`: the requirements on tokens.
    #[derive(Debug, Clone)]
    pub struct IdentitySettings from Identity of "identity" {
        /// Expected `iss` of a token. Required.
        pub issuer: String = ONE_LINE.example("https://login.example.com/");
        /// Audience that `aud` of a token must contain. Required.
        pub audience: String = ONE_LINE.example("nexus-raw");
        /// Secret of HS256 tokens. Exactly one of this, `identity.jwks_file` and
        /// `identity.jwks_url` is required.
        hs256_secret: SecretString = HMAC_SECRET.example("an-example-of-32-bytes-or-more-not-to-be-used");
        /// Secret before the last rotation, still accepted. Allowed only with `identity.hs256_secret`.
        hs256_previous_secret: SecretString = HMAC_SECRET.example("an-example-of-an-older-secret-not-to-be-used");
        /// JWKS file with the public keys of tokens.
        jwks_file: PathBuf = text("a path", |text| Some(text.into())).example("/etc/nexus-raw/jwks.json");
        /// URL of the JWKS with the public keys of tokens.
        jwks_url: TrustedUrl = URL.example("https://login.example.com/.well-known/jwks.json");
        /// Accepted algorithm of tokens. Required with a JWKS; HS256 with a secret.
        algorithm: TokenAlgorithm = text("HS256 with a secret, and RS256, ES256 or EdDSA with a JWKS", |text| {
            // their names in RFC 7518 and RFC 8037
            named(text, &[("HS256", Hs256), ("RS256", Rs256), ("ES256", Es256), ("EdDSA", EdDsa)])
        })
        .example("RS256");
        /// Allowed difference of clocks.
        leeway_seconds in 0..=60 as pub leeway: Duration = integer("60").example("30");
        /// Maximum `exp - iat` of a token.
        max_lifetime_seconds in 1..=31_536_000 as pub max_lifetime: Duration = integer("86400").example("3600");
        /// Claim that lists the caller's tenants.
        pub tenant_ids_claim: String = CLAIM.default("tenant_ids").example("https://example.com/tenants");
        /// Claim that has the caller's role in each tenant.
        pub role_map_claim: String = CLAIM.default("role_map").example("https://example.com/roles");

        /// The source of the keys.
        pub keys: TokenKeys => token_keys;
        /// The accepted algorithm of tokens, which fits `keys`.
        pub algorithm: TokenAlgorithm => |identity, _| algorithm(identity);
    }
}

/// The source of the keys that tokens are verified with.
#[derive(Debug, Clone)]
pub enum TokenKeys {
    /// A shared secret of at least 32 bytes.
    Hs256 {
        /// `identity.hs256_secret`.
        secret: SecretString,
        /// `identity.hs256_previous_secret`: also accepted, while secrets are rotated.
        previous: Option<SecretString>,
    },
    /// `identity.jwks_file`.
    JwksFile(PathBuf),
    /// `identity.jwks_url`.
    JwksUrl(TrustedUrl),
}

/// `identity.algorithm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenAlgorithm {
    /// HMAC with SHA-256, by a shared secret.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// `EdDSA` (RFC 8037).
    EdDsa,
}

fn line(text: &str) -> Option<String> {
    let is_line = (1..=255).contains(&text.len()) && !text.chars().any(char::is_control);
    is_line.then(|| text.to_owned())
}

/// Returns the keys. The rules between keys have reported a missing one, unless one is invalid.
fn token_keys(identity: &Identity, faults: &mut Faults) -> Option<TokenKeys> {
    let (file, url) = (&identity.jwks_file, &identity.jwks_url);
    let keys = match (&identity.hs256_secret, file, url) {
        (Some(secret), _, _) => Some(TokenKeys::Hs256 {
            secret: secret.clone(),
            previous: identity.hs256_previous_secret.clone(),
        }),
        (_, Some(path), _) => Some(TokenKeys::JwksFile(path.clone())),
        (_, _, Some(url)) => Some(TokenKeys::JwksUrl(url.clone())),
        _ => None,
    };
    if faults.has("identity.jwks_url") || faults.has("identity.jwks_file") {
        keys
    } else {
        faults.need("identity.hs256_secret", keys)
    }
}

/// Returns the algorithm. The rules between keys have reported a missing one.
fn algorithm(identity: &Identity) -> Option<TokenAlgorithm> {
    let by_secret = identity.hs256_secret.as_ref().map(|_| Hs256);
    identity.algorithm.or(by_secret)
}
