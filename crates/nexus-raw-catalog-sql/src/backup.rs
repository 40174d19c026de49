use std::path::PathBuf;

use nexus_raw::ports::{BoxError, CatalogError};

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupReport {
    /// The length of its file.
    pub bytes: u64,
    /// The number of scopes.
    pub scopes: u64,
    /// The number of records.
    pub assets: u64,
    /// The number of events, which is also the sum of the last sequences of all scopes.
    pub events: u64,
}

/// The error of a backup.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The catalogue is in PostgreSQL, whose own programs do it.
    #[error(
        "the catalogue is in PostgreSQL: back it up by base backups with archived WAL, or by `pg_dump --format=custom \
         --file=FILE postgres://nexus_raw_backup:…@HOST/DATABASE`, as a role with BYPASSRLS and pg_read_all_data \
         (docs/OPERATIONS.md, Its backup)"
    )]
    NotSqlite,
    /// The file exists already.
    #[error("{} exists already, and a backup replaces nothing", .0.display())]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("the backup {} cannot be written", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why.
        source: BoxError,
    },
    /// The catalogue cannot be read.
    #[error("the catalogue cannot be read")]
    Read(#[source] CatalogError),
    /// The copy does not pass its checks: the catalogue is damaged, or a medium is.
    #[error("the copy is not sound, and was removed: {finding}")]
    Unsound {
        /// What was found.
        finding: String,
    },
}
