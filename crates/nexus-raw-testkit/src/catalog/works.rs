use nexus_raw::{
    asset::{AssetId, Sha256Digest},
    ports::{IntentState, Lease, PinnedObject, WorkClaim},
    tenancy::Scope,
    time::Timestamp,
};
use uuid::Uuid;

use super::state::State;

/// The state of the work on one asset's object.
#[derive(Debug, Default)]
pub(super) struct WorkState {
    epoch: u64,
    /// The owner and end of the claim, or `None` without one.
    held: Option<(Uuid, Timestamp)>,
    known: Option<(PinnedObject, Sha256Digest)>,
}

impl State {
    fn work(&mut self, scope: &Scope, asset: AssetId) -> &mut WorkState {
        self.works.entry((scope.clone(), asset)).or_default()
    }

    pub(super) fn known_digest(&self, object: &PinnedObject) -> Option<Sha256Digest> {
        let key = (object.scope.clone(), object.asset_id);
        let (of, digest) = self.works.get(&key)?.known.as_ref()?;
        let same = (&of.etag, &of.version_id) == (&object.etag, &object.version_id);
        same.then_some(*digest)
    }

    pub(super) fn claim_hashing(
        &mut self,
        object: &PinnedObject,
        owner: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> WorkClaim {
        match self.known_digest(object) {
            Some(digest) => WorkClaim::Known(digest),
            None => self.claim_work(&object.scope, object.asset_id, owner, now, until),
        }
    }

    pub(super) fn claim_work(
        &mut self,
        scope: &Scope,
        asset: AssetId,
        owner: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> WorkClaim {
        if !matches!(self.intent(scope, asset), Some(IntentState::Pending(_))) {
            return WorkClaim::Closed;
        }
        self.claim_open_work(scope, asset, owner, now, until)
    }

    pub(super) fn claim_verification(
        &mut self,
        scope: &Scope,
        asset: AssetId,
        owner: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> WorkClaim {
        if self.asset(scope, asset).is_none() {
            return WorkClaim::Closed;
        }
        self.claim_open_work(scope, asset, owner, now, until)
    }

    fn claim_open_work(
        &mut self,
        scope: &Scope,
        asset: AssetId,
        owner: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> WorkClaim {
        let work = self.work(scope, asset);
        if let Some((_, until)) = work.held.filter(|(_, until)| *until > now) {
            return WorkClaim::Held { until };
        }
        work.epoch += 1;
        work.held = Some((owner, until));
        WorkClaim::Taken(Lease {
            epoch: work.epoch,
            until,
        })
    }

    /// Returns whether the claim of this epoch is valid.
    pub(super) fn holds_work(&self, scope: &Scope, asset: AssetId, epoch: u64) -> bool {
        let work = self.works.get(&(scope.clone(), asset));
        work.is_some_and(|it| it.epoch == epoch && it.held.is_some())
    }

    pub(super) fn renew_work(
        &mut self,
        scope: &Scope,
        asset: AssetId,
        epoch: u64,
        until: Timestamp,
    ) -> bool {
        let work = self.work(scope, asset);
        let Some((owner, _)) = work.held.filter(|_| work.epoch == epoch) else {
            return false;
        };
        work.held = Some((owner, until));
        true
    }

    pub(super) fn record_digest(
        &mut self,
        object: &PinnedObject,
        epoch: u64,
        digest: Sha256Digest,
    ) -> bool {
        let is_current = self.release_work(&object.scope, object.asset_id, epoch);
        if is_current {
            let work = self.work(&object.scope, object.asset_id);
            work.known = Some((object.clone(), digest));
        }
        is_current
    }

    pub(super) fn release_work(&mut self, scope: &Scope, asset: AssetId, epoch: u64) -> bool {
        let work = self.work(scope, asset);
        let is_current = work.epoch == epoch && work.held.is_some();
        if is_current {
            work.held = None;
        }
        is_current
    }
}
