//! The decision on each registration of a group, before any is written.

use std::collections::BTreeMap;

use nexus_raw::{
    asset::{AssetId, ContentFacts, DeclaredFacts},
    ports::{IntentState, NewAsset, RegisterOutcome},
    tenancy::Scope,
};

/// One asset of one scope.
pub(crate) type AssetKey = (Scope, AssetId);

/// Returns the key of a registration's asset.
pub(crate) fn key_of(new: &NewAsset) -> AssetKey {
    (new.asset.scope().clone(), new.asset.asset_id())
}

/// The state of a group's assets and parents at the start of its transaction.
#[derive(Debug, Default)]
pub(crate) struct KnownState {
    /// The intents of the group's assets.
    pub(crate) intents: BTreeMap<AssetKey, IntentState>,
    /// The registered parents of the group, each with whether it and all its ancestors allow
    /// training.
    pub(crate) registered: BTreeMap<AssetKey, bool>,
}

/// The outcome of each registration.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Decisions {
    pub(crate) outcomes: Vec<RegisterOutcome>,
    /// For each `Registered` one, whether it and all its ancestors allow training.
    train_ok_effective: Vec<bool>,
}

impl Decisions {
    /// Returns the members to write, each with whether it and all its ancestors allow training.
    pub(crate) fn registered<'a, T>(&self, group: &[&'a T]) -> Vec<(&'a T, bool)> {
        let members = group.iter().zip(&self.outcomes);
        let registered = members.filter(|(_, it)| **it == RegisterOutcome::Registered);
        let registered = registered.map(|(member, _)| *member);
        registered
            .zip(self.train_ok_effective.iter().copied())
            .collect()
    }
}

/// A record whose facts or address differ from its intent's. The service builds the record from the
/// intent, so this is a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("record differs from its intent")]
pub(crate) struct ForeignRecord;

/// Decides the registrations in order, as if each had its own transaction: the first of several for
/// one asset is written, and the later ones get `AlreadyRegistered`. The caller then writes those
/// that are `Registered`.
pub(crate) fn decide(
    group: &[&NewAsset],
    mut known: KnownState,
) -> Result<Decisions, ForeignRecord> {
    let mut decisions = Decisions::default();
    for new in group {
        let outcome = decide_one(new, &known)?;
        if outcome == RegisterOutcome::Registered {
            let key = key_of(new);
            if let Some(state) = known.intents.get_mut(&key) {
                register(state, new);
            }
            let provenance = new.asset.provenance();
            let mut parents = provenance.lineage.derived_from.as_slice().iter();
            let effective = provenance.train_ok
                && parents
                    .all(|parent| known.registered.get(&(key.0.clone(), *parent)) == Some(&true));
            decisions.train_ok_effective.push(effective);
            known.registered.insert(key, effective);
        }
        decisions.outcomes.push(outcome);
    }
    Ok(decisions)
}

fn decide_one(new: &NewAsset, known: &KnownState) -> Result<RegisterOutcome, ForeignRecord> {
    let asset = &new.asset;
    let intent = match known.intents.get(&key_of(new)) {
        None => return Ok(RegisterOutcome::UnknownIntent),
        Some(IntentState::Registered {
            asset,
            provenance_digest,
            ..
        }) => {
            return Ok(RegisterOutcome::AlreadyRegistered {
                asset: asset.clone(),
                provenance_digest: *provenance_digest,
            });
        }
        Some(IntentState::Aborted(_)) => return Ok(RegisterOutcome::Aborted),
        Some(IntentState::Pending(intent)) => intent,
    };
    if !keeps(&intent.facts, asset.facts()) || intent.address != *asset.address() {
        return Err(ForeignRecord);
    }
    let parents = asset.provenance().lineage.derived_from.as_slice();
    let unknown: Vec<usize> = (0..parents.len())
        .filter(|&at| {
            !known
                .registered
                .contains_key(&(asset.scope().clone(), parents[at]))
        })
        .collect();
    if unknown.is_empty() {
        Ok(RegisterOutcome::Registered)
    } else {
        Ok(RegisterOutcome::UnknownParents(unknown))
    }
}

/// Whether a content is what was declared. An upload in parts may have no declared digest.
fn keeps(declared: &DeclaredFacts, facts: &ContentFacts) -> bool {
    let ContentFacts {
        filename,
        content_type,
        size_bytes,
        sha256,
    } = facts;
    (filename, content_type, size_bytes)
        == (
            &declared.filename,
            &declared.content_type,
            &declared.size_bytes,
        )
        && declared.sha256.as_ref().is_none_or(|it| it == sha256)
}

fn register(state: &mut IntentState, new: &NewAsset) {
    if let IntentState::Pending(intent) = state {
        *state = IntentState::Registered {
            intent: intent.clone(),
            asset: Box::new(new.asset.clone()),
            provenance_digest: new.provenance_digest,
        };
    }
}

#[cfg(test)]
mod tests {
    use nexus_raw::asset::{Provenance, UploadIntent};
    use nexus_raw_testkit::sample;

    use super::*;

    fn pending(scope: &Scope, ids: &[AssetId]) -> KnownState {
        let intents = ids
            .iter()
            .map(|id| {
                let intent = sample::intent(scope, *id);
                ((scope.clone(), *id), IntentState::Pending(intent))
            })
            .collect();
        KnownState {
            intents,
            registered: BTreeMap::new(),
        }
    }

    fn new_asset(scope: &Scope, id: AssetId, provenance: Provenance) -> NewAsset {
        sample::new_asset(&sample::intent(scope, id), provenance)
    }

    fn outcomes(
        group: &[&NewAsset],
        known: KnownState,
    ) -> Result<Vec<RegisterOutcome>, ForeignRecord> {
        decide(group, known).map(|decisions| decisions.outcomes)
    }

