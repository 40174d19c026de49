//! What an error of SQLite means. Codes: <https://www.sqlite.org/rescode.html>.

use nexus_raw::ports::CatalogError;

use crate::{
    backend::WriteError,
    error::{Failure, OpenError},
};

const ERROR: u32 = 1;
const IOERR: u32 = 10;
const CORRUPT: u32 = 11;
const NOTADB: u32 = 26;
/// Out of memory while reading or writing: the medium is well.
const IOERR_NOMEM: u32 = IOERR | 12 << 8;

fn extended_code(error: &sqlx::Error) -> Option<u32> {
    error.as_database_error()?.code()?.parse().ok()
}

fn is_corrupt(error: &sqlx::Error) -> bool {
    let primary = extended_code(error).map(|code| code & 0xff);
    matches!(primary, Some(CORRUPT | NOTADB))
}

/// Whether the medium failed. After that, what is in SQLite's memory and what is on disk may
/// differ for good.
fn is_medium_failure(error: &sqlx::Error) -> bool {
    extended_code(error).is_some_and(|code| code & 0xff == IOERR && code != IOERR_NOMEM)
}

/// `SQLITE_ERROR`: the statement makes no sense where it stands.
pub(super) fn is_plain(error: &sqlx::Error) -> bool {
    extended_code(error) == Some(ERROR)
}

/// As a reader's caller is told of it.
pub(super) fn read_error(error: sqlx::Error) -> CatalogError {
    if is_corrupt(&error) {
        CatalogError::Corrupt(Box::new(error))
    } else {
        CatalogError::Unavailable(Box::new(error))
    }
}

/// As the writer is told of it.
pub(super) fn write_error(error: sqlx::Error) -> WriteError {
    if is_medium_failure(&error) {
        WriteError::Fatal(Failure::unavailable(error))
    } else {
        WriteError::Refused(read_error(error).into())
    }
}

/// As whoever opens the catalogue is told of it.
pub(super) fn open_error(error: sqlx::Error) -> OpenError {
    if is_corrupt(&error) {
        OpenError::unfit(format!("the catalogue's file is not sound: {error}"))
    } else {
        OpenError::Unreachable(Box::new(error))
    }
}

impl From<CatalogError> for WriteError {
    fn from(error: CatalogError) -> Self {
        Self::Refused(error.into())
    }
}
