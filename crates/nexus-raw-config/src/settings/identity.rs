use std::path::PathBuf;
use std::time::Duration;

use nexus_raw::net::TrustedUrl;
use secrecy::SecretString;

use super::{parsed, seconds};
use crate::faults::Faults;
use crate::raw;

/// `identity.*`: what a token must be.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct IdentitySettings {
    /// What `iss` must say.
    pub issuer: String,
    /// What `aud` must name.
    pub audience: String,
    /// Where the keys come from.
    pub keys: TokenKeys,
    /// The one algorithm of tokens; of the family of `keys`.
    pub algorithm: TokenAlgorithm,
    /// How far clocks may differ: at most 60 s.
    pub leeway: Duration,
    /// The longest `exp - iat`.
    pub max_lifetime: Duration,
    /// The claim that lists the caller's tenants.
    pub tenant_ids_claim: String,
    /// The claim that gives the caller's role in each.
    pub role_map_claim: String,
}

/// The source of the keys that tokens are verified with.
#[derive(Debug, Clone)]
pub enum TokenKeys {
    /// A shared secret of at least 32 bytes.
    Hs256 {
        /// `identity.hs256_secret`.
        secret: SecretString,
        /// `identity.hs256_previous_secret`: accepted as well, while secrets are rotated.
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

impl TokenAlgorithm {
    /// By its name in RFC 7518 and RFC 8037.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "HS256" => Some(Self::Hs256),
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

impl IdentitySettings {
    pub(super) fn assemble(raw: raw::Identity, faults: &mut Faults) -> Option<Self> {
        let issuer = faults.need("identity.issuer", raw.issuer);
        let audience = faults.need("identity.audience", raw.audience);
        let previous = raw.hs256_previous_secret.map(SecretString::from);
        let url = parsed(raw.jwks_url);
        let keys = match (raw.hs256_secret, raw.jwks_file, url) {
            (Some(secret), _, _) => Some(TokenKeys::Hs256 {
                secret: secret.into(),
                previous,
            }),
            (_, Some(path), _) => Some(TokenKeys::JwksFile(path.into())),
            (_, _, Some(url)) => Some(TokenKeys::JwksUrl(url)),
            _ => None,
        };
        let algorithm = match (&raw.algorithm, &keys) {
            (Some(name), _) => TokenAlgorithm::parse(name),
            (None, Some(TokenKeys::Hs256 { .. })) => Some(TokenAlgorithm::Hs256),
            (None, _) => None,
        };
        // the rules between keys have named what is missing here, unless it is one bad by itself
        let jwks_is_faulty = faults.has("identity.jwks_url") || faults.has("identity.jwks_file");
        let keys = if jwks_is_faulty {
            keys
        } else {
            faults.need("identity.hs256_secret", keys)
        };
        let algorithm = if keys.is_some() {
            faults.need("identity.algorithm", algorithm)
        } else {
            algorithm
        };
        let leeway = seconds("identity.leeway_seconds", raw.leeway_seconds, faults);
        let max_lifetime = seconds(
            "identity.max_lifetime_seconds",
            raw.max_lifetime_seconds,
            faults,
        );
        let tenant_ids_claim = faults.need("identity.tenant_ids_claim", raw.tenant_ids_claim);
        let role_map_claim = faults.need("identity.role_map_claim", raw.role_map_claim);
        Some(Self {
            issuer: issuer?,
            audience: audience?,
            keys: keys?,
            algorithm: algorithm?,
            leeway: leeway?,
            max_lifetime: max_lifetime?,
            tenant_ids_claim: tenant_ids_claim?,
            role_map_claim: role_map_claim?,
        })
    }
}
