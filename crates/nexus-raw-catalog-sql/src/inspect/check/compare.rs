use std::collections::BTreeMap;

use nexus_raw::{
    asset::{AssetId, FactKind, Labels, RawAsset},
    event::EventBody,
};

use super::{
    difference::{DifferenceKind, Differences},
    retold::RetoldAsset,
    rows::{InForceRow, KeptAsset, LabelRow},
};
use crate::inspect::entry::{CatalogEntry, EntryState};

/// What a scope is doing with consent, and so in which direction `train_ok_effective` is exact.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConsentChanges {
    /// Descendants may still be allowed.
    pub(super) withdrawing: bool,
    /// Descendants may still be withheld.
    pub(super) restoring: bool,
}

/// The rows of an asset beside its intent and record.
#[derive(Default)]
pub(super) struct AssetRows {
    pub(super) kept: Option<KeptAsset>,
    pub(super) labels: Vec<LabelRow>,
    pub(super) in_force: Vec<InForceRow>,
}

/// Compares all that is kept of an asset with what its events say.
pub(super) fn compare_asset(
    differences: &mut Differences<'_>,
    changes: ConsentChanges,
    entry: &CatalogEntry,
    rows: &AssetRows,
    retold: &RetoldAsset,
) {
    let asset = entry.intent.asset_id;
    compare_intent(differences, entry, retold);
    match (&retold.registration, &entry.record) {
        (None, None) => {}
        (None, Some(_)) => differences.of_asset(asset, "asset", DifferenceKind::Unfounded),
        (Some(_), None) => differences.of_asset(asset, "asset", DifferenceKind::Missing),
        (Some((sequence, event)), Some(record)) => {
            compare_record(differences, record, event);
            if let Some(kept) = &rows.kept {
                let at = "asset.registered_sequence";
                differences.compare(asset, at, &kept.sequence, sequence);
                compare_in_force(differences, record, kept, retold);
                compare_effective(differences, changes, record, kept, retold);
            }
            compare_labels(differences, asset, *sequence, &rows.labels, retold);
            compare_facts_in_force(differences, asset, &rows.in_force, retold);
        }
    }
}

fn compare_intent(differences: &mut Differences<'_>, entry: &CatalogEntry, retold: &RetoldAsset) {
    let intent = &entry.intent;
    let asset = intent.asset_id;
    let is_told = if retold.registration.is_some() {
        entry.state == EntryState::Registered
    } else if retold.is_aborted {
        entry.state == EntryState::Aborted
    } else {
        matches!(entry.state, EntryState::Pending | EntryState::Ended)
    };
    if !is_told {
        differences.of_asset(asset, "upload_intent.state", DifferenceKind::Differs);
    }
    match &retold.presigned {
        Some((at, by)) => {
            let (time, user) = ("upload_intent.requested_at", "upload_intent.requested_by");
            differences.compare(asset, time, &intent.requested_at, at);
            differences.compare(asset, user, &intent.requested_by, by);
        }
        // what was imported was never presigned
        None if retold.registration.is_some() => {}
        None => differences.of_asset(asset, "upload_intent", DifferenceKind::Unfounded),
    }
}

/// Compares a record with its registration. The digest of the record covers what the event does not
/// have.
fn compare_record(differences: &mut Differences<'_>, record: &RawAsset, event: &EventBody) {
    let asset = record.asset_id();
    let (facts, provenance) = (record.facts(), record.provenance());
    let integrity = event.integrity;
    let lineage = (&provenance.lineage, &event.lineage);
    for (place, is_equal) in [
        ("asset.filename", *record.address() == event.uri),
        (
            "asset.content_type",
            facts.content_type == event.content_type,
        ),
        ("asset.size_bytes", facts.size_bytes == event.size_bytes),
        ("asset.sha256", Some(facts.sha256) == event.sha256),
        (
            "asset.imported_at",
            record.imported_at() == event.occurred_at,
        ),
        (
            "asset.registered_by",
            *record.registered_by() == event.user_id,
        ),
        (
            "asset.train_ok",
            Some(provenance.train_ok) == event.train_ok,
        ),
        (
            "asset.pii_flags",
            Some(&provenance.pii_flags) == event.pii_flags.as_ref(),
        ),
        (
            "lineage_edge.parent_id",
            lineage.0.derived_from == lineage.1.derived_from,
        ),
        (
            "asset.source_uri",
            lineage.0.source_uri == lineage.1.source_uri,
        ),
        ("asset.activity", lineage.0.activity == lineage.1.activity),
        (
            "asset.integrity_level",
            Some(record.integrity().level) == integrity.map(|it| it.level),
        ),
        (
            "asset.integrity_parts",
            record.integrity().parts == integrity.and_then(|it| it.parts),
        ),
        (
            "record_sha256",
            Some(record.record_sha256()) == event.record_sha256,
        ),
    ] {
        if !is_equal {
            differences.of_asset(asset, place, DifferenceKind::Differs);
        }
    }
}

