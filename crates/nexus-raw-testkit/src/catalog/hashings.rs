use nexus_raw::{
    asset::{AssetId, Sha256Digest},
    ports::{HashingClaim, IntentState, Lease, PinnedObject},
    tenancy::Scope,
    time::Timestamp,
};
use uuid::Uuid;

use super::state::State;

/// The state of hashing one asset's object.
#[derive(Debug, Default)]
pub(super) struct HashingState {
    epoch: u64,
    /// The owner and end of the claim, or `None` without one.
    held: Option<(Uuid, Timestamp)>,
    known: Option<(PinnedObject, Sha256Digest)>,
}

impl State {
    fn hashing(&mut self, object: &PinnedObject) -> &mut HashingState {
        let key: (Scope, AssetId) = (object.scope.clone(), object.asset_id);
        self.hashings.entry(key).or_default()
    }

    pub(super) fn known_digest(&self, object: &PinnedObject) -> Option<Sha256Digest> {
        let key = (object.scope.clone(), object.asset_id);
        let (of, digest) = self.hashings.get(&key)?.known.as_ref()?;
        let same = (&of.etag, &of.version_id) == (&object.etag, &object.version_id);
        same.then_some(*digest)
    }

    pub(super) fn claim_hashing(
        &mut self,
        object: &PinnedObject,
        owner: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> HashingClaim {
        let Some(intent) = self.intent(&object.scope, object.asset_id) else {
            return HashingClaim::Closed;
        };
        let registered = matches!(intent, IntentState::Registered { .. });
        if let Some(digest) = self.known_digest(object) {
            return HashingClaim::Known(digest);
        }
        if registered {
            return HashingClaim::Closed;
        }
        let hashing = self.hashing(object);
        if let Some((_, until)) = hashing.held.filter(|(_, until)| *until > now) {
            return HashingClaim::Held { until };
        }
        hashing.epoch += 1;
        hashing.held = Some((owner, until));
        HashingClaim::Taken(Lease {
            epoch: hashing.epoch,
            until,
        })
    }

    pub(super) fn renew_hashing(
        &mut self,
        object: &PinnedObject,
        epoch: u64,
        until: Timestamp,
    ) -> bool {
        let hashing = self.hashing(object);
        let Some((owner, _)) = hashing.held.filter(|_| hashing.epoch == epoch) else {
            return false;
        };
        hashing.held = Some((owner, until));
        true
    }

    pub(super) fn record_digest(
        &mut self,
        object: &PinnedObject,
        epoch: u64,
        digest: Sha256Digest,
    ) -> bool {
        let is_current = self.release_hashing(object, epoch);
        if is_current {
            self.hashing(object).known = Some((object.clone(), digest));
        }
        is_current
    }

    pub(super) fn release_hashing(&mut self, object: &PinnedObject, epoch: u64) -> bool {
        let hashing = self.hashing(object);
        let is_current = hashing.epoch == epoch && hashing.held.is_some();
        if is_current {
            hashing.held = None;
        }
        is_current
    }
}
