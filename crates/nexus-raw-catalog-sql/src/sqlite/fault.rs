//! Classification of SQLite errors. Codes: <https://www.sqlite.org/rescode.html>.

use nexus_raw::ports::CatalogError;

use crate::{
    backend::WriteError,
    error::{Failure, OpenError},
};

const ERROR: u32 = 1;
const IOERR: u32 = 10;
const CORRUPT: u32 = 11;
const NOTADB: u32 = 26;
/// Out of memory while reading or writing, which is no failure of the medium.
const IOERR_NOMEM: u32 = IOERR | (12 << 8);

fn extended_code(error: &sqlx::Error) -> Option<u32> {
    error.as_database_error()?.code()?.parse().ok()
}

fn is_corrupt(error: &sqlx::Error) -> bool {
    let primary = extended_code(error).map(|code| code & 0xff);
    matches!(primary, Some(CORRUPT | NOTADB))
}

/// Returns whether the medium failed. After that, SQLite's memory and the disk may differ
/// permanently.
fn is_medium_failure(error: &sqlx::Error) -> bool {
    extended_code(error).is_some_and(|code| code & 0xff == IOERR && code != IOERR_NOMEM)
}

/// Returns whether it is `SQLITE_ERROR`, such as for a missing table or transaction.
pub(super) fn is_plain(error: &sqlx::Error) -> bool {
    extended_code(error) == Some(ERROR)
}

/// Returns the error for the caller of a read.
pub(super) fn read_error(error: sqlx::Error) -> CatalogError {
    if is_corrupt(&error) {
        CatalogError::Corrupt(Box::new(error))
    } else {
        CatalogError::Unavailable(Box::new(error))
    }
}

/// Returns the error for the writer.
pub(super) fn write_error(error: sqlx::Error) -> WriteError {
    if is_medium_failure(&error) {
        WriteError::Fatal(Failure::unavailable(error))
    } else {
        WriteError::Refused(read_error(error).into())
    }
}

/// Returns the error of opening the catalogue.
pub(super) fn open_error(error: sqlx::Error) -> OpenError {
    if is_corrupt(&error) {
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
    use std::{borrow::Cow, error::Error, fmt};

    use sqlx::error::{DatabaseError, ErrorKind};

    use super::*;

    /// An error of SQLite, by its extended code.
    #[derive(Debug)]
    struct Coded(u32);

    impl fmt::Display for Coded {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(out, "code {}", self.0)
        }
    }

    impl Error for Coded {}

    impl DatabaseError for Coded {
        fn message(&self) -> &'static str {
            "of a test"
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.to_string().into())
        }

        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    fn coded(code: u32) -> sqlx::Error {
        sqlx::Error::Database(Box::new(Coded(code)))
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
        let read = read_error(sqlx::Error::PoolTimedOut);
        assert!(matches!(read, CatalogError::Unavailable(_)));
        let open = open_error(sqlx::Error::WorkerCrashed);
        assert!(matches!(open, OpenError::Unreachable(_)));
    }
}
