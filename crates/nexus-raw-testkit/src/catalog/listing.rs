use nexus_raw::{
    asset::{AssetId, CapturedAt, Labels, RawAsset},
    event::EventType,
    ports::{AssetFilter, AssetPage, AssetQuery, ListedAsset},
    tenancy::Scope,
};

use super::{facts, state::State};

/// Returns the page that a query selects, by a direct implementation of the contract.
pub(super) fn page(state: &State, scope: &Scope, query: &AssetQuery) -> AssetPage {
    let mut page = AssetPage::default();
    let registrations = state.events_in(scope).iter().rev().filter(|event| {
        event.body.event_type == EventType::RawAssetRegistered
            && query.before.is_none_or(|before| event.sequence < before)
    });
    let mut last = None;
    for (rows, event) in registrations.enumerate() {
        let is_full = page.assets.len() == usize::try_from(query.limit).unwrap();
        if is_full || rows == usize::try_from(AssetQuery::MAX_ROWS).unwrap() {
            page.next = last;
            break;
        }
        last = Some(event.sequence);
        let asset = state.asset(scope, event.body.asset_id).unwrap();
        let listed = listed(state, asset, event.sequence);
        if matches(&query.filter, &listed, &facts::labels(state, asset)) {
            page.assets.push(listed);
        }
    }
    page
}

fn listed(state: &State, asset: &RawAsset, sequence: u64) -> ListedAsset {
    ListedAsset {
        sequence,
        asset: asset.clone(),
        in_force: facts::in_force(state, asset),
    }
}

/// A registered asset, as it would be listed.
pub(super) fn find(state: &State, scope: &Scope, asset: AssetId) -> Option<ListedAsset> {
    let asset = state.asset(scope, asset)?;
    let registration = state.events_in(scope).iter().find(|event| {
        event.body.event_type == EventType::RawAssetRegistered
            && event.body.asset_id == asset.asset_id()
    });
    Some(listed(state, asset, registration?.sequence))
}

fn matches(filter: &AssetFilter, listed: &ListedAsset, labels: &Labels) -> bool {
    let (asset, in_force) = (&listed.asset, &listed.in_force);
    let (facts, provenance) = (asset.facts(), asset.provenance());
    let captured = provenance.captured_at.map(CapturedAt::at);
    let name = facts.filename.as_str();
    filter.sha256.is_none_or(|it| it == facts.sha256)
        && filter.size_bytes.is_none_or(|it| it == facts.size_bytes)
        && filter
            .content_type
            .as_ref()
            .is_none_or(|it| it.matches(&facts.content_type))
        && filter.filename.as_ref().is_none_or(|it| it == name)
        && filter
            .filename_prefix
            .as_ref()
            .is_none_or(|it| name.starts_with(it.as_str()))
        && filter
            .registered_by
            .as_ref()
            .is_none_or(|it| it == asset.registered_by())
        && filter
            .labels
            .iter()
            .all(|(key, value)| labels.as_map().get(key) == Some(value))
        && filter
            .captured_from
            .is_none_or(|from| captured.is_some_and(|at| at >= from))
        && filter
            .captured_to
            .is_none_or(|to| captured.is_some_and(|at| at < to))
        && filter
            .imported_from
            .is_none_or(|from| asset.imported_at() >= from)
        && filter.imported_to.is_none_or(|to| asset.imported_at() < to)
        && filter
            .derived_from
            .is_none_or(|it| provenance.lineage.derived_from.as_slice().contains(&it))
        && filter
            .pii_flag
            .is_none_or(|it| in_force.pii_flags.as_slice().contains(&it))
        && filter.train_ok.is_none_or(|it| it == in_force.train_ok)
        && filter
            .train_ok_effective
            .is_none_or(|it| it == in_force.train_ok_effective)
}
