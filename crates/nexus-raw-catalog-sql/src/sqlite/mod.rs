//! The catalogue in a SQLite file, for one process.

mod backup;
mod committed;
mod connect;
mod connection;
mod examine;
mod fault;
mod files;
#[cfg(feature = "commit-hook")]
mod hook;
mod lock;
mod parameters;
mod queries;
mod read_only;
mod reader;
mod readers;
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

use self::{
    committed::CommittedEvents, connection::SqliteConnection, fault::open_error, files::OpenFiles,
    lock::CatalogLock, readers::ReaderThreads, writer::SqliteWriter,
};
pub(crate) use self::{
    examine::examine,
    queries::{ENTRIES, facts::FACT_JSON},
    read_only::ReadOnlySqlite,
    reader::SqliteReader,
};
use crate::{
    backend::{Backend, Reader},
    error::{DEADLINE, OpenError},
    migration_plan::MigrationPlan,
    object_store::ObjectStoreIdentity,
};

/// Opens or creates the catalogue in `file`.
pub(crate) async fn open(
    file: &Path,
    object_store: &ObjectStoreIdentity,
) -> Result<Backend, OpenError> {
    Ok(open_off_runtime(file, object_store).await?.into_backend())
}

/// The same, with a commit hook.
#[cfg(feature = "commit-hook")]
pub(crate) async fn open_with_hook(
    file: &Path,
    object_store: &ObjectStoreIdentity,
    hook: crate::CommitHook,
) -> Result<Backend, OpenError> {
    let opened = open_off_runtime(file, object_store).await?;
    hook::install(&opened.writer, hook)?;
    Ok(opened.into_backend())
}

/// Opens the catalogue in `file`, which migrates its schema, closes it, and returns the applied
/// migrations.
pub(crate) async fn migrate(
    file: &Path,
    object_store: &ObjectStoreIdentity,
) -> Result<Vec<i64>, OpenError> {
    let opened = open_off_runtime(file, object_store).await?;
    let migrated = opened.migrated.clone();
    opened.readers.close().await;
    opened.into_backend().writer.close().await;
    Ok(migrated)
}

/// Returns what a migration would do.
pub(crate) async fn plan_migration(file: &Path) -> Result<MigrationPlan, OpenError> {
    let file = file.to_owned();
    let planned = tokio::task::spawn_blocking(move || read_only::plan_migration(&file));
    planned
        .await
        .map_err(|error| OpenError::Unreachable(Box::new(error)))?
}

/// Opens on a thread that may block.
async fn open_off_runtime(
    file: &Path,
    object_store: &ObjectStoreIdentity,
) -> Result<Opened, OpenError> {
    let (file, object_store) = (file.to_owned(), object_store.clone());
    let opened = tokio::task::spawn_blocking(move || Opened::at(&file, &object_store));
    opened
        .await
        .map_err(|error| OpenError::Unreachable(Box::new(error)))?
}

/// An opened and migrated database.
struct Opened {
    writer: SqliteConnection,
    readers: ReaderThreads,
    files: OpenFiles,
    lock: CatalogLock,
    object_store: ObjectStoreIdentity,
    migrated: Vec<i64>,
}

impl Opened {
    fn at(file: &Path, object_store: &ObjectStoreIdentity) -> Result<Self, OpenError> {
        let file = resolve(file)?;
        let lock = CatalogLock::take(&file)?;
        make_private(&file)?;
        let mut writer = connect::writer(&file)?;
        schema::recognise(&mut writer, &file)?;
        connect::make_durable(&mut writer)?;
        let migrated = schema::migrate(&mut writer)?;
        identify(&mut writer)?;
        end_leases(&mut writer)?;
        let readers = ReaderThreads::start(&file, DEADLINE)?;
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
fn end_leases(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    for sql in ["UPDATE lease SET until = 0", write::END_CLAIMS] {
        connection.execute(sql, []).map_err(open_error)?;
    }
    Ok(())
}

/// Gives a new catalogue its random id and key.
fn identify(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let mut random = [0; 48];
    getrandom::fill(&mut random).map_err(|error| OpenError::Unreachable(Box::new(error)))?;
    let (id, key) = random.split_at(16);
    let insert = "INSERT INTO catalog (only_one, catalog_id, cursor_key) VALUES (1, ?1, ?2) \
        ON CONFLICT DO NOTHING";
    let inserted = connection.execute(insert, [id, key]);
    inserted.map(|_| ()).map_err(open_error)
}
