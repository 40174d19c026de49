//! What an error of PostgreSQL means. Codes:
//! <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use nexus_raw::ports::CatalogError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::error::{Failure, OpenError};

/// What became of a statement that ended in an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was rolled back because others were in the way: again, it may go through.
    InTheWay,
    /// The connection is gone or leads to the wrong server: it may have been committed.
    Unknown,
    /// It was rolled back, and the same again would be.
    Refused,
}

/// Serialization failure, deadlock, lock not available, and the end of a statement's time.
const IN_THE_WAY: [&str; 4] = ["40001", "40P01", "55P03", "57014"];
/// A write on a server that takes none: it is no longer the primary, and another may be.
const READ_ONLY: &str = "25006";
/// No such database, no leave to enter, a wrong password or none.
const NO_ENTRY: [&str; 3] = ["3D000", "28000", "28P01"];
/// No right to a table or a function.
const NO_RIGHT: &str = "42501";

fn of_database(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// Reads the fate of a statement from its error.
pub(super) fn fate(error: &sqlx::Error) -> Fate {
    let Some(told) = of_database(error) else {
        // what is no error of the database is one of the way to it
        return Fate::Unknown;
    };
    let ended = matches!(told.severity(), PgSeverity::Fatal | PgSeverity::Panic);
    // 08: connection exceptions; 57P: the server shuts down, has crashed or is starting
    let is_cut = told.code().starts_with("08") || told.code().starts_with("57P");
    if ended || is_cut || told.code() == READ_ONLY {
        Fate::Unknown
    } else if IN_THE_WAY.contains(&told.code()) {
        Fate::InTheWay
    } else {
        Fate::Refused
    }
}

/// XX001 and XX002 tell of damaged data, and so do our own functions by the first.
fn is_corrupt(error: &sqlx::Error) -> bool {
    of_database(error).is_some_and(|told| matches!(told.code(), "XX001" | "XX002"))
}

/// Class 42, syntax error or access rule violation, but for a right that is missing: the statement
/// does not fit what is there.
pub(super) fn is_rule_broken(error: &sqlx::Error) -> bool {
    of_database(error).is_some_and(|told| told.code().starts_with("42") && told.code() != NO_RIGHT)
}

/// As a caller is told of it.
pub(super) fn told(error: sqlx::Error) -> CatalogError {
    if is_corrupt(&error) {
        CatalogError::Corrupt(Box::new(error))
    } else {
        CatalogError::Unavailable(Box::new(error))
    }
}

/// As the writer is told of it.
pub(super) fn failure(error: sqlx::Error) -> Failure {
    told(error).into()
}

/// As whoever opens the catalogue is told of it.
pub(super) fn open_error(error: sqlx::Error) -> OpenError {
    let code = of_database(&error).map(PgDatabaseError::code);
    match code {
        Some(code) if NO_ENTRY.contains(&code) => {
            OpenError::unfit(format!("PostgreSQL does not let the catalogue in: {error}"))
        }
        Some(NO_RIGHT) => OpenError::unfit(format!(
            "the role of the catalogue lacks a right that it needs: {error}"
        )),
        _ => OpenError::Unreachable(Box::new(error)),
    }
}
