use std::fmt;

use nexus_raw::{asset::AssetId, tenancy::Scope};

/// A place where the catalogue is not what its events say. It shows no value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CatalogDifference {
    /// The tenant and environment.
    pub scope: Scope,
    /// The asset, unless it is about the scope as a whole.
    pub asset_id: Option<AssetId>,
    /// The sequence of the event, if it is about one.
    pub sequence: Option<u64>,
    /// The table, or the column as `table.column`.
    pub place: &'static str,
    /// What is wrong there.
    pub kind: DifferenceKind,
}

/// What is wrong at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DifferenceKind {
    /// The service cannot have written the value; of an event's digests: the text or its salt was
    /// changed.
    Invalid,
    /// The value is another one than that of the events.
    Differs,
    /// There is no row, and the events say that it was written.
    Missing,
    /// There is a row, and no event says so.
    Unfounded,
}

impl DifferenceKind {
    /// Returns its name in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Differs => "differs",
            Self::Missing => "missing",
            Self::Unfounded => "unfounded",
        }
    }
}

impl fmt::Display for CatalogDifference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.scope.tenant, self.scope.environment)?;
        if let Some(asset) = self.asset_id {
            write!(out, " asset {asset}")?;
        }
        if let Some(sequence) = self.sequence {
            write!(out, " event {sequence}")?;
        }
        let what = match self.kind {
            DifferenceKind::Invalid => "holds a value that the service cannot have written",
            DifferenceKind::Differs => "is not what the events say",
            DifferenceKind::Missing => "is missing",
            DifferenceKind::Unfounded => "is there, and no event says so",
        };
        write!(out, ": {} {what}", self.place)
    }
}

/// What was checked of a scope.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedScope {
    /// The number of intents.
    pub intents: u64,
    /// The number of records.
    pub records: u64,
    /// The number of events.
    pub events: u64,
    /// Whether a change of consent was on its way to descendants, so that
    /// `asset.train_ok_effective` was compared in one direction alone.
    pub changes_consent: bool,
}

/// The receiver of differences, about one scope.
pub(super) struct Differences<'a> {
    scope: &'a Scope,
    report: &'a mut (dyn FnMut(CatalogDifference) + Send),
}

impl<'a> Differences<'a> {
    pub(super) fn of(
        scope: &'a Scope,
        report: &'a mut (dyn FnMut(CatalogDifference) + Send),
    ) -> Self {
        Self { scope, report }
    }

    /// Reports one about the scope as a whole.
    pub(super) fn of_scope(&mut self, place: &'static str, kind: DifferenceKind) {
        self.add(None, None, place, kind);
    }

    pub(super) fn of_asset(&mut self, asset: AssetId, place: &'static str, kind: DifferenceKind) {
        self.add(Some(asset), None, place, kind);
    }

    pub(super) fn of_event(
        &mut self,
        (asset, sequence): (AssetId, u64),
        place: &'static str,
        kind: DifferenceKind,
    ) {
        self.add(Some(asset), Some(sequence), place, kind);
    }

    /// Reports an event that is not there.
    pub(super) fn of_sequence(&mut self, sequence: u64) {
        self.add(None, Some(sequence), "event", DifferenceKind::Missing);
    }

    /// Reports `place` unless the two are equal.
    pub(super) fn compare<T: PartialEq>(
        &mut self,
        asset: AssetId,
        place: &'static str,
        found: &T,
        expected: &T,
    ) {
        if found != expected {
            self.of_asset(asset, place, DifferenceKind::Differs);
        }
    }

    fn add(
        &mut self,
        asset_id: Option<AssetId>,
        sequence: Option<u64>,
        place: &'static str,
        kind: DifferenceKind,
    ) {
        (self.report)(CatalogDifference {
            scope: self.scope.clone(),
            asset_id,
            sequence,
            place,
            kind,
        });
    }
}
