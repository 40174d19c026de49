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
    /// URL is fetched by [`keys_came`](Self::keys_came), which is to run beside, or when the first
    /// token comes. Until there is one no token can be verified
    /// ([`IdentityError::Unavailable`]).
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

    /// Asks for keys while there are none, at least every 5 s; resolves once there are some, which
    /// with shared secrets is at once. Must be awaited within a tokio runtime.
    pub async fn keys_came(&self) {
        if let KeySource::Jwks(jwks) = &self.keys {
            jwks.come().await;
        }
    }

    /// Resolves once the keys could not be renewed for so long that they are believed no longer,
    /// which shared secrets never are. While it is awaited, keys that no token had renewed are
    /// renewed before that. Must be awaited within a tokio runtime.
    pub async fn keys_ended(&self) {
        match &self.keys {
            KeySource::Jwks(jwks) => jwks.ended().await,
            KeySource::SharedSecrets(_) => pending().await,
        }
    }

    async fn principal(&self, token: &str) -> Result<Principal, TokenFault> {
        let token = UnverifiedToken::split(token)?;
        let header = UnverifiedHeader::read(token.header, &self.keys)?;
        if !self.keys.are_there() {
            // what is wrong without a key is refused without one; nothing is believed by this
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
        if self.keys.are_there() {
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
