//! The catalogue in a file of SQLite, for one process.

mod columns;
mod connect;
mod decode;
mod fault;
mod lock;
mod queries;
mod reader;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod write;
mod writer;

use std::{
    fs,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use nexus_raw::ports::BoxError;
use sqlx::SqliteConnection;
use uuid::{Builder, Uuid};

use self::{
    fault::open_error, lock::CatalogLock, reader::SqliteReader, write::Context,
    writer::SqliteWriter,
};
use crate::{backend::Backend, error::OpenError, settings::ObjectStoreIdentity};

/// Opens the catalogue in `file`, or makes it.
pub(crate) async fn open(
    file: &Path,
    object_store: &ObjectStoreIdentity,
) -> Result<Backend, OpenError> {
    let file = resolve(file)?;
    let lock = CatalogLock::take(&file)?;
    make_private(&file)?;
    let mut connection = connect::writer(&file).await?;
    schema::recognise(&mut connection, &file).await?;
    connect::make_durable(&mut connection).await?;
    schema::migrate(&mut connection).await?;
    let catalog_id = catalog_id(&mut connection).await?;
    let readers = connect::readers(&file).await?;
    Ok(Backend {
        reader: Box::new(SqliteReader::new(readers, catalog_id)),
        writer: Box::new(SqliteWriter::new(
            connection,
            lock,
            Context {
                catalog_id,
                object_store: object_store.clone(),
            },
        )),
    })
}

/// The one path of the file, whatever links lead to it, so that two names of one catalogue mean
/// one lock.
fn resolve(file: &Path) -> Result<PathBuf, OpenError> {
    if let Ok(path) = file.canonicalize() {
        return Ok(path);
    }
    let parent = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let parent = parent.canonicalize().map_err(|error| {
        OpenError::unfit(format!(
            "the catalogue's directory {} cannot be used: {error}",
            parent.display()
        ))
    })?;
    let name = file
        .file_name()
        .ok_or_else(|| OpenError::unfit(format!("{} names no file", file.display())))?;
    Ok(parent.join(name))
}

/// Makes the file, where there is none, so that its owner alone may read it; SQLite gives the same
/// rights to the files that it makes beside it.
///
/// One that is there is not touched: to open and close it would drop the locks that SQLite holds
/// on it in this process (<https://www.sqlite.org/howtocorrupt.html>, section 2.2).
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

/// The catalogue's id; made at random the first time.
async fn catalog_id(connection: &mut SqliteConnection) -> Result<Uuid, OpenError> {
    let unreachable = |error: BoxError| OpenError::Unreachable(error);
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| unreachable(Box::new(error)))?;
    let fresh = Builder::from_random_bytes(random).into_uuid();
    sqlx::query("INSERT INTO catalog (only, catalog_id) VALUES (1, ?1) ON CONFLICT DO NOTHING")
        .bind(&fresh.as_bytes()[..])
        .execute(&mut *connection)
        .await
        .map_err(open_error)?;
    let id: Vec<u8> = sqlx::query_scalar("SELECT catalog_id FROM catalog")
        .fetch_one(connection)
        .await
        .map_err(open_error)?;
    Uuid::from_slice(&id).map_err(|error| unreachable(Box::new(error)))
}
