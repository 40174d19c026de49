use std::{fmt, sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use nexus_raw::{
    ports::Clock,
    tenancy::{Role, TenantId, UserId},
};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use crate::{JwtSettings, JwtSettingsError, KeySettings, compact::MAX_TOKEN_BYTES};

/// An issuer of HS256 tokens that a [`JwtIdentityVerifier`](crate::JwtIdentityVerifier) with the same
/// settings accepts: for embedded mode and tests, without an identity provider.
pub struct TokenIssuer {
    settings: JwtSettings,
    key: EncodingKey,
    clock: Arc<dyn Clock>,
}

/// The user, memberships and lifetime of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// The user.
    pub user: UserId,
    /// The tenants of the user, each with the user's role.
    pub memberships: Vec<(TenantId, Option<Role>)>,
    /// The lifetime in whole seconds: 1 s to the maximum of the settings.
    pub ttl: Duration,
}

/// The error of issuing a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The lifetime is below one second or above the maximum.
    #[error("a token must be valid for 1 to {} seconds", longest.as_secs())]
    Ttl {
        /// The maximum lifetime.
        longest: Duration,
    },
    /// The token would be too long: it has too many memberships.
    #[error("a token must not be longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// The library failed.
    #[error("token could not be signed")]
    Signing(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl TokenIssuer {
    /// Creates an issuer for verifiers with these settings. It signs with the current secret.
    ///
    /// # Errors
    /// [`JwtSettingsError`], as for the verifier; and if the keys are those of a JWKS, which cannot
    /// sign.
    pub fn new(settings: JwtSettings, clock: Arc<dyn Clock>) -> Result<Self, JwtSettingsError> {
        settings.check()?;
        let key = match &settings.keys {
            KeySettings::Hs256 { secret, .. } => {
                EncodingKey::from_secret(secret.expose_secret().as_bytes())
            }
            KeySettings::JwksFile { .. } | KeySettings::JwksUrl { .. } => {
                return Err(JwtSettingsError::NoSecret);
            }
        };
        Ok(Self {
            settings,
            key,
            clock,
        })
    }

    /// Returns a token that is valid from now on. It is a secret until it expires.
    ///
    /// # Errors
    /// See [`IssueError`].
    pub fn issue(&self, request: &TokenRequest) -> Result<String, IssueError> {
        let longest = self.settings.max_lifetime;
        let ttl = Duration::from_secs(request.ttl.as_secs());
        if ttl.is_zero() || ttl > longest {
            return Err(IssueError::Ttl { longest });
        }
        let claims = self.claims(request, ttl);
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.key)
            .map_err(|source| IssueError::Signing(Box::new(source)))?;
        if token.len() > MAX_TOKEN_BYTES {
            return Err(IssueError::TooLong);
        }
        Ok(token)
    }

    fn claims(&self, request: &TokenRequest, ttl: Duration) -> Map<String, Value> {
        let now = self.clock.now();
        let tenant_ids: Vec<&str> = request
            .memberships
            .iter()
            .map(|(tenant, _)| tenant.as_str())
            .collect();
        let roles: Map<String, Value> = request
            .memberships
            .iter()
            .filter_map(|(tenant, role)| Some((tenant.as_str().to_owned(), role.as_ref()?)))
            .map(|(tenant, role)| (tenant, json!(role.as_str())))
            .collect();
        let expires = now.saturating_add(ttl);
        Map::from_iter([
            ("iss".to_owned(), json!(self.settings.issuer)),
            ("aud".to_owned(), json!(self.settings.audience)),
            ("sub".to_owned(), json!(request.user)),
            ("iat".to_owned(), json!(now.as_unix_seconds())),
            ("exp".to_owned(), json!(expires.as_unix_seconds())),
            (self.settings.tenant_ids_claim.clone(), json!(tenant_ids)),
            (self.settings.role_map_claim.clone(), Value::Object(roles)),
        ])
    }
}

impl fmt::Debug for TokenIssuer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TokenIssuer")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
