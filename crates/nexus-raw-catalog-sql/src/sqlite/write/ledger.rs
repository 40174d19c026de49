use std::collections::BTreeMap;

use nexus_raw::{
    asset::{RawAsset, UploadIntent},
    ports::CatalogError,
    tenancy::Scope,
};
use sqlx::SqliteConnection;

use crate::{
    backend::WriteError,
    error::CorruptColumn,
    rows::Columns,
    sqlite::{
        fault::{read_error, write_error},
        parameters::rows_json,
    },
};

/// What a group adds to a scope.
#[derive(Debug, Default)]
struct Change {
    events: i64,
    open_count: i64,
    open_bytes: i64,
    registered_count: i64,
    registered_bytes: i64,
    /// The sequence of the next event, once the scope was written.
    next: Option<i64>,
}

/// What a group adds to each of its scopes, and the sequences that it gets for it.
#[derive(Debug, Default)]
pub(super) struct Ledger(BTreeMap<Scope, Change>);

pub(super) const WRITE: &str = r#"
    UPDATE scope SET
        last_sequence = last_sequence + k.value ->> 2,
        open_count = open_count + k.value ->> 3,
        open_bytes = open_bytes + k.value ->> 4,
        registered_count = registered_count + k.value ->> 5,
        registered_bytes = registered_bytes + k.value ->> 6
    FROM json_each(?1) k
    WHERE scope.tenant_id = k.value ->> 0 AND scope.env = k.value ->> 1
    RETURNING tenant_id AS "scope.tenant_id", env AS "scope.env",
        last_sequence AS "scope.last_sequence""#;

impl Ledger {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One event, and one open intent more.
    pub(super) fn open(&mut self, intent: &UploadIntent) {
        let change = self.0.entry(intent.scope.clone()).or_default();
        change.events += 1;
        change.open_count += 1;
        change.open_bytes += bytes(intent.facts.size_bytes.get());
    }

    /// One event, and nothing else.
    pub(super) fn tell(&mut self, scope: &Scope) {
        let change = self.0.entry(scope.clone()).or_default();
        change.events += 1;
    }

    /// One event, and one record in the place of an open intent.
    pub(super) fn register(&mut self, asset: &RawAsset) {
        let parts = asset.parts();
        let size = bytes(parts.facts.size_bytes.get());
        let change = self.0.entry(parts.scope.clone()).or_default();
        change.events += 1;
        change.open_count -= 1;
        change.open_bytes -= size;
        change.registered_count += 1;
        change.registered_bytes += size;
    }

    /// Writes the scopes, which are there already, and takes their sequences.
    pub(super) async fn write(
        &mut self,
        connection: &mut SqliteConnection,
    ) -> Result<(), WriteError> {
        let changes = self.0.iter().map(|(scope, it)| {
            (
                &scope.tenant,
                &scope.environment,
                it.events,
                it.open_count,
                it.open_bytes,
                it.registered_count,
                it.registered_bytes,
            )
        });
        let rows = sqlx::query(WRITE)
            .bind(rows_json(changes))
            .fetch_all(connection)
            .await
            .map_err(write_error)?;
        for row in &rows {
            self.take(&Columns(row)).map_err(CatalogError::from)?;
        }
        Ok(())
    }

    fn take(&mut self, row: &Columns<'_>) -> Result<(), CorruptColumn> {
        let scope = row.scope("scope.tenant_id", "scope.env")?;
        let last: i64 = row.get("scope.last_sequence")?;
        if let Some(change) = self.0.get_mut(&scope) {
            change.next = Some(last - change.events + 1);
        }
        Ok(())
    }

    /// The sequence of the scope's next event.
    pub(super) fn next(&mut self, scope: &Scope) -> Result<i64, CatalogError> {
        let change = self.0.get_mut(scope);
        let next = change.and_then(|change| change.next.as_mut());
        let next = next.ok_or_else(|| read_error(sqlx::Error::RowNotFound))?;
        *next += 1;
        Ok(*next - 1)
    }
}

/// A size is below 2^53.
fn bytes(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
