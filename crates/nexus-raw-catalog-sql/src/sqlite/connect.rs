use std::path::Path;

use super::{connection::SqliteConnection, fault::open_error};
use crate::error::OpenError;

/// The first SQLite without a bug by which a checkpoint could corrupt a database in WAL mode.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// Opens a connection with the settings that all have.
fn open(file: &Path) -> Result<SqliteConnection, rusqlite::Error> {
    let mut connection = SqliteConnection::open(file)?;
    // Only an operator's tool can hold a lock, and only briefly. A malicious schema must not call
    // unsafe functions.
    connection.batch(
        "PRAGMA busy_timeout = 500; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;",
    )?;
    Ok(connection)
}

/// Opens the write connection. It is not in WAL mode yet, since the file may not be a catalogue.
pub(super) fn writer(file: &Path) -> Result<SqliteConnection, OpenError> {
    check_version(rusqlite::version())?;
    open(file).map_err(open_error)
}

/// Sets WAL mode, for readers that do not block the writer, and synchronous commits.
pub(super) fn make_durable(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let is_wal = connection.only("PRAGMA journal_mode = WAL", [], |row| {
        Ok(row.get::<&str>("pragma.journal_mode")? == "wal")
    });
    if !is_wal.map_err(open_error)? {
        return Err(OpenError::incompatible(
            "the catalogue's file system does not support a write-ahead log: \
             use a local one",
        ));
    }
    // the writer runs checkpoints, since SQLite does not report the failure of an automatic one
    connection
        .batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;")
        .map_err(open_error)
}

/// Opens a connection that cannot write, on an existing catalogue that another process may have.
pub(super) fn read_only(file: &Path) -> Result<SqliteConnection, OpenError> {
    check_version(rusqlite::version())?;
    let mut connection = SqliteConnection::open_read_only(file).map_err(open_error)?;
    // the server that has the catalogue takes a moment to start and to end
    let settings =
        "PRAGMA busy_timeout = 5000; PRAGMA trusted_schema = OFF; PRAGMA query_only = ON;";
    connection.batch(settings).map_err(open_error)?;
    Ok(connection)
}

/// Opens a read connection.
pub(super) fn reader(file: &Path) -> Result<SqliteConnection, rusqlite::Error> {
    let mut connection = open(file)?;
    connection.batch("PRAGMA query_only = ON;")?;
    Ok(connection)
}

fn check_version(version: &str) -> Result<(), OpenError> {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let found = [(); 3].map(|()| parts.next().unwrap_or(0));
    if found >= OLDEST_SQLITE {
        Ok(())
    } else {
        Err(OpenError::incompatible(format!(
            "SQLite {version} can corrupt a write-ahead log: 3.51.3 or newer is needed"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlite_older_than_3_51_3_is_unfit() {
        for good in ["3.51.3", "3.51.10", "3.52.0", "4.0.0"] {
            assert!(check_version(good).is_ok(), "{good}");
        }
        for bad in ["3.51.2", "3.6.99", "2.99.99", "", "x"] {
            let error = check_version(bad).unwrap_err();
            assert!(matches!(error, OpenError::Incompatible { .. }), "{bad}");
        }
    }
}
