use nexus_raw::{
    asset::{AssetId, Sha256Digest},
    tenancy::{Environment, Scope, TenantId},
    time::Timestamp,
};
use uuid::Uuid;

use super::cells::{Cell, Cells};
use crate::error::CorruptColumn;

/// Decodes the columns of a row, each by the name `table.column`. A value that cannot be decoded is
/// a [`CorruptColumn`].
pub(crate) struct Columns<'r>(pub(crate) &'r dyn Cells);

impl<'r> Columns<'r> {
    /// Returns the column, or `None` if it is null.
    pub(crate) fn optional<T: Cell<'r>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, CorruptColumn> {
        T::read(self.0, column).map_err(|_| CorruptColumn(column))
    }

    /// Returns the column, which must not be null.
    pub(crate) fn get<T: Cell<'r>>(&self, column: &'static str) -> Result<T, CorruptColumn> {
        self.optional(column)?.ok_or(CorruptColumn(column))
    }

    /// Returns the text column, parsed by `parse`.
    pub(crate) fn text<T, E>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, CorruptColumn> {
        parse(self.get(column)?).map_err(|_| CorruptColumn(column))
    }

    /// Returns the text column, parsed by `parse`, or `None` if it is null.
    pub(crate) fn optional_text<T, E>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, CorruptColumn> {
        let text: Option<&str> = self.optional(column)?;
        text.map(parse)
            .transpose()
            .map_err(|_| CorruptColumn(column))
    }

    /// Returns the column as a non-negative number.
    pub(crate) fn unsigned(&self, column: &'static str) -> Result<u64, CorruptColumn> {
        let number: i64 = self.get(column)?;
        u64::try_from(number).map_err(|_| CorruptColumn(column))
    }

    pub(crate) fn timestamp(&self, column: &'static str) -> Result<Timestamp, CorruptColumn> {
        Timestamp::from_micros(self.get(column)?).map_err(|_| CorruptColumn(column))
    }

    /// Returns the column of exactly `N` bytes.
    pub(crate) fn bytes<const N: usize>(
        &self,
        column: &'static str,
    ) -> Result<[u8; N], CorruptColumn> {
        let bytes: Vec<u8> = self.get(column)?;
        bytes.try_into().map_err(|_| CorruptColumn(column))
    }

    pub(crate) fn digest(&self, column: &'static str) -> Result<Sha256Digest, CorruptColumn> {
        self.bytes(column).map(Sha256Digest::from_bytes)
    }

    pub(crate) fn uuid(&self, column: &'static str) -> Result<Uuid, CorruptColumn> {
        self.bytes(column).map(Uuid::from_bytes)
    }

    pub(crate) fn asset_id(&self, column: &'static str) -> Result<AssetId, CorruptColumn> {
        self.uuid(column).map(AssetId::from_uuid)
    }

    pub(crate) fn scope(
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
