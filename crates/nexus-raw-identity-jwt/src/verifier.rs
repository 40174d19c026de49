use std::{fmt, future::pending, sync::Arc};

use async_trait::async_trait;
use nexus_raw::{
    ports::{Clock, IdentityError, IdentityVerifier},
    tenancy::Principal,
};

use crate::{
    JwtSettings, JwtSettingsError, TokenFault, claims, compact::UnverifiedToken,
    header::UnverifiedHeader, keys::KeySource,
};

/// A verifier of JSON Web Tokens (RFC 7519) in compact JWS form (RFC 7515).
///
/// The claims of a token are not decoded before the signature over its exact bytes is verified with
/// a configured key and the configured algorithm.
pub struct JwtIdentityVerifier {
    settings: JwtSettings,
    keys: KeySource,
    clock: Arc<dyn Clock>,
}

impl JwtIdentityVerifier {
    /// Creates a verifier. A JWKS file is read once; a JWKS of a URL is fetched by
    /// [`wait_for_keys`](Self::wait_for_keys), which should run in a task, or for the first token.
    /// Until then no token can be verified ([`IdentityError::Unavailable`]).
    ///
    /// # Errors
    /// [`JwtSettingsError`] if tokens could be forged or would never be valid, or if the JWKS file
    /// cannot be read.
    pub fn new(settings: JwtSettings, clock: Arc<dyn Clock>) -> Result<Self, JwtSettingsError> {
        settings.check()?;
        Ok(Self {
            keys: KeySource::from_settings(&settings.keys)?,
            settings,
            clock,
        })
    }

    /// Fetches keys until there are some, at least every 5 s; with shared secrets resolves at
    /// once. Must be awaited within a tokio runtime.
    pub async fn wait_for_keys(&self) {
        if let KeySource::Jwks(jwks) = &self.keys {
            jwks.loaded().await;
        }
    }

    /// Resolves once the keys expired because they could not be reloaded; shared secrets never
    /// expire. While it is awaited, keys are reloaded in time even without tokens. Must be awaited
    /// within a tokio runtime.
    pub async fn wait_for_expiry(&self) {
        match &self.keys {
            KeySource::Jwks(jwks) => jwks.expired().await,
            KeySource::SharedSecrets(_) => pending().await,
        }
    }

    async fn principal(&self, token: &str) -> Result<Principal, TokenFault> {
        let token = UnverifiedToken::split(token)?;
        let header = UnverifiedHeader::read(token.header, &self.keys)?;
        if !self.keys.are_available() {
            // faults that need no key are refused without one
            self.keys.check_form(token.signature)?;
            claims::read(token.claims, &self.settings, self.clock.now())?;
        }
        self.keys
            .verify(&header, token.signing_input, token.signature)
            .await?;
        claims::read(token.claims, &self.settings, self.clock.now())
    }
}

#[async_trait]
impl IdentityVerifier for JwtIdentityVerifier {
    async fn verify(&self, token: &str) -> Result<Principal, IdentityError> {
        self.principal(token).await.map_err(|fault| match fault {
            TokenFault::NoKeys => IdentityError::Unavailable(fault.into()),
            _ => IdentityError::Invalid(fault.into()),
        })
    }

    async fn ready(&self) -> Result<(), IdentityError> {
        if self.keys.are_available() {
            Ok(())
        } else {
            Err(IdentityError::Unavailable(TokenFault::NoKeys.into()))
        }
    }
}

impl fmt::Debug for JwtIdentityVerifier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("JwtIdentityVerifier")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
