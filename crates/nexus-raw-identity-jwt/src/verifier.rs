use std::{fmt, future::pending, sync::Arc};

use async_trait::async_trait;
use nexus_raw::{
    ports::{Clock, IdentityError, IdentityVerifier},
    tenancy::Principal,
};

use crate::{
    JwtSettings, JwtSettingsError, TokenFault, claims, compact::UnverifiedToken,
    header::UnverifiedHeader, keys::KeySource, remembered::RememberedTokens,
};

/// A verifier of JSON Web Tokens (RFC 7519) in compact JWS form (RFC 7515).
///
/// The claims of a token are not decoded before the signature over its exact bytes is verified with
/// a configured key and the configured algorithm. A verified token is remembered for a minute, while
/// it is valid and the keys are the same.
pub struct JwtIdentityVerifier {
    settings: JwtSettings,
    keys: KeySource,
    clock: Arc<dyn Clock>,
    remembered: RememberedTokens,
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
            remembered: RememberedTokens::default(),
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

    pub(crate) fn keys(&self) -> &KeySource {
        &self.keys
    }

    async fn principal(&self, token: &str) -> Result<Principal, TokenFault> {
        if let Some(known) = self.remembered.find(token)
            // also reloads the keys in time
            && self.keys.generation().await == Some(known.keys)
            && known.is_valid(&self.settings, self.clock.now())
        {
            return Ok(known.principal.clone());
        }
        let parts = UnverifiedToken::split(token)?;
        let header = UnverifiedHeader::read(parts.header, &self.keys)?;
        if !self.keys.are_available() {
            // faults that need no key are refused without one
            self.keys.check_form(parts.signature)?;
            claims::read(parts.claims, &self.settings, self.clock.now())?;
        }
        let verified = self
            .keys
            .verify(&header, parts.signing_input, parts.signature);
        let keys = verified.await?;
        let now = self.clock.now();
        let claims = claims::read(parts.claims, &self.settings, now)?;
        let principal = claims.principal.clone();
        self.remembered.keep(token, keys, claims, now);
        Ok(principal)
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
