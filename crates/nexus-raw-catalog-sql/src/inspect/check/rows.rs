//! The rows of a check, of ranges of assets.

use nexus_raw::{
    asset::{AssetId, FactKind, InForce, StatedFact, Verification},
    event::{DatasetEvent, EventBody},
    tenancy::Scope,
};

use crate::{
    error::CorruptColumn,
    listing::{Sql, Value},
    rows::{Columns, decode},
};

/// The assets with ids above `after`, up to `last`; without `last` all further ones, of whatever
/// table.
#[derive(Debug, Clone, Copy)]
pub(super) struct AssetRange {
    pub(super) after: Option<AssetId>,
    pub(super) last: Option<AssetId>,
}

/// The place of an event or a fact in the order of assets.
pub(super) type AssetPlace = (AssetId, u64);

impl AssetRange {
    fn of(self, text: &str, scope: &Scope, column: &str) -> Sql {
        let mut sql = Sql::of(text, scope);
        if let Some(after) = self.after {
            sql.push(&format!(" AND {column} > ?"), [Value::Id(after)]);
        }
        if let Some(last) = self.last {
            sql.push(&format!(" AND {column} <= ?"), [Value::Id(last)]);
        }
        sql
    }
}

fn place((asset, sequence): AssetPlace) -> [Value; 2] {
    [Value::Id(asset), Value::Integer(sequence.cast_signed())]
}

/// The events of a range after a place.
pub(super) fn events(
    scope: &Scope,
    range: AssetRange,
    from: Option<AssetPlace>,
    limit: usize,
) -> Sql {
    const EVENTS: &str = "
        SELECT e.*, (SELECT l.log_id FROM scope_log l
            WHERE (l.tenant_id, l.env) = (e.tenant_id, e.env) AND l.from_sequence <= e.sequence
            ORDER BY l.from_sequence DESC LIMIT 1) AS log_id
        FROM event e WHERE (e.tenant_id, e.env) = (?, ?)";
    let mut sql = range.of(EVENTS, scope, "e.asset_id");
    if let Some(from) = from {
        sql.push(" AND (e.asset_id, e.sequence) > (?, ?)", place(from));
    }
    let order = format!(" ORDER BY e.asset_id, e.sequence LIMIT {limit}");
    sql.push(&order, []);
    sql
}

/// An event, or its first invalid column.
pub(super) struct EventRow {
    pub(super) place: AssetPlace,
    pub(super) event: Result<EventBody, &'static str>,
}

pub(super) fn event(row: &Columns<'_>) -> Result<EventRow, CorruptColumn> {
    event_by(row, |_, _| Ok(()))
}

/// The same, of a row that has the event's id.
pub(super) fn event_with_id(row: &Columns<'_>) -> Result<EventRow, CorruptColumn> {
    const ID: &str = "event.event_id";
    event_by(row, |row, event| {
        if row.uuid(ID)? == event.event_id {
            Ok(())
        } else {
            Err(CorruptColumn(ID))
        }
    })
}

