use std::collections::{BTreeMap, BTreeSet, VecDeque};

use nexus_raw::{
    asset::{AssetId, Fact, FactKind, FactValue, InForce, Labels, RawAsset, StatedFact},
    ports::{
        AssetFacts, FactOutcome, LineageDirection, LineageEdge, LineageGraph, LineageNode,
        LineageQuery, NewFact,
    },
    tenancy::Scope,
};

use super::{listing, state::State};

/// What is in force, by a direct implementation of the contract: nothing is kept, so no change has
/// to reach descendants.
pub(super) fn in_force(state: &State, asset: &RawAsset) -> InForce {
    let (scope, id) = (asset.scope(), asset.asset_id());
    let mut withheld = ancestors(state, asset);
    let is_withheld = withheld.any(|it| !own_train_ok(state, it));
    let pii_flags = match latest(state, scope, id, FactKind::PiiFlags) {
        Some(FactValue::PiiFlags(flags)) => Some(flags.clone()),
        _ => None,
    };
    let last = state.facts_of(scope, id).last().map(|it| it.sequence);
    let own = own_train_ok(state, asset);
    InForce::as_registered(asset, own && !is_withheld).with_stated(Some(own), pii_flags, last)
}

pub(super) fn labels(state: &State, asset: &RawAsset) -> Labels {
    match latest(state, asset.scope(), asset.asset_id(), FactKind::Labels) {
        Some(FactValue::Labels(labels)) => labels.clone(),
        _ => asset.provenance().labels.clone(),
    }
}

pub(super) fn find(state: &State, scope: &Scope, asset: AssetId) -> Option<AssetFacts> {
    let listed = listing::find(state, scope, asset)?;
    let facts = state.facts_of(scope, asset).iter().cloned();
    let latest: BTreeMap<_, _> = facts.map(|it| (it.fact.kind(), it)).collect();
    let itself = std::iter::once(state.asset(scope, asset)?);
    let withheld_by = itself
        .chain(ancestors(state, &listed.asset).take(NewFact::MAX_ANCESTORS.try_into().unwrap()))
        .filter(|it| !own_train_ok(state, it))
        .map(RawAsset::asset_id)
        .take(100)
        .collect();
    Some(AssetFacts {
        listed,
        latest,
        withheld_by,
    })
}

pub(super) fn record(state: &mut State, new: NewFact) -> FactOutcome {
    let NewFact {
        scope,
        asset_id,
        last_fact,
        fact,
        event,
    } = new;
    if state.asset(&scope, asset_id).is_none() {
        return FactOutcome::UnknownAsset;
    }
    let last = state.facts_of(&scope, asset_id).last();
    if last.map(|it| it.sequence) != last_fact {
        return FactOutcome::Changed;
    }
    FactOutcome::Recorded {
        sequence: state.append_fact(&scope, asset_id, fact, event),
        has_followers: false,
    }
}

pub(super) fn lineage(
    state: &State,
    scope: &Scope,
    start: AssetId,
    query: &LineageQuery,
) -> Option<LineageGraph> {
    let start = state.asset(scope, start)?;
    let mut depths = BTreeMap::from([(start.asset_id(), 0)]);
    let mut nodes = vec![(start, 0)];
    let mut graph = LineageGraph::default();
    let directions: &[_] = match query.direction {
        LineageDirection::Ancestors => &[true],
        LineageDirection::Descendants => &[false],
        _ => &[true, false],
    };
    let mut fronts: Vec<_> = directions.iter().map(|up| (*up, vec![start])).collect();
    for depth in 1.. {
        for (up, front) in &mut fronts {
            let relatives = front.iter().flat_map(|it| relatives(state, it, *up));
            let mut next = Vec::new();
            for it in relatives {
                if depths.contains_key(&it.asset_id()) {
                    continue;
                }
                if depth > query.depth || nodes.len() == usize::try_from(query.limit).unwrap() {
                    graph.truncated = true;
                    break;
                }
                depths.insert(it.asset_id(), depth);
                nodes.push((it, depth));
                next.push(it);
            }
            *front = next;
        }
        if fronts.iter().all(|(_, front)| front.is_empty()) {
            break;
        }
    }
    for (asset, depth) in nodes {
        let facts = asset.facts();
        let in_force = in_force(state, asset);
        graph.nodes.push(LineageNode {
            asset_id: asset.asset_id(),
            filename: facts.filename.clone(),
            content_type: facts.content_type.clone(),
            train_ok: in_force.train_ok,
            train_ok_effective: in_force.train_ok_effective,
            depth,
        });
        let parents = asset.provenance().lineage.derived_from.as_slice();
        let shown = parents.iter().filter(|it| depths.contains_key(it));
        graph.edges.extend(shown.map(|parent| LineageEdge {
            from: *parent,
            to: asset.asset_id(),
        }));
    }
    Some(graph)
}

/// The parents in the caller's order, or the children in the order of registration.
fn relatives<'s>(state: &'s State, asset: &RawAsset, up: bool) -> Vec<&'s RawAsset> {
    let (scope, id) = (asset.scope(), asset.asset_id());
    if up {
        let parents = asset.provenance().lineage.derived_from.as_slice();
        parents
            .iter()
            .filter_map(|it| state.asset(scope, *it))
            .collect()
    } else {
        let children = state.registered_in(scope);
        children
            .filter(|it| {
                it.provenance()
                    .lineage
                    .derived_from
                    .as_slice()
                    .contains(&id)
            })
            .collect()
    }
}

/// All ancestors, nearest first.
fn ancestors<'s>(state: &'s State, asset: &RawAsset) -> impl Iterator<Item = &'s RawAsset> {
    let mut seen = BTreeSet::new();
    let mut waiting: VecDeque<_> = relatives(state, asset, true).into();
    std::iter::from_fn(move || {
        loop {
            let next = waiting.pop_front()?;
            if seen.insert(next.asset_id()) {
                waiting.extend(relatives(state, next, true));
                return Some(next);
            }
        }
    })
}

fn own_train_ok(state: &State, asset: &RawAsset) -> bool {
    match latest(state, asset.scope(), asset.asset_id(), FactKind::TrainOk) {
        Some(FactValue::TrainOk(own)) => *own,
        _ => asset.provenance().train_ok,
    }
}

fn latest<'s>(
    state: &'s State,
    scope: &Scope,
    asset: AssetId,
    kind: FactKind,
) -> Option<&'s FactValue> {
    let mut facts = state.facts_of(scope, asset).iter().rev().map(|it| &it.fact);
    facts
        .find(|fact: &&Fact| fact.kind() == kind)
        .map(|it| &it.value)
}

/// Returns the facts after a sequence.
pub(super) fn page(
    state: &State,
    scope: &Scope,
    asset: AssetId,
    after: u64,
    limit: u32,
) -> Vec<StatedFact> {
    let facts = state.facts_of(scope, asset).iter();
    facts
        .filter(|it| it.sequence > after)
        .take(limit.try_into().unwrap())
        .cloned()
        .collect()
}
