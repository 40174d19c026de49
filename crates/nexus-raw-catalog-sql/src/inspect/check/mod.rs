//! Comparing a catalogue with its events.

mod compare;
mod difference;
mod retold;
mod rows;
mod scope;

use std::collections::{BTreeMap, BTreeSet};

use nexus_raw::{asset::AssetId, ports::CatalogError, tenancy::Scope};

pub use self::difference::{CatalogDifference, CheckedScope, DifferenceKind};
use self::{
    compare::{AssetRows, ConsentChanges, compare_asset},
    difference::Differences,
    retold::{RetoldAsset, RetoldPage, StatedByEvent, compare_event, compare_facts},
    rows::{AssetPlace, AssetRange, EventRow},
};
use super::{
    CatalogInspector,
    entry::{self, CatalogEntry, CorruptEntry},
    source::{Source, View},
};

/// The entries of a page, and the events that are in memory at once.
const ENTRIES: u32 = 100;
const EVENTS: usize = 500;

impl CatalogInspector {
    /// Recomputes from the events of a scope, in their stored form, all that is derived from them, and
    /// reports each difference: intents, records with their digest, labels, edges, facts and what is
    /// in force, verifications, consent that includes ancestors, counts, and the events themselves:
    /// their digests, ids and sequence.
    ///
    /// It does not know of what was changed together with its events, digests included; see
    /// docs/THREATS.md. Each page is of one moment, so a running server changes nothing about the
    /// result. A row that cannot be decoded is a difference; what else it might hide is not compared.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn check(
        &self,
        scope: &Scope,
        report: &mut (dyn FnMut(CatalogDifference) + Send),
    ) -> Result<CheckedScope, CatalogError> {
        let mut differences = Differences::of(scope, report);
        let mut checked = CheckedScope::default();
        let mut source = self.source.lock().await;
        source.begin(View::Of(scope)).await?;
        scope::compare(&mut source, scope, &mut differences).await?;
        source.end().await?;
        let mut after = None;
        loop {
            source.begin(View::Of(scope)).await?;
            let page = Page::read(&mut source, scope, after, &mut differences).await?;
            source.end().await?;
            page.compare(&mut differences, &mut checked);
            match page.range.last {
                Some(last) => after = Some(last),
                None => return Ok(checked),
            }
        }
    }
}

/// Some entries of a scope, with all that is kept and told of them.
struct Page {
    range: AssetRange,
    changes: ConsentChanges,
    entries: BTreeMap<AssetId, CatalogEntry>,
    rows: BTreeMap<AssetId, AssetRows>,
    retold: RetoldPage,
    /// The entries with a row that cannot be decoded.
    broken: BTreeSet<AssetId>,
    /// The last asset without an intent, and the table that has it.
    stray: Option<(AssetId, &'static str)>,
}

impl Page {
    /// Reads a page, and reports what is wrong about single rows.
    async fn read(
        source: &mut Source,
        scope: &Scope,
        after: Option<AssetId>,
        differences: &mut Differences<'_>,
    ) -> Result<Self, CatalogError> {
        let changes = scope::changes(source, scope).await?;
        let sql = entry::page(source.entries(), scope, after, "", ENTRIES);
        let entries = source.rows(sql, entry::decode).await?;
        let is_full = u32::try_from(entries.len()) == Ok(ENTRIES);
        let last = entries.last().filter(|_| is_full).map(|it| match it {
            Ok(entry) => entry.intent.asset_id,
            Err(corrupt) => corrupt.asset_id,
        });
        let mut page = Self {
            range: AssetRange { after, last },
            changes,
            entries: BTreeMap::new(),
            rows: BTreeMap::new(),
            retold: RetoldPage::new(),
            broken: BTreeSet::new(),
            stray: None,
        };
        for entry in entries {
            match entry {
                Ok(entry) => {
                    page.entries.insert(entry.intent.asset_id, entry);
                }
                Err(CorruptEntry { asset_id, column }) => {
                    differences.of_asset(asset_id, column, DifferenceKind::Invalid);
                    page.broken.insert(asset_id);
                }
            }
        }
        page.read_rows(source, scope, differences).await?;
        page.read_events(source, scope, differences).await?;
        Ok(page)
    }

    fn is_known(&self, asset: AssetId) -> bool {
        self.entries.contains_key(&asset) || self.broken.contains(&asset)
    }

