use nexus_raw::{
    asset::{AssetId, Sha256Digest},
    tenancy::{Environment, Scope, TenantId},
    time::Timestamp,
};
use sqlx::{Decode, Row, Sqlite, Type, sqlite::SqliteRow};
use uuid::Uuid;

use crate::error::CorruptColumn;

/// Reads the columns of a row, each under the name `table.column`, back into what they were
/// written from. Whatever does not come back is a [`CorruptColumn`].
pub(super) struct Columns<'r>(pub(super) &'r SqliteRow);

impl<'r> Columns<'r> {
    /// The column as SQLite has it; `None` where it is null.
    pub(super) fn optional<T>(&self, column: &'static str) -> Result<Option<T>, CorruptColumn>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite>,
    {
        self.0.try_get(column).map_err(|_| CorruptColumn(column))
    }

    /// The column as SQLite has it, and never null. (sqlx itself would read a null as zero or as
    /// an empty text.)
    pub(super) fn get<T>(&self, column: &'static str) -> Result<T, CorruptColumn>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite>,
    {
        self.optional(column)?.ok_or(CorruptColumn(column))
    }

    /// The text column, read by `parse`.
    pub(super) fn text<T, E>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, CorruptColumn> {
        parse(self.get(column)?).map_err(|_| CorruptColumn(column))
    }

    /// The text column, read by `parse`; `None` where it is null.
    pub(super) fn optional_text<T, E>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, CorruptColumn> {
        let text: Option<&str> = self.optional(column)?;
        text.map(parse)
            .transpose()
            .map_err(|_| CorruptColumn(column))
    }

    /// The column of a count or of another number that is not negative.
    pub(super) fn unsigned(&self, column: &'static str) -> Result<u64, CorruptColumn> {
        let number: i64 = self.get(column)?;
        u64::try_from(number).map_err(|_| CorruptColumn(column))
    }

    pub(super) fn timestamp(&self, column: &'static str) -> Result<Timestamp, CorruptColumn> {
        Timestamp::from_micros(self.get(column)?).map_err(|_| CorruptColumn(column))
    }

    /// The column of exactly `N` bytes.
    pub(super) fn bytes<const N: usize>(
        &self,
        column: &'static str,
    ) -> Result<[u8; N], CorruptColumn> {
        let bytes: &[u8] = self.get(column)?;
        bytes.try_into().map_err(|_| CorruptColumn(column))
    }

    pub(super) fn digest(&self, column: &'static str) -> Result<Sha256Digest, CorruptColumn> {
        self.bytes(column).map(Sha256Digest::from_bytes)
    }

    pub(super) fn uuid(&self, column: &'static str) -> Result<Uuid, CorruptColumn> {
        self.bytes(column).map(Uuid::from_bytes)
    }

    pub(super) fn asset_id(&self, column: &'static str) -> Result<AssetId, CorruptColumn> {
        self.uuid(column).map(AssetId::from_uuid)
    }

    pub(super) fn scope(
        &self,
        tenant: &'static str,
        environment: &'static str,
    ) -> Result<Scope, CorruptColumn> {
        Ok(Scope {
            tenant: self.text(tenant, TenantId::parse)?,
            environment: self.text(environment, Environment::parse)?,
        })
    }
}
