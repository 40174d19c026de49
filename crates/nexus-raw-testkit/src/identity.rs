use std::collections::BTreeMap;

use async_trait::async_trait;
use nexus_raw::{
    ports::{IdentityError, IdentityVerifier},
    tenancy::Principal,
};

/// A verifier with a fixed set of tokens.
#[derive(Debug, Default)]
pub struct FakeIdentity {
    tokens: BTreeMap<String, Principal>,
}

/// The token is unknown.
#[derive(Debug, thiserror::Error)]
#[error("no such token")]
struct UnknownToken;

impl FakeIdentity {
    /// Creates a verifier without tokens.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a token for `principal`.
    #[must_use]
    pub fn with(mut self, token: &str, principal: Principal) -> Self {
        self.tokens.insert(token.to_owned(), principal);
        self
    }
}

#[async_trait]
impl IdentityVerifier for FakeIdentity {
    async fn verify(&self, token: &str) -> Result<Principal, IdentityError> {
        let known = self.tokens.get(token).cloned();
        known.ok_or_else(|| IdentityError::Invalid(Box::new(UnknownToken)))
    }

    async fn ready(&self) -> Result<(), IdentityError> {
        Ok(())
    }
}