    /// Reports a row about an asset without an intent, and one that cannot be decoded; otherwise
    /// returns it with the rows of its asset.
    fn sort_out<T>(
        &mut self,
        differences: &mut Differences<'_>,
        asset: AssetId,
        table: &'static str,
        row: Result<T, &'static str>,
    ) -> Option<(&mut AssetRows, T)> {
        if !self.is_known(asset) {
            // rows of an asset follow each other
            if self.stray.replace((asset, table)) != Some((asset, table)) {
                differences.of_asset(asset, table, DifferenceKind::Unfounded);
            }
            return None;
        }
        match row {
            Ok(row) => Some((self.rows.entry(asset).or_default(), row)),
            Err(column) => {
                // of a broken one the first invalid column was reported
                if self.broken.insert(asset) {
                    differences.of_asset(asset, column, DifferenceKind::Invalid);
                }
                None
            }
        }
    }

    async fn read_rows(
        &mut self,
        source: &mut Source,
        scope: &Scope,
        differences: &mut Differences<'_>,
    ) -> Result<(), CatalogError> {
        let kept = source.rows(rows::kept(scope, self.range), rows::kept_asset);
        for (asset, kept) in kept.await? {
            if let Some((rows, kept)) = self.sort_out(differences, asset, "asset", kept) {
                rows.kept = Some(kept);
            }
        }
        let labels = source.rows(rows::labels(scope, self.range), rows::label);
        for (asset, label) in labels.await? {
            if let Some((rows, label)) = self.sort_out(differences, asset, "asset_label", label) {
                rows.labels.push(label);
            }
        }
        let in_force = source.rows(rows::in_force(scope, self.range), rows::fact_in_force);
        for (asset, fact) in in_force.await? {
            if let Some((rows, fact)) = self.sort_out(differences, asset, "fact_in_force", fact) {
                rows.in_force.push(fact);
            }
        }
        Ok(())
    }

    /// Reads the events of the page in windows, each with its facts.
    async fn read_events(
        &mut self,
        source: &mut Source,
        scope: &Scope,
        differences: &mut Differences<'_>,
    ) -> Result<(), CatalogError> {
        let mut from = None;
        loop {
            let sql = rows::events(scope, self.range, from, EVENTS);
            let events = if source.keeps_event_ids() {
                source.rows(sql, rows::event_with_id).await?
            } else {
                source.rows(sql, rows::event).await?
            };
            let is_full = events.len() == EVENTS;
            let to = events.last().filter(|_| is_full).map(|it| it.place);
            let stated = self.tell(events, differences);
            let sql = rows::facts(source.fact_json(), scope, self.range, from, to);
            let facts = source.rows(sql, rows::fact).await?;
            compare_facts(differences, stated, facts);
            if to.is_none() {
                return Ok(());
            }
            from = to;
        }
    }

    /// Tells the events of a window, and returns the facts that they state, where that can be told.
    fn tell(
        &mut self,
        events: Vec<EventRow>,
        differences: &mut Differences<'_>,
    ) -> BTreeMap<AssetPlace, Option<StatedByEvent>> {
        let mut stated = BTreeMap::new();
        for EventRow { place, event } in events {
            let (asset, sequence) = place;
            let is_known = self.is_known(asset);
            if !is_known {
                differences.of_event(place, "event", DifferenceKind::Unfounded);
            }
            match event {
                Err(column) => {
                    differences.of_event(place, column, DifferenceKind::Invalid);
                    stated.insert(place, None);
                    if is_known {
                        self.retold.entry(asset).or_default().is_broken = true;
                    }
                }
                Ok(event) => {
                    stated.extend(StatedByEvent::of(&event).map(|it| (place, Some(it))));
                    if let Some(entry) = self.entries.get(&asset) {
                        compare_event(differences, place, &event, entry);
                    }
                    if is_known {
                        self.retold.entry(asset).or_default().tell(sequence, event);
                    }
                }
            }
        }
        stated
    }

    /// Compares each entry with what its events say.
    fn compare(&self, differences: &mut Differences<'_>, checked: &mut CheckedScope) {
        let (no_rows, untold) = (AssetRows::default(), RetoldAsset::default());
        checked.changes_consent |= self.changes.withdrawing || self.changes.restoring;
        let broken = u64::try_from(self.broken.len()).unwrap_or_default();
        checked.intents += broken;
        for retold in self.retold.values() {
            checked.events += retold.events;
        }
        for (asset, entry) in &self.entries {
            checked.intents += u64::from(!self.broken.contains(asset));
            checked.records += u64::from(entry.record.is_some());
            let retold = self.retold.get(asset).unwrap_or(&untold);
            if !retold.is_broken && !self.broken.contains(asset) {
                let rows = self.rows.get(asset).unwrap_or(&no_rows);
                compare_asset(differences, self.changes, entry, rows, retold);
            }
        }
    }
}
