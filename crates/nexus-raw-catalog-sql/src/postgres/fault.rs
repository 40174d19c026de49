//! Classification of PostgreSQL errors. Codes:
//! <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use nexus_raw::ports::CatalogError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::error::{Failure, OpenError};

/// The effect of a statement that returned an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StatementEffect {
    /// It was rolled back after a conflict with another transaction or a timeout; a retry may
    /// succeed.
    Conflict,
    /// The connection was lost or leads to the wrong server: it may have been committed.
    Unknown,
    /// It was rolled back, and a retry would be too.
    Refused,
}

/// Serialization failure, deadlock, lock not available, statement timeout.
const CONFLICTS: [&str; 4] = ["40001", "40P01", "55P03", "57014"];
/// A write on a read-only server: it may no longer be the primary.
const READ_ONLY: &str = "25006";
/// Unknown database, login not permitted, wrong or missing password.
const LOGIN_REFUSED: [&str; 3] = ["3D000", "28000", "28P01"];
/// Missing privilege on a table or a function.
const NO_PRIVILEGE: &str = "42501";

fn of_database(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// Returns the effect of a statement from its error.
pub(super) fn effect(error: &sqlx::Error) -> StatementEffect {
    let Some(error) = of_database(error) else {
        // any other error is one of the connection
        return StatementEffect::Unknown;
    };
    let ended = matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic);
    // 08: connection exceptions; 57P: the server shuts down, has crashed or is starting
    let is_cut = error.code().starts_with("08") || error.code().starts_with("57P");
    if ended || is_cut || error.code() == READ_ONLY {
        StatementEffect::Unknown
    } else if CONFLICTS.contains(&error.code()) {
        StatementEffect::Conflict
    } else {
        StatementEffect::Refused
    }
}

/// XX001 and XX002 report damaged data; the catalogue's functions raise the first.
fn is_corrupt(error: &sqlx::Error) -> bool {
    of_database(error).is_some_and(|error| matches!(error.code(), "XX001" | "XX002"))
}

/// Class 42, syntax error or access rule violation, except for a missing privilege: the statement
/// does not match the schema.
pub(super) fn is_rule_broken(error: &sqlx::Error) -> bool {
    of_database(error)
        .is_some_and(|error| error.code().starts_with("42") && error.code() != NO_PRIVILEGE)
}

/// Returns the error for a caller.
pub(super) fn catalog_error(error: sqlx::Error) -> CatalogError {
    if is_corrupt(&error) {
        CatalogError::Corrupt(Box::new(error))
    } else {
        CatalogError::Unavailable(Box::new(error))
    }
}

/// Returns the failure for the writer.
pub(super) fn failure(error: sqlx::Error) -> Failure {
    catalog_error(error).into()
}

/// Returns the error of opening the catalogue.
pub(super) fn open_error(error: sqlx::Error) -> OpenError {
    let code = of_database(&error).map(PgDatabaseError::code);
    match code {
        Some(code) if LOGIN_REFUSED.contains(&code) => {
            OpenError::incompatible(format!("PostgreSQL refused the login: {error}"))
        }
        Some(NO_PRIVILEGE) => OpenError::incompatible(format!(
            "the role of the catalogue lacks a privilege: {error}"
        )),
        _ => OpenError::Unreachable(Box::new(error)),
    }
}
