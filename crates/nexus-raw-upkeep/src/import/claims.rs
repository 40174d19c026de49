use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use nexus_raw::asset::Sha256Digest;
use tokio::sync::Notify;

/// The contents that are being registered: of two objects with one content the second waits, and then
/// finds the record of the first.
#[derive(Debug, Default)]
pub(super) struct ContentClaims {
    claimed: Mutex<BTreeSet<[u8; 32]>>,
    released: Notify,
}

/// One content, until it is dropped.
#[derive(Debug)]
pub(super) struct ContentClaim<'a> {
    claims: &'a ContentClaims,
    sha256: Sha256Digest,
}

impl ContentClaims {
    pub(super) async fn claim(&self, sha256: Sha256Digest) -> ContentClaim<'_> {
        loop {
            // before the look, so that no release is missed
            let released = self.released.notified();
            if self.insert(sha256) {
                return ContentClaim {
                    claims: self,
                    sha256,
                };
            }
            released.await;
        }
    }

    fn insert(&self, sha256: Sha256Digest) -> bool {
        let mut claimed = self.claimed.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.insert(*sha256.as_bytes())
    }
}

impl Drop for ContentClaim<'_> {
    fn drop(&mut self) {
        let claims = self.claims;
        let mut claimed = claims
            .claimed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        claimed.remove(self.sha256.as_bytes());
        drop(claimed);
        claims.released.notify_waiters();
    }
}