/// Compares what facts and verifications have changed.
fn compare_in_force(
    differences: &mut Differences<'_>,
    record: &RawAsset,
    kept: &KeptAsset,
    retold: &RetoldAsset,
) {
    let asset = record.asset_id();
    let provenance = record.provenance();
    let train_ok = retold.train_ok.unwrap_or(provenance.train_ok);
    let pii_flags = retold.pii_flags.as_ref().unwrap_or(&provenance.pii_flags);
    let stated = "asset.stated_train_ok";
    differences.compare(asset, stated, &kept.in_force.train_ok, &train_ok);
    let stated = "asset.stated_pii_flags";
    differences.compare(asset, stated, &kept.in_force.pii_flags, pii_flags);
    let last = "asset.last_fact";
    differences.compare(asset, last, &kept.in_force.last_fact, &retold.last_fact);
    differences.compare(asset, "asset.verdict", &kept.latest, &retold.verification);
    let edges = "lineage_edge.registered_sequence";
    differences.compare(asset, edges, &kept.has_moved_edges, &false);
}

/// Compares whether an asset and all its ancestors allow training with its own statement and what its
/// parents have; so no lineage is followed, and yet a chain of assets is right if each link is.
fn compare_effective(
    differences: &mut Differences<'_>,
    changes: ConsentChanges,
    record: &RawAsset,
    kept: &KeptAsset,
    retold: &RetoldAsset,
) {
    let own = retold.train_ok.unwrap_or(record.provenance().train_ok);
    let expected = own && kept.parents_allow;
    let found = kept.in_force.train_ok_effective;
    let is_right = match (found, changes) {
        (
            true,
            ConsentChanges {
                withdrawing: true, ..
            },
        ) => own,
        (
            false,
            ConsentChanges {
                restoring: true, ..
            },
        ) => true,
        _ => found == expected,
    };
    if !is_right {
        let place = "asset.train_ok_effective";
        differences.of_asset(record.asset_id(), place, DifferenceKind::Differs);
    }
}

/// Compares labels in force. Those of the record are covered by its digest.
fn compare_labels(
    differences: &mut Differences<'_>,
    asset: AssetId,
    sequence: u64,
    labels: &[LabelRow],
    retold: &RetoldAsset,
) {
    let is_moved = labels.iter().any(|it| it.sequence != sequence);
    differences.compare(asset, "asset_label.registered_sequence", &is_moved, &false);
    let registered_are_in_force = retold.labels.is_none();
    let is_set = |it: &LabelRow| it.in_force != (!it.is_registered || registered_are_in_force);
    let is_switched = labels.iter().any(is_set);
    differences.compare(asset, "asset_label.in_force", &is_switched, &false);
    let stated = labels.iter().filter(|it| !it.is_registered);
    let stated: BTreeMap<&str, &str> = stated.map(|it| (&*it.label, &*it.value)).collect();
    let told = retold.labels.as_ref().map(Labels::as_map);
    let told = told.into_iter().flatten();
    let told: BTreeMap<&str, &str> = told.map(|(label, value)| (&**label, &**value)).collect();
    differences.compare(asset, "asset_label.value", &stated, &told);
}

fn compare_facts_in_force(
    differences: &mut Differences<'_>,
    asset: AssetId,
    rows: &[InForceRow],
    retold: &RetoldAsset,
) {
    let found: BTreeMap<FactKind, u64> = rows.iter().map(|it| (it.kind, it.sequence)).collect();
    differences.compare(asset, "fact_in_force", &found, &retold.facts);
}
