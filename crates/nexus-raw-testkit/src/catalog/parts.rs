use std::collections::BTreeMap;

use nexus_raw::{
    asset::{AssetId, DeclaredPart, PartNumber, UploadId},
    event::EventBody,
    ports::{AbortedUpload, BegunUpload, IntentState, NewParts, PartsOutcome},
    tenancy::Scope,
};

use super::state::State;

/// The declared parts of the uploads of a scope.
pub(super) type Parts = BTreeMap<(Scope, AssetId), BTreeMap<PartNumber, DeclaredPart>>;

pub(super) fn record_upload(state: &mut State, begun: BegunUpload) -> Option<UploadId> {
    state.open_intent(&begun.scope, begun.asset_id)?;
    let intent = state.intent_mut(&begun.scope, begun.asset_id)?;
    let IntentState::Pending(intent) = intent else {
        return None;
    };
    let multipart = intent.multipart.as_mut()?;
    if multipart.upload_id == begun.instead_of {
        multipart.upload_id = Some(begun.upload_id);
    }
    multipart.upload_id.clone()
}

pub(super) fn declare(state: &mut State, new: NewParts) -> PartsOutcome {
    let intent = state.open_intent(&new.scope, new.asset_id);
    if intent.is_none_or(|it| it.multipart.is_none()) {
        return PartsOutcome::NotPending;
    }
    let standing = state.parts.entry((new.scope, new.asset_id)).or_default();
    let differs = |part: &&DeclaredPart| {
        let known = standing.get(&part.number);
        known.is_some_and(|known| known.sha256 != part.sha256)
    };
    let mut differing: Vec<_> = new
        .parts
        .iter()
        .filter(differs)
        .map(|it| it.number)
        .collect();
    if differing.is_empty() {
        standing.extend(new.parts.into_iter().map(|part| (part.number, part)));
        return PartsOutcome::Declared;
    }
    differing.sort_unstable();
    PartsOutcome::Differ(differing)
}

pub(super) fn page(
    state: &State,
    scope: &Scope,
    asset: AssetId,
    after: u16,
    limit: u16,
) -> Vec<DeclaredPart> {
    let parts = state.parts.get(&(scope.clone(), asset));
    let parts = parts.into_iter().flat_map(BTreeMap::values);
    let page = parts.filter(|part| part.number.get() > after);
    page.take(limit.into()).copied().collect()
}

pub(super) fn abort(state: &mut State, event: EventBody) -> AbortedUpload {
    let scope = event.scope();
    let Some(standing) = state.intent_mut(&scope, event.asset_id) else {
        return AbortedUpload::NotPending;
    };
    match standing {
        IntentState::Aborted(_) => AbortedUpload::Recorded,
        IntentState::Pending(intent) if intent.multipart.is_some() => {
            *standing = IntentState::Aborted(intent.clone());
            state.append(&scope, event);
            AbortedUpload::Recorded
        }
        _ => AbortedUpload::NotPending,
    }
}
