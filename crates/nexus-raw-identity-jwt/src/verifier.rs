use std::{fmt, sync::Arc};

use async_trait::async_trait;
use nexus_raw::{
    ports::{Clock, IdentityError, IdentityVerifier},
    tenancy::Principal,
};

use crate::{
    JwtSettings, JwtSettingsError, TokenFault, claims, compact::UnverifiedToken,
    header::UnverifiedHeader, keys::KeySource,
};

/// Proves callers by JSON Web Tokens (RFC 7519) in compact JWS form (RFC 7515).
///
/// Nothing of a token is believed, and its claims are not even decoded, before the signature
/// over its exact bytes is proved with a configured key and the configured algorithm.
pub struct JwtIdentityVerifier {
    settings: JwtSettings,
    keys: KeySource,
    clock: Arc<dyn Clock>,
}

impl JwtIdentityVerifier {
    /// A verifier of the tokens that `settings` describe. A JWKS file is read, once; a JWKS of a
    /// URL is fetched when the first token comes, and until there is one every token is refused.
    ///
    /// # Errors
    /// [`JwtSettingsError`] where tokens could be forged, or would never be valid; where the JWKS
    /// file cannot be read.
    pub fn new(settings: JwtSettings, clock: Arc<dyn Clock>) -> Result<Self, JwtSettingsError> {
        settings.check()?;
        Ok(Self {
            keys: KeySource::from_settings(&settings.keys)?,
            settings,
            clock,
        })
    }

    async fn principal(&self, token: &str) -> Result<Principal, TokenFault> {
        let token = UnverifiedToken::split(token)?;
        let header = UnverifiedHeader::read(token.header, self.keys.algorithm())?;
        self.keys
            .verify(&header, token.signing_input, token.signature)
            .await?;
        claims::read(token.claims, &self.settings, self.clock.now())
    }
}

#[async_trait]
impl IdentityVerifier for JwtIdentityVerifier {
    async fn verify(&self, token: &str) -> Result<Principal, IdentityError> {
        self.principal(token)
            .await
            .map_err(|fault| IdentityError::Invalid(Box::new(fault)))
    }
}

impl fmt::Debug for JwtIdentityVerifier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("JwtIdentityVerifier")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
