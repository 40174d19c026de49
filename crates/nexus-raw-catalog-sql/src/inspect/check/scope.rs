//! The check of a scope's own row: its counts, and that its events have no gaps.

use nexus_raw::{ports::CatalogError, tenancy::Scope};

use super::{
    compare::ConsentChanges,
    difference::{DifferenceKind, Differences},
};
use crate::{
    error::CorruptColumn,
    inspect::source::Source,
    listing::{Sql, Value},
    rows::{Columns, decode},
};

const CHANGES: &str =
    "SELECT s.withdrawing, s.restoring FROM scope s WHERE (s.tenant_id, s.env) = (?, ?)";

/// Reads what the scope is doing with consent, within the transaction of `source`.
pub(super) async fn changes(
    source: &mut Source,
    scope: &Scope,
) -> Result<ConsentChanges, CatalogError> {
    let changes = |row: &Columns<'_>| {
        Ok(ConsentChanges {
            withdrawing: decode::flag(row, "scope.withdrawing")?,
            restoring: decode::flag(row, "scope.restoring")?,
        })
    };
    let changes = source.rows(Sql::of(CHANGES, scope), changes).await?;
    let missing = CorruptColumn("scope.tenant_id");
    Ok(changes.into_iter().next().ok_or(missing)?)
}

/// What the row of a scope says, and what its tables have.
struct ScopeCounts {
    columns: Vec<(&'static str, i64, i64)>,
    last_sequence: u64,
}

/// The number of events is -1 unless they are as many as the last one's sequence.
const COUNTS: &str = "
    SELECT 0 AS scope, s.*, 0 AS counted,
        (SELECT CASE WHEN count(*) = coalesce(max(e.sequence), 0) THEN count(*) ELSE -1 END
            FROM event e WHERE (e.tenant_id, e.env) = (s.tenant_id, s.env)) AS events,
        i.open_count, i.open_bytes, a.registered_count, a.registered_bytes, a.corrupt_count,
        EXISTS (SELECT 1 FROM consent_change c
            WHERE (c.tenant_id, c.env) = (s.tenant_id, s.env) AND c.is_withdrawal) AS withdrawing,
        EXISTS (SELECT 1 FROM consent_change c
            WHERE (c.tenant_id, c.env) = (s.tenant_id, s.env) AND NOT c.is_withdrawal) AS restoring
    FROM scope s
    CROSS JOIN (SELECT count(*) AS open_count, coalesce(sum(i.size_bytes), 0) AS open_bytes
        FROM upload_intent i
        WHERE (i.tenant_id, i.env) = (?, ?) AND i.state = 'pending') i
    CROSS JOIN (SELECT count(*) AS registered_count,
            coalesce(sum(a.size_bytes), 0) AS registered_bytes,
            coalesce(sum(CASE WHEN a.verdict <> 'intact' THEN 1 ELSE 0 END), 0) AS corrupt_count
        FROM asset a WHERE (a.tenant_id, a.env) = (?, ?)) a
    WHERE (s.tenant_id, s.env) = (?, ?)";

fn counts(row: &Columns<'_>) -> Result<ScopeCounts, CorruptColumn> {
    let mut columns = Vec::new();
    for (column, counted) in [
        ("scope.last_sequence", "counted.events"),
        ("scope.open_count", "counted.open_count"),
        ("scope.open_bytes", "counted.open_bytes"),
        ("scope.registered_count", "counted.registered_count"),
        ("scope.registered_bytes", "counted.registered_bytes"),
        ("scope.corrupt_count", "counted.corrupt_count"),
        ("scope.withdrawing", "counted.withdrawing"),
        ("scope.restoring", "counted.restoring"),
    ] {
        columns.push((column, row.get(column)?, row.get(counted)?));
    }
    Ok(ScopeCounts {
        columns,
        last_sequence: row.unsigned("scope.last_sequence")?,
    })
}

/// The most gaps that are reported of a scope.
const MAX_GAPS: u32 = 1000;

const GAPS: &str = "
    SELECT e.sequence + 1 AS gap FROM event e
    WHERE (e.tenant_id, e.env) = (?, ?) AND e.sequence < ?
        AND NOT EXISTS (SELECT 1 FROM event n
            WHERE (n.tenant_id, n.env) = (e.tenant_id, e.env) AND n.sequence = e.sequence + 1)
    ORDER BY e.sequence LIMIT ";

const FIRST: &str = "
    SELECT min(e.sequence) AS first FROM event e WHERE (e.tenant_id, e.env) = (?, ?)";

/// Compares the row of the scope with what its tables have, and reports missing events: of each gap
/// the first one.
pub(super) async fn compare(
    source: &mut Source,
    scope: &Scope,
    differences: &mut Differences<'_>,
) -> Result<(), CatalogError> {
    let mut sql = Sql::of(COUNTS, scope);
    for _ in 0..2 {
        let again = Sql::of("", scope).values;
        sql.push("", again);
    }
    let found = source.rows(sql, counts).await?;
    let missing = CorruptColumn("scope.tenant_id");
    let found = found.into_iter().next().ok_or(missing)?;
    for (column, kept, counted) in &found.columns {
        if kept != counted {
            differences.of_scope(column, DifferenceKind::Differs);
        }
    }
    let first = |row: &Columns<'_>| row.optional::<i64>("event.first");
    let first = source.rows(Sql::of(FIRST, scope), first).await?;
    let begins_late = first.first().copied().flatten() != Some(1);
    if found.last_sequence > 0 && begins_late {
        differences.of_sequence(1);
    }
    let mut sql = Sql::of(&format!("{GAPS}{MAX_GAPS}"), scope);
    let last = Value::Integer(found.last_sequence.cast_signed());
    sql.values.push(last);
    let gap = |row: &Columns<'_>| row.unsigned("event.gap");
    for gap in source.rows(sql, gap).await? {
        differences.of_sequence(gap);
    }
    Ok(())
}
