use nexus_raw::{
    asset::{AssetId, RawAsset, Verdict, Verification},
    ports::{AssetVerification, NewVerification, VerificationOutcome},
    tenancy::Scope,
};

use super::{listing, state::State};

/// The latest one, by a direct implementation of the contract: its event.
pub(super) fn latest(state: &State, scope: &Scope, asset: AssetId) -> Option<Verification> {
    let mut events = state.events_in(scope).iter().rev();
    events.find_map(|event| {
        let of_asset = event.body.asset_id == asset;
        event.body.verification.filter(|_| of_asset)
    })
}

pub(super) fn find(state: &State, scope: &Scope, asset: AssetId) -> Option<AssetVerification> {
    Some(AssetVerification {
        listed: listing::find(state, scope, asset)?,
        latest: latest(state, scope, asset),
    })
}

pub(super) fn record(state: &mut State, new: NewVerification) -> VerificationOutcome {
    let (scope, asset) = (&new.scope, new.asset_id);
    if state.asset(scope, asset).is_none() {
        return VerificationOutcome::UnknownAsset;
    }
    let holds = |epoch| state.holds_work(scope, asset, epoch);
    if !new.epoch.is_none_or(holds) {
        return VerificationOutcome::ClaimLost;
    }
    let last = state.facts_of(scope, asset).last();
    if last.map(|it| it.sequence) != new.last_fact {
        return VerificationOutcome::Changed;
    }
    state.append(scope, new.event);
    VerificationOutcome::Recorded
}

/// Whether the latest verification found another content, or none.
pub(super) fn denies(state: &State, asset: &RawAsset) -> bool {
    let latest = latest(state, asset.scope(), asset.asset_id());
    latest.is_some_and(|it| it.verdict() != Verdict::Intact)
}
