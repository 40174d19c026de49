use std::{io, path::PathBuf, time::Duration};

use nexus_raw::net::TrustedUrl;
use secrecy::{ExposeSecret, SecretString};

use crate::{JwksAlgorithm, JwksFault};

/// The minimum length of a shared secret, in bytes: that of the digest (RFC 7518, section 3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// The maximum leeway, and the default.
const MAX_LEEWAY: Duration = Duration::from_mins(1);

/// Registered claims (RFC 7519, section 4.1).
const REGISTERED_CLAIMS: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// Settings of the verification of tokens.
#[derive(Debug, Clone)]
pub struct JwtSettings {
    /// The expected `iss`.
    pub issuer: String,
    /// The audience that `aud` must be or contain.
    pub audience: String,
    /// The keys of tokens.
    pub keys: KeySettings,
    /// The allowed difference of clocks: at most 60 s.
    pub leeway: Duration,
    /// The maximum time from `iat` to `exp`.
    pub max_lifetime: Duration,
    /// The claim that lists the tenants of the user.
    pub tenant_ids_claim: String,
    /// The claim that has the user's role in each tenant.
    pub role_map_claim: String,
}

/// The keys of tokens, for a single algorithm, so that a token cannot choose one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum KeySettings {
    /// HMAC with SHA-256 and a secret shared with the issuer.
    Hs256 {
        /// The secret, of at least [`MIN_SECRET_BYTES`].
        secret: SecretString,
        /// The previous secret, while tokens signed with it are in use.
        previous: Option<SecretString>,
    },
    /// The public keys of a JWKS (RFC 7517) in a file, which is reloaded.
    JwksFile {
        /// The file: regular, or a link to a regular file.
        path: PathBuf,
        /// The algorithm.
        algorithm: JwksAlgorithm,
    },
    /// The public keys of a JWKS at a URL of the issuer.
    JwksUrl {
        /// The URL.
        url: TrustedUrl,
        /// The algorithm.
        algorithm: JwksAlgorithm,
    },
}

/// The error of settings that would make an unsafe verifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtSettingsError {
    /// The issuer is empty.
    #[error("the issuer must not be empty")]
    Issuer,
    /// The audience is empty.
    #[error("the audience must not be empty")]
    Audience,
    /// A shared secret is short enough to be guessed.
    #[error("a shared secret must have at least {MIN_SECRET_BYTES} bytes")]
    SecretTooShort,
    /// The leeway is too long.
    #[error("the leeway must be at most 60 seconds")]
    Leeway,
    /// No token could be valid.
    #[error("the maximum lifetime must be at least one second")]
    MaxLifetime,
    /// A claim's name is empty, a registered claim, or used for both claims.
    #[error("{0} is not a valid name for a claim of tenants or roles")]
    ClaimName(String),
    /// The file with the JWKS cannot be read.
    #[error("the JWKS file cannot be read: {0}")]
    JwksFile(io::ErrorKind),
    /// The file is not a JWKS, or has no usable key.
    #[error("the JWKS file cannot be used")]
    Jwks(#[source] JwksFault),
    /// No HTTP client to fetch a JWKS.
    #[error("the HTTP client for the JWKS cannot be created: {0}")]
    HttpClient(String),
    /// Tokens cannot be issued with public keys.
    #[error("tokens can be issued only with a shared secret")]
    NoSecret,
}

impl JwtSettings {
    /// Returns settings with a leeway of 60 s, a maximum lifetime of 24 h, and the claims `tenant_ids`
    /// and `role_map`.
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, keys: KeySettings) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            keys,
            leeway: MAX_LEEWAY,
            max_lifetime: Duration::from_hours(24),
            tenant_ids_claim: "tenant_ids".to_owned(),
            role_map_claim: "role_map".to_owned(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), JwtSettingsError> {
        if self.issuer.is_empty() {
            return Err(JwtSettingsError::Issuer);
        }
        if self.audience.is_empty() {
            return Err(JwtSettingsError::Audience);
        }
        if self.leeway > MAX_LEEWAY {
            return Err(JwtSettingsError::Leeway);
        }
        if self.max_lifetime < Duration::from_secs(1) {
            return Err(JwtSettingsError::MaxLifetime);
        }
        for name in [&self.tenant_ids_claim, &self.role_map_claim] {
            if name.is_empty() || REGISTERED_CLAIMS.contains(&name.as_str()) {
                return Err(JwtSettingsError::ClaimName(name.clone()));
            }
        }
        if self.tenant_ids_claim == self.role_map_claim {
            return Err(JwtSettingsError::ClaimName(self.role_map_claim.clone()));
        }
        self.keys.check()
    }
}

