//! Reading beside the server that has the catalogue.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use nexus_raw::ports::CatalogError;
use rusqlite::params_from_iter;

use super::{
    backup, connect,
    connection::SqliteConnection,
    fault::{open_error, read_error},
    resolve, schema,
};
use crate::{
    backup::{BackupError, BackupReport},
    error::{CorruptColumn, OpenError, Reason},
    listing::Sql,
    migration_plan::MigrationPlan,
    rows::Columns,
};

/// A connection that cannot write, on an existing catalogue. It does not take the lock of the
/// process that writes: in WAL mode readers and the writer do not wait for each other.
pub(crate) struct ReadOnlySqlite {
    connection: Arc<Mutex<SqliteConnection>>,
}

impl ReadOnlySqlite {
    pub(crate) async fn open(file: &Path) -> Result<Self, OpenError> {
        let file = file.to_owned();
        let opened = tokio::task::spawn_blocking(move || checked(&file));
        let connection = opened
            .await
            .map_err(|error| OpenError::Unreachable(Box::new(error)))??;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    pub(crate) async fn begin(&self) -> Result<(), CatalogError> {
        let begin = |connection: &mut SqliteConnection| {
            if !connection.is_autocommit() {
                connection.batch("ROLLBACK").map_err(read_error)?;
            }
            connection.batch("BEGIN").map_err(read_error)
        };
        self.run(begin).await
    }

    pub(crate) async fn end(&self) -> Result<(), CatalogError> {
        self.run(|connection| connection.batch("COMMIT").map_err(read_error))
            .await
    }

    pub(crate) async fn rows<T: Send + 'static>(
        &self,
        sql: Sql,
        read: fn(&Columns<'_>) -> Result<T, CorruptColumn>,
    ) -> Result<Vec<T>, CatalogError> {
        self.run(move |connection| {
            let rows = connection.rows_of(&sql.text, params_from_iter(&sql.values), read);
            rows.map_err(read_error)
        })
        .await
    }

    /// Writes a backup into `file`, which must not exist.
    pub(crate) async fn backup(&self, file: &Path) -> Result<BackupReport, BackupError> {
        let file = file.to_owned();
        self.run(move |connection| Ok(backup::write(connection, &file)))
            .await
            .map_err(BackupError::Read)?
    }

    /// Runs a call on a thread that may block.
    async fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut SqliteConnection) -> Result<T, CatalogError> + Send + 'static,
    ) -> Result<T, CatalogError> {
        let connection = Arc::clone(&self.connection);
        let called = tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            call(&mut connection)
        });
        called.await.map_err(|_| Reason::Unanswered)?
    }
}

/// Opens an existing catalogue, whose schema must be that of this program.
fn checked(file: &Path) -> Result<SqliteConnection, OpenError> {
    let file = existing(file)?;
    let mut connection = connect::read_only(&file)?;
    schema::recognise(&mut connection, &file)?;
    schema::check(&mut connection)?;
    Ok(connection)
}

/// Returns what a migration would do. A missing catalogue would be created.
pub(super) fn plan_migration(file: &Path) -> Result<MigrationPlan, OpenError> {
    let migrations = if file.symlink_metadata().is_ok() {
        let file = existing(file)?;
        let mut connection = connect::read_only(&file)?;
        schema::recognise(&mut connection, &file)?;
        schema::plan(&mut connection)?
    } else {
        // the directory must be there
        resolve(file)?;
        schema::plan(&mut SqliteConnection::in_memory().map_err(open_error)?)?
    };
    Ok(MigrationPlan {
        migrations,
        functions: Vec::new(),
    })
}

/// Resolves links to the file, which must be there.
fn existing(file: &Path) -> Result<PathBuf, OpenError> {
    match file.metadata() {
        Ok(_) => resolve(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(OpenError::incompatible(
            format!("there is no catalogue at {}", file.display()),
        )),
        Err(error) => Err(OpenError::Unreachable(Box::new(error))),
    }
}
