use std::{path::Path, time::Duration};

use sqlx::{
    ConnectOptions, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::fault::open_error;
use crate::error::{DEADLINE, OpenError};

/// The first SQLite without a bug by which a checkpoint could corrupt a database in WAL mode.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// The number of read connections, which work in parallel; four keep two cores busy.
const READERS: u32 = 4;

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        // only an operator's tool can hold a lock, and only briefly
        .busy_timeout(Duration::from_millis(500))
        .foreign_keys(true)
        // a malicious schema must not call unsafe functions
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging()
}

/// Opens the write connection. It is not in WAL mode yet, since the file may not be a catalogue.
pub(super) async fn writer(file: &Path) -> Result<SqliteConnection, OpenError> {
    let connection = options(file).connect().await;
    let mut connection = connection.map_err(open_error)?;
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(&mut connection)
        .await
        .map_err(open_error)?;
    check_version(&version)?;
    Ok(connection)
}

/// Sets WAL mode, for readers that do not block the writer, and synchronous commits.
pub(super) async fn make_durable(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode = WAL")
        .fetch_one(&mut *connection)
        .await
        .map_err(open_error)?;
    if mode != "wal" {
        return Err(OpenError::incompatible(
            "the catalogue's file system does not support a write-ahead log: \
             use a local one",
        ));
    }
    // the writer runs checkpoints, since SQLite does not report the failure of an automatic one
    sqlx::raw_sql("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;")
        .execute(connection)
        .await
        .map_err(open_error)?;
    Ok(())
}

/// Opens the read connections.
pub(super) async fn readers(file: &Path) -> Result<SqlitePool, OpenError> {
    SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(READERS)
        .acquire_timeout(DEADLINE)
        .idle_timeout(None)
        .max_lifetime(None)
        // a local file needs no ping
        .test_before_acquire(false)
        .connect_with(options(file).pragma("query_only", "ON"))
        .await
        .map_err(open_error)
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
