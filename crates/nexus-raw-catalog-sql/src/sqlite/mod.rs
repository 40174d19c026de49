//! The catalogue in a SQLite file, for one process.

mod committed;
mod connect;
mod fault;
mod files;
#[cfg(feature = "commit-hook")]
mod hook;
mod lock;
mod parameters;
mod queries;
mod reader;
mod schema;
#[cfg(test)]
mod tests;
mod write;
mod writer;

use std::{
    fs,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

pub(crate) use self::reader::SqliteReader;
use self::{
    committed::CommittedEvents, fault::open_error, files::OpenFiles, lock::CatalogLock,
    writer::SqliteWriter,
};
use crate::{
    backend::{Backend, Reader},
    error::OpenError,
    object_store::ObjectStoreIdentity,
    rows::{Cells, column_index},
};

impl Cells for SqliteRow {
    fn integer(&self, column: &str) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(column_index(self, column)?)
    }

    fn real(&self, column: &str) -> Result<Option<f64>, sqlx::Error> {
        self.try_get(column_index(self, column)?)
    }

    fn text(&self, column: &str) -> Result<Option<&str>, sqlx::Error> {
        self.try_get(column_index(self, column)?)
    }

    fn bytes(&self, column: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
        self.try_get(column_index(self, column)?)
    }
}

/// Opens or creates the catalogue in `file`.
pub(crate) async fn open(
    file: &Path,
    object_store: &ObjectStoreIdentity,
) -> Result<Backend, OpenError> {
    Ok(Opened::at(file, object_store).await?.into_backend())
}

/// The same, with a commit hook.
#[cfg(feature = "commit-hook")]
pub(crate) async fn open_with_hook(
    file: &Path,
    object_store: &ObjectStoreIdentity,
    hook: crate::CommitHook,
) -> Result<Backend, OpenError> {
    let mut opened = Opened::at(file, object_store).await?;
    hook::install(&mut opened.writer, hook).await?;
    Ok(opened.into_backend())
}

/// Opens the catalogue in `file`, which migrates its schema, closes it, and returns the applied
/// migrations.
pub(crate) async fn migrate(
    file: &Path,
    object_store: &ObjectStoreIdentity,
) -> Result<Vec<i64>, OpenError> {
    let opened = Opened::at(file, object_store).await?;
    let migrated = opened.migrated.clone();
    opened.readers.close().await;
    opened.into_backend().writer.close().await;
    Ok(migrated)
}

/// An opened and migrated database.
struct Opened {
    writer: SqliteConnection,
    readers: SqlitePool,
    files: OpenFiles,
    lock: CatalogLock,
    object_store: ObjectStoreIdentity,
    migrated: Vec<i64>,
}

impl Opened {
    async fn at(file: &Path, object_store: &ObjectStoreIdentity) -> Result<Self, OpenError> {
        let file = resolve(file)?;
        let lock = CatalogLock::take(&file)?;
        make_private(&file)?;
        let mut writer = connect::writer(&file).await?;
        schema::recognise(&mut writer, &file).await?;
        connect::make_durable(&mut writer).await?;
        let migrated = schema::migrate(&mut writer).await?;
        identify(&mut writer).await?;
        end_leases(&mut writer).await?;
        let readers = connect::readers(&file).await?;
        Ok(Self {
            writer,
            readers,
            files: OpenFiles::of(&file),
            lock,
            object_store: object_store.clone(),
            migrated,
        })
    }

    fn into_backend(self) -> Backend {
        let committed = Arc::new(CommittedEvents::default());
        Backend {
            reader: Reader::Sqlite(SqliteReader::new(self.readers, committed.clone())),
            writer: Box::new(SqliteWriter::new(
                self.writer,
                self.files,
                self.lock,
                self.object_store,
                committed,
            )),
        }
    }
}

/// Resolves links to the file, so that all names of a catalogue share one lock.
fn resolve(file: &Path) -> Result<PathBuf, OpenError> {
    if let Ok(path) = file.canonicalize() {
        return Ok(path);
    }
    let parent = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let parent = parent.canonicalize().map_err(|error| {
        OpenError::incompatible(format!(
            "the catalogue's directory {} cannot be used: {error}",
            parent.display()
        ))
    })?;
    let name = file.file_name().ok_or_else(|| {
        OpenError::incompatible(format!("{} is not the path of a file", file.display()))
    })?;
    Ok(parent.join(name))
}

/// Creates a missing file with access for its owner only. SQLite creates its other files with the
/// same mode.
///
/// An existing file is not opened: closing it would drop the locks that SQLite holds on it in this
/// process (<https://www.sqlite.org/howtocorrupt.html>, section 2.2).
fn make_private(file: &Path) -> Result<(), OpenError> {
    let made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    match made {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(OpenError::Unreachable(Box::new(error)))
        }
        _ => Ok(()),
    }
}

/// Ends all leases, whose holders are gone since this process holds the catalogue's lock. So after
/// a crash the relay and the hashers do not wait for a lease to expire.
async fn end_leases(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    for sql in ["UPDATE lease SET until = 0", write::END_CLAIMS] {
        let ended = sqlx::query(sql).execute(&mut *connection).await;
        ended.map_err(open_error)?;
    }
    Ok(())
}

/// Gives a new catalogue its random id and key.
async fn identify(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let mut random = [0; 48];
    getrandom::fill(&mut random).map_err(|error| OpenError::Unreachable(Box::new(error)))?;
    let (id, key) = random.split_at(16);
    let insert = "INSERT INTO catalog (only_one, catalog_id, cursor_key) VALUES (1, ?1, ?2) \
        ON CONFLICT DO NOTHING";
    let inserted = sqlx::query(insert)
        .bind(id)
        .bind(key)
        .execute(connection)
        .await;
    inserted.map(|_| ()).map_err(open_error)
}