    /// Also where they are registered in one group, in any order of depth.
    #[test]
    fn training_is_allowed_where_the_asset_and_all_its_ancestors_allow_it() {
        let scope = sample::scope("t_a", "dev");
        let ids: Vec<_> = (1..=5).map(sample::asset_id).collect();
        let new = |at: usize, train_ok, parents: &[usize]| {
            let parents: Vec<_> = parents.iter().map(|at| ids[*at]).collect();
            let provenance = Provenance {
                train_ok,
                ..sample::derived_from(&parents)
            };
            new_asset(&scope, ids[at], provenance)
        };
        let group = [
            new(0, true, &[]),
            new(1, false, &[0]),
            new(2, true, &[0]),
            new(3, true, &[2, 1]),
            new(4, true, &[3]),
        ];
        let group: Vec<_> = group.iter().collect();
        let decided = decide(&group, pending(&scope, &ids)).unwrap();
        let effective = decided.registered(&group).into_iter().map(|(_, it)| it);
        let expected = [true, false, true, false, false];
        assert_eq!(effective.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn of_several_for_one_asset_the_first_is_written_and_returned_to_the_others() {
        let scope = sample::scope("t_a", "dev");
        let id = sample::asset_id(1);
        let first = new_asset(&scope, id, Provenance::default());
        let other = new_asset(&scope, id, sample::provenance());
        let existing = RegisterOutcome::AlreadyRegistered {
            asset: Box::new(first.asset.clone()),
            provenance_digest: first.provenance_digest,
        };
        assert_eq!(
            outcomes(&[&first, &other, &first], pending(&scope, &[id])),
            Ok(vec![
                RegisterOutcome::Registered,
                existing.clone(),
                existing
            ])
        );
    }

    #[test]
    fn the_first_that_can_be_written_is_the_first() {
        let scope = sample::scope("t_a", "dev");
        let (id, stranger) = (sample::asset_id(1), sample::asset_id(2));
        let orphan = new_asset(&scope, id, sample::derived_from(&[stranger]));
        let sound = new_asset(&scope, id, Provenance::default());
        assert_eq!(
            outcomes(&[&orphan, &sound], pending(&scope, &[id])),
            Ok(vec![
                RegisterOutcome::UnknownParents(vec![0]),
                RegisterOutcome::Registered
            ])
        );
    }

    #[test]
    fn a_parent_counts_from_its_own_registration_on_and_in_its_scope_only() {
        let scope = sample::scope("t_a", "dev");
        let (parent, child) = (sample::asset_id(1), sample::asset_id(2));
        let of = new_asset(&scope, child, sample::derived_from(&[parent]));
        let its_parent = new_asset(&scope, parent, Provenance::default());
        assert_eq!(
            outcomes(&[&of, &its_parent, &of], pending(&scope, &[parent, child])),
            Ok(vec![
                RegisterOutcome::UnknownParents(vec![0]),
                RegisterOutcome::Registered,
                RegisterOutcome::Registered
            ])
        );
        let mut elsewhere = pending(&scope, &[child]);
        elsewhere
            .registered
            .insert((sample::scope("t_b", "dev"), parent), true);
        assert_eq!(
            outcomes(&[&of], elsewhere),
            Ok(vec![RegisterOutcome::UnknownParents(vec![0])])
        );
    }

    #[test]
    fn a_record_with_other_facts_than_its_intent_is_refused() {
        let scope = sample::scope("t_a", "dev");
        let id = sample::asset_id(1);
        let other = sample::intent_of(&scope, id, sample::facts_of(b"other"));
        let foreign = sample::new_asset(&other, Provenance::default());
        assert_eq!(
            decide(&[&foreign], pending(&scope, &[id])),
            Err(ForeignRecord)
        );
    }

    /// One that was not declared may be stated by the record.
    #[test]
    fn a_record_keeps_the_digest_that_was_declared() {
        let scope = sample::scope("t_a", "dev");
        let unstated = sample::intent_in_parts(&scope, sample::asset_id(1));
        let declared = sample::facts_of(b"another one").sha256;
        let mut stated = unstated.clone();
        stated.facts.sha256 = Some(declared);
        let decided = |intent: &UploadIntent, sha256| {
            let mut known = KnownState::default();
            let key = (scope.clone(), intent.asset_id);
            let state = IntentState::Pending(intent.clone());
            known.intents.insert(key, state);
            let mut record = intent.clone();
            record.facts.sha256 = Some(sha256);
            outcomes(&[&sample::new_asset(&record, Provenance::default())], known)
        };
        let other = sample::facts().sha256;
        let registered = Ok(vec![RegisterOutcome::Registered]);
        assert_eq!(decided(&unstated, other), registered);
        assert_eq!(decided(&stated, declared), registered);
        assert_eq!(decided(&stated, other), Err(ForeignRecord));
    }

    #[test]
    fn an_aborted_upload_is_not_registered() {
        let scope = sample::scope("t_a", "dev");
        let intent = sample::intent_in_parts(&scope, sample::asset_id(1));
        let new = sample::new_asset(&intent, Provenance::default());
        let mut known = KnownState::default();
        let state = IntentState::Aborted(intent.clone());
        known.intents.insert((scope, intent.asset_id), state);
        assert_eq!(outcomes(&[&new], known), Ok(vec![RegisterOutcome::Aborted]));
    }

    #[test]
    fn without_an_intent_nothing_is_registered() {
        let scope = sample::scope("t_a", "dev");
        let new = new_asset(&scope, sample::asset_id(1), Provenance::default());
        assert_eq!(
            outcomes(&[&new], KnownState::default()),
            Ok(vec![RegisterOutcome::UnknownIntent])
        );
    }
}