fn event_by(
    row: &Columns<'_>,
    check: impl FnOnce(&Columns<'_>, &DatasetEvent) -> Result<(), CorruptColumn>,
) -> Result<EventRow, CorruptColumn> {
    let place = (
        row.asset_id("event.asset_id")?,
        row.unsigned("event.sequence")?,
    );
    let event = body(row).and_then(|event| check(row, &event).map(|()| event.body));
    let event = event.map_err(|CorruptColumn(column)| column);
    Ok(EventRow { place, event })
}

/// Decodes an event as all reads do, and compares the columns beside its texts.
fn body(row: &Columns<'_>) -> Result<DatasetEvent, CorruptColumn> {
    const TYPE: &str = "event.event_type";
    const TIME: &str = "event.occurred_at";
    let event = decode::event(row)?;
    let body = &event.body;
    for (column, is_equal) in [
        (TYPE, row.get::<&str>(TYPE)? == body.event_type.as_str()),
        (TIME, row.timestamp(TIME)? == body.occurred_at),
    ] {
        if !is_equal {
            return Err(CorruptColumn(column));
        }
    }
    Ok(event)
}

/// The stated facts of a range, from one place up to another. `json` is a fact `f` as JSON.
pub(super) fn facts(
    json: &str,
    scope: &Scope,
    range: AssetRange,
    from: Option<AssetPlace>,
    to: Option<AssetPlace>,
) -> Sql {
    let select = format!(
        "SELECT f.asset_id, f.sequence, {json} AS fact FROM stated_fact f
        WHERE (f.tenant_id, f.env) = (?, ?)"
    );
    let mut sql = range.of(&select, scope, "f.asset_id");
    for (comparison, at) in [(">", from), ("<=", to)] {
        if let Some(at) = at {
            let condition = format!(" AND (f.asset_id, f.sequence) {comparison} (?, ?)");
            sql.push(&condition, place(at));
        }
    }
    sql.push(" ORDER BY f.asset_id, f.sequence", []);
    sql
}

/// A fact, or its first invalid column.
pub(super) struct FactRow {
    pub(super) place: AssetPlace,
    pub(super) fact: Result<StatedFact, &'static str>,
}

pub(super) fn fact(row: &Columns<'_>) -> Result<FactRow, CorruptColumn> {
    let place = (
        row.asset_id("stated_fact.asset_id")?,
        row.unsigned("stated_fact.sequence")?,
    );
    let fact = decode::stated_fact(row).map_err(|CorruptColumn(column)| column);
    Ok(FactRow { place, fact })
}

/// What is kept of assets beside their records.
pub(super) fn kept(scope: &Scope, range: AssetRange) -> Sql {
    const KEPT: &str = "
        SELECT 0 AS asset, a.*, a.train_ok_effective AS effective,
            NOT EXISTS (SELECT 1 FROM lineage_edge e, asset p
                WHERE (e.tenant_id, e.env) = (a.tenant_id, a.env) AND e.child_id = a.asset_id
                    AND (p.tenant_id, p.env) = (a.tenant_id, a.env) AND p.asset_id = e.parent_id
                    AND NOT p.train_ok_effective) AS parents_allow,
            EXISTS (SELECT 1 FROM lineage_edge e
                WHERE (e.tenant_id, e.env) = (a.tenant_id, a.env) AND e.child_id = a.asset_id
                    AND e.registered_sequence <> a.registered_sequence) AS has_moved_edges
        FROM asset a WHERE (a.tenant_id, a.env) = (?, ?)";
    let mut sql = range.of(KEPT, scope, "a.asset_id");
    sql.push(" ORDER BY a.asset_id", []);
    sql
}

/// What is kept of an asset beside its record.
pub(super) struct KeptAsset {
    pub(super) sequence: u64,
    pub(super) in_force: InForce,
    pub(super) latest: Option<Verification>,
    pub(super) parents_allow: bool,
    pub(super) has_moved_edges: bool,
}

pub(super) fn kept_asset(row: &Columns<'_>) -> Result<OfAsset<KeptAsset>, CorruptColumn> {
    of_asset(row, "asset.asset_id", |row| {
        let head = decode::head(row)?;
        Ok(KeptAsset {
            sequence: head.sequence,
            in_force: head.in_force,
            latest: decode::verification(row)?,
            parents_allow: decode::flag(row, "asset.parents_allow")?,
            has_moved_edges: decode::flag(row, "asset.has_moved_edges")?,
        })
    })
}

/// A row about an asset, or its first invalid column.
pub(super) type OfAsset<T> = (AssetId, Result<T, &'static str>);

fn of_asset<T>(
    row: &Columns<'_>,
    id: &'static str,
    decode: impl FnOnce(&Columns<'_>) -> Result<T, CorruptColumn>,
) -> Result<OfAsset<T>, CorruptColumn> {
    let asset = row.asset_id(id)?;
    Ok((asset, decode(row).map_err(|CorruptColumn(column)| column)))
}

pub(super) fn labels(scope: &Scope, range: AssetRange) -> Sql {
    const LABELS: &str = "SELECT l.* FROM asset_label l WHERE (l.tenant_id, l.env) = (?, ?)";
    let mut sql = range.of(LABELS, scope, "l.asset_id");
    sql.push(" ORDER BY l.asset_id, l.label, l.is_registered", []);
    sql
}

/// A label, as registered or as stated later.
pub(super) struct LabelRow {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) is_registered: bool,
    pub(super) in_force: bool,
    pub(super) sequence: u64,
}

pub(super) fn label(row: &Columns<'_>) -> Result<OfAsset<LabelRow>, CorruptColumn> {
    of_asset(row, "asset_label.asset_id", |row| {
        Ok(LabelRow {
            label: row.get("asset_label.label")?,
            value: row.get("asset_label.value")?,
            is_registered: decode::flag(row, "asset_label.is_registered")?,
            in_force: decode::flag(row, "asset_label.in_force")?,
            sequence: row.unsigned("asset_label.registered_sequence")?,
        })
    })
}

pub(super) fn in_force(scope: &Scope, range: AssetRange) -> Sql {
    const IN_FORCE: &str = "SELECT k.* FROM fact_in_force k WHERE (k.tenant_id, k.env) = (?, ?)";
    let mut sql = range.of(IN_FORCE, scope, "k.asset_id");
    sql.push(" ORDER BY k.asset_id, k.kind", []);
    sql
}

/// The sequence of the fact of a kind that is in force.
pub(super) struct InForceRow {
    pub(super) kind: FactKind,
    pub(super) sequence: u64,
}

pub(super) fn fact_in_force(row: &Columns<'_>) -> Result<OfAsset<InForceRow>, CorruptColumn> {
    of_asset(row, "fact_in_force.asset_id", |row| {
        Ok(InForceRow {
            kind: row.text("fact_in_force.kind", FactKind::parse)?,
            sequence: row.unsigned("fact_in_force.sequence")?,
        })
    })
}
