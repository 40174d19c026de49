use async_trait::async_trait;

use super::BoxError;
use crate::tenancy::Principal;

/// Why no principal came out of a credential.
///
/// The reason inside is for the log alone: a caller learns only that it is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The credential proves nobody: forged, expired, malformed, or for somebody else.
    #[error("the credential is not valid")]
    Invalid(#[source] BoxError),
    /// Nothing can be said of the credential now, since the verifier has no keys. It has no fault
    /// that could be seen without them.
    #[error("the credential cannot be verified now")]
    Unavailable(#[source] BoxError),
}

/// Turns a bearer token into the caller that it proves.
///
/// Implemented by `JwtIdentityVerifier`; called by the app before anything else is looked at.
/// What the token does not prove is refused: an implementation has no default caller,
/// tenant or role. It never puts any part of the token into an error.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait IdentityVerifier: std::fmt::Debug + Send + Sync + 'static {
    /// The caller that `token` proves. `token` is what follows `Bearer `, unchecked.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] for every fault of it; [`IdentityError::Unavailable`] where
    /// nothing is wrong that could be seen now, and nothing can be proved.
    async fn verify(&self, token: &str) -> Result<Principal, IdentityError>;

    /// Whether callers can be proved now. It waits for nobody.
    ///
    /// # Errors
    /// [`IdentityError::Unavailable`] where they cannot.
    async fn ready(&self) -> Result<(), IdentityError>;
}
