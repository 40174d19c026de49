//! Classification of SQLite errors. Codes: <https://www.sqlite.org/rescode.html>.

use std::ffi::c_int;

use nexus_raw::ports::CatalogError;

use crate::{
    backend::WriteError,
    error::{CorruptColumn, Failure, OpenError},
};

const ERROR: c_int = 1;
const IOERR: c_int = 10;
const CORRUPT: c_int = 11;
const NOTADB: c_int = 26;
/// Out of memory while reading or writing, which is no failure of the medium.
const IOERR_NOMEM: c_int = IOERR | (12 << 8);

fn extended_code(error: &rusqlite::Error) -> Option<c_int> {
    match error {
        rusqlite::Error::SqliteFailure(error, _) | rusqlite::Error::SqlInputError { error, .. } => {
            Some(error.extended_code)
        }
        _ => None,
    }
}

/// The error of reading rows.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowError {
    /// SQLite's own.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A value that this program cannot have written.
    #[error(transparent)]
    Column(#[from] CorruptColumn),
}

impl RowError {
    fn is_corrupt(&self) -> bool {
        match self {
            Self::Sqlite(error) => {
                let primary = extended_code(error).map(|code| code & 0xff);
                matches!(primary, Some(CORRUPT | NOTADB))
            }
            Self::Column(_) => true,
        }
    }
}

/// Returns whether the medium failed. After that, SQLite's memory and the disk may differ
/// permanently.
fn is_medium_failure(error: &RowError) -> bool {
    let RowError::Sqlite(error) = error else {
        return false;
    };
    extended_code(error).is_some_and(|code| code & 0xff == IOERR && code != IOERR_NOMEM)
}

/// Returns whether it is `SQLITE_ERROR`, such as for a missing table or transaction.
pub(super) fn is_plain(error: &rusqlite::Error) -> bool {
    extended_code(error) == Some(ERROR)
}

/// Returns the error for the caller of a read.
pub(super) fn read_error(error: impl Into<RowError>) -> CatalogError {
    let error = error.into();
    if error.is_corrupt() {
        CatalogError::Corrupt(Box::new(error))
    } else {
        CatalogError::Unavailable(Box::new(error))
    }
}

/// Returns the error for the writer.
pub(super) fn write_error(error: impl Into<RowError>) -> WriteError {
    let error = error.into();
    if is_medium_failure(&error) {
        WriteError::Fatal(Failure::unavailable(error))
    } else {
        WriteError::Refused(read_error(error).into())
    }
}

/// Returns the error of opening the catalogue.
pub(super) fn open_error(error: impl Into<RowError>) -> OpenError {
    let error = error.into();
    if error.is_corrupt() {
        OpenError::incompatible(format!("the catalogue's file is corrupt: {error}"))
    } else {
        OpenError::Unreachable(Box::new(error))
    }
}

impl From<CatalogError> for WriteError {
    fn from(error: CatalogError) -> Self {
        Self::Refused(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error of SQLite, by its extended code.
    fn coded(code: c_int) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None)
    }

    #[test]
    fn an_io_error_while_writing_is_fatal() {
        // SQLITE_IOERR, _WRITE, _FSYNC, _TRUNCATE
        for code in [10, 778, 1034, 1546] {
            let error = write_error(coded(code));
            assert!(matches!(error, WriteError::Fatal(_)), "{code}");
        }
    }

    #[test]
    fn a_busy_or_full_database_and_lack_of_memory_are_not_fatal() {
        // SQLITE_BUSY, _NOMEM, _FULL, _IOERR_NOMEM
        for code in [5, 7, 13, 3082] {
            let WriteError::Refused(failure) = write_error(coded(code)) else {
                panic!("{code}");
            };
            assert!(matches!(
                failure.to_catalog_error(),
                CatalogError::Unavailable(_)
            ));
        }
    }

    #[test]
    fn a_corrupt_page_is_corruption_to_reader_and_writer() {
        // SQLITE_CORRUPT, _CORRUPT_INDEX, _NOTADB
        for code in [11, 779, 26] {
            let read = read_error(coded(code));
            assert!(matches!(read, CatalogError::Corrupt(_)), "{code}");
            let WriteError::Refused(failure) = write_error(coded(code)) else {
                panic!("{code}");
            };
            assert!(matches!(
                failure.to_catalog_error(),
                CatalogError::Corrupt(_)
            ));
            assert!(matches!(
                open_error(coded(code)),
                OpenError::Incompatible { .. }
            ));
        }
    }

    #[test]
    fn what_is_no_error_of_the_database_is_unavailability() {
        let read = read_error(rusqlite::Error::QueryReturnedNoRows);
        assert!(matches!(read, CatalogError::Unavailable(_)));
        let open = open_error(rusqlite::Error::InvalidQuery);
        assert!(matches!(open, OpenError::Unreachable(_)));
    }
}
