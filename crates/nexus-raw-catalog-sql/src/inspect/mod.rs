//! Reading a whole catalogue, beside the servers that use it.

mod check;
mod entry;
mod inventory;
mod source;

use std::{fmt, path::Path};

use nexus_raw::{
    asset::AssetId,
    ports::CatalogError,
    tenancy::{Scope, TenantId},
};
use tokio::sync::Mutex;

#[cfg(test)]
pub(crate) use self::entry::page;
use self::source::{Source, View};
pub use self::{
    check::{CatalogDifference, CheckedScope, DifferenceKind},
    entry::{CatalogEntry, CorruptEntry, EntryState},
};
use crate::{
    backup::{BackupError, BackupReport},
    error::OpenError,
    listing::{Sql, Value},
    location::Location,
    rows::Columns,
};

/// A reader of a whole catalogue: scope by scope in the order of their names, entry by entry in the
/// order of their ids, in pages.
///
/// It never writes, takes no lock, and blocks no server. On SQLite its connection is read-only, so
/// it reads beside the one server that has the catalogue; the file must exist. On PostgreSQL each
/// page is a read-only transaction, in which the scope is entered as for background work; a standby
/// serves as well. The schema must be that of this version: it is never migrated.
///
/// A page is of one moment, and the next one may be of a later one. Entries are never deleted, so
/// none is missed that was there at the beginning.
pub struct CatalogInspector {
    source: Mutex<Source>,
}

impl CatalogInspector {
    /// The largest page.
    pub const MAX_PAGE: u32 = 1000;

    /// Opens the catalogue that a URL names, as [`SqlCatalogSettings::url`] does.
    ///
    /// # Errors
    /// See [`OpenError`]. A missing file, and a schema that this version cannot use, are
    /// [`OpenError::Incompatible`].
    ///
    /// [`SqlCatalogSettings::url`]: crate::SqlCatalogSettings::url
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let source = Source::open(Location::parse(url)?).await?;
        Ok(Self {
            source: Mutex::new(source),
        })
    }

    /// Returns up to `limit` scopes after `after`, by tenant and then environment; with `tenant` only
    /// those of that one.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn scopes(
        &self,
        tenant: Option<&TenantId>,
        after: Option<&Scope>,
        limit: u32,
    ) -> Result<Vec<Scope>, CatalogError> {
        let mut sql = Sql::default();
        sql.push("SELECT s.tenant_id, s.env FROM scope s WHERE TRUE", []);
        if let Some(tenant) = tenant {
            let tenant = Value::Text(tenant.as_str().to_owned());
            sql.push(" AND s.tenant_id = ?", [tenant]);
        }
        if let Some(after) = after {
            let after = Sql::of(" AND (s.tenant_id, s.env) > (?, ?)", after);
            sql.push(&after.text, after.values);
        }
        let order = format!(" ORDER BY s.tenant_id, s.env LIMIT {}", within(limit));
        sql.push(&order, []);
        let mut source = self.source.lock().await;
        source.begin(View::AllScopes).await?;
        let scope = |row: &Columns<'_>| row.scope("scope.tenant_id", "scope.env");
        let scopes = source.rows(sql, scope).await?;
        source.end().await?;
        Ok(scopes)
    }

    /// Returns up to `limit` entries of a scope after the one with the id `after`, by id. A page
    /// shorter than the limit is the last one.
    ///
    /// # Errors
    /// See [`CatalogError`]. A row that cannot be decoded is an item of the page, and not an error.
    pub async fn entries(
        &self,
        scope: &Scope,
        after: Option<AssetId>,
        limit: u32,
    ) -> Result<Vec<Result<CatalogEntry, CorruptEntry>>, CatalogError> {
        let mut source = self.source.lock().await;
        source.begin(View::Of(scope)).await?;
        let sql = entry::page(source.entries(), scope, after, "", within(limit));
        let entries = source.rows(sql, entry::decode).await?;
        source.end().await?;
        Ok(entries)
    }
}

impl CatalogInspector {
    /// Writes a backup of a SQLite catalogue into `file`, which must not exist: a copy of one moment,
    /// also while a server writes, which it does not block. The copy is checked before it gets its
    /// name, and is durable then. Its file is its owner's alone.
    ///
    /// # Errors
    /// See [`BackupError`]; nothing is left then.
    pub async fn backup(&self, file: &Path) -> Result<BackupReport, BackupError> {
        match &*self.source.lock().await {
            Source::Sqlite(source) => source.backup(file).await,
            Source::Postgres(_) => Err(BackupError::NotSqlite),
        }
    }
}

impl fmt::Debug for CatalogInspector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CatalogInspector").finish_non_exhaustive()
    }
}

fn within(limit: u32) -> u32 {
    limit.clamp(1, CatalogInspector::MAX_PAGE)
}
