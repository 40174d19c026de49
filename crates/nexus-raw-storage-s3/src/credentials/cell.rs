use std::{fmt, sync::Arc};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, future},
};
use nexus_raw::ports::Clock;
use tokio::sync::watch;

use super::{CredentialsFailure, CredentialsSource, renewal};

/// The current credentials, shared by the SDK's client and presigning.
///
/// A task renews them before they expire; it ends when the last clone of the cell is dropped.
#[derive(Clone)]
pub(crate) struct CredentialsCell(watch::Receiver<Credentials>);

impl fmt::Debug for CredentialsCell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("CredentialsCell(redacted)")
    }
}

impl CredentialsCell {
    /// Loads the first credentials and, if they expire, starts to renew them.
    pub(crate) async fn fill(
        source: CredentialsSource,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CredentialsFailure> {
        let first = source.load().await?;
        let ends = first.expiry().is_some();
        let (cell, reader) = watch::channel(first);
        if ends {
            tokio::spawn(renewal::renew(source, cell, clock));
        }
        Ok(Self(reader))
    }

    pub(crate) fn current(&self) -> Credentials {
        self.0.borrow().clone()
    }
}

impl ProvideCredentials for CredentialsCell {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Ok(self.current()))
    }
}