impl KeySettings {
    fn check(&self) -> Result<(), JwtSettingsError> {
        match self {
            Self::Hs256 { secret, previous } => std::iter::once(secret)
                .chain(previous)
                .all(|secret| secret.expose_secret().len() >= MIN_SECRET_BYTES)
                .then_some(())
                .ok_or(JwtSettingsError::SecretTooShort),
            // checked when the keys are loaded
            Self::JwksFile { .. } | Self::JwksUrl { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> JwtSettings {
        JwtSettings::new(
            "https://issuer.test",
            "nexus-raw",
            KeySettings::Hs256 {
                secret: "s".repeat(32).into(),
                previous: None,
            },
        )
    }

    fn check_after(change: impl FnOnce(&mut JwtSettings)) -> Result<(), JwtSettingsError> {
        let mut settings = settings();
        change(&mut settings);
        settings.check()
    }

    #[test]
    fn the_defaults_are_those_of_the_api() {
        let settings = settings();
        assert_eq!(settings.check(), Ok(()));
        assert_eq!(settings.leeway, Duration::from_mins(1));
        assert_eq!(settings.max_lifetime, Duration::from_hours(24));
        assert_eq!(settings.tenant_ids_claim, "tenant_ids");
        assert_eq!(settings.role_map_claim, "role_map");
    }

    #[test]
    fn an_empty_issuer_or_audience_is_refused() {
        assert_eq!(
            check_after(|it| it.issuer.clear()),
            Err(JwtSettingsError::Issuer)
        );
        assert_eq!(
            check_after(|it| it.audience.clear()),
            Err(JwtSettingsError::Audience)
        );
    }

    #[test]
    fn a_secret_under_32_bytes_is_refused_the_previous_one_too() {
        let secret = |length| SecretString::from("s".repeat(length));
        for (current, previous, answer) in [
            (31, None, Err(JwtSettingsError::SecretTooShort)),
            (0, None, Err(JwtSettingsError::SecretTooShort)),
            (32, Some(31), Err(JwtSettingsError::SecretTooShort)),
            (32, Some(32), Ok(())),
        ] {
            let keys = KeySettings::Hs256 {
                secret: secret(current),
                previous: previous.map(secret),
            };
            assert_eq!(check_after(|it| it.keys = keys), answer);
        }
    }

    #[test]
    fn a_leeway_over_a_minute_and_no_lifetime_are_refused() {
        assert_eq!(
            check_after(|it| it.leeway = Duration::from_millis(60_001)),
            Err(JwtSettingsError::Leeway)
        );
        assert_eq!(check_after(|it| it.leeway = Duration::ZERO), Ok(()));
        assert_eq!(
            check_after(|it| it.max_lifetime = Duration::from_millis(999)),
            Err(JwtSettingsError::MaxLifetime)
        );
    }

    #[test]
    fn claims_of_tenants_and_roles_have_names_of_their_own() {
        for name in ["", "sub", "aud", "role_map"] {
            assert_eq!(
                check_after(|it| it.tenant_ids_claim = name.to_owned()),
                Err(JwtSettingsError::ClaimName(name.to_owned()))
            );
        }
        assert_eq!(
            check_after(|it| it.role_map_claim = "https://issuer.test/roles".to_owned()),
            Ok(())
        );
    }

    #[test]
    fn no_secret_is_ever_shown() {
        let shown = format!("{:?}", settings());
        assert!(!shown.contains("sss"), "{shown}");
    }
}
