//! The functions that servers call: `migrate` creates them, and every start compares them.

use std::{collections::BTreeMap, fmt::Write};

use sha2::{Digest, Sha256};
use sqlx::{FromRow, PgConnection};

use super::{
    fault::{is_rule_broken, open_error},
    made::{FUNCTIONS, Function},
    statement::{read, rows},
};
use crate::error::OpenError;

/// The state of one of the catalogue's functions in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FunctionState {
    /// The one that this program creates.
    Ours,
    /// It does not exist and was never created.
    Missing,
    /// Created by `migrate` of another version.
    OfAnotherVersion,
    /// Not as any `migrate` created it.
    Changed,
}

/// Returns the state of each of the catalogue's functions.
///
/// A function counts as created by `migrate` if it has the recorded body, is SECURITY INVOKER, and
/// sets its search path and nothing else, so that the session's does not change what names mean.
pub(super) async fn states(
    connection: &mut PgConnection,
) -> Result<BTreeMap<&'static str, FunctionState>, OpenError> {
    let found: Vec<FoundFunction> = all(connection, FOUND).await?;
    let noted: Vec<NotedFunction> = all(connection, NOTED).await?;
    let states = FUNCTIONS.iter().map(|(name, function)| {
        let mut found = found.iter().filter(|it| it.name == *name);
        let noted = noted.iter().find(|it| it.name == *name);
        let state = match (found.next(), noted) {
            (None, None) => FunctionState::Missing,
            // with an overload of the same name, a call may reach either
            (Some(it), Some(noted)) if found.next().is_none() && it.is_made_as(noted) => {
                if it.body == function.body && noted.text_sha256 == digest(&function.text) {
                    FunctionState::Ours
                } else {
                    FunctionState::OfAnotherVersion
                }
            }
            _ => FunctionState::Changed,
        };
        (*name, state)
    });
    Ok(states.collect())
}

/// Returns the states where no catalogue is.
pub(super) fn none() -> BTreeMap<&'static str, FunctionState> {
    let names = FUNCTIONS.keys();
    names.map(|name| (*name, FunctionState::Missing)).collect()
}

/// Creates or replaces those that differ, all or none of them.
pub(super) async fn make(connection: &mut PgConnection) -> Result<(), OpenError> {
    let states = states(connection).await?;
    let to_make = FUNCTIONS
        .iter()
        .filter(|(name, _)| states.get(*name) != Some(&FunctionState::Ours));
    // one simple query is one transaction
    let mut text = SEARCH_PATH.to_owned();
    for (name, function) in to_make {
        make_and_note(&mut text, name, function);
    }
    if text == SEARCH_PATH {
        return Ok(());
    }
    match rows(connection, text).await {
        Ok(_) => Ok(()),
        // the existing schema conflicts
        Err(error) if is_rule_broken(&error) => Err(OpenError::incompatible(format!(
            "the functions do not match the schema of the database: {error}"
        ))),
        Err(error) => Err(open_error(error)),
    }
}

/// As in the migrations.
const SEARCH_PATH: &str =
    "SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true); ";

fn make_and_note(text: &mut String, name: &str, function: &Function) {
    let (of_text, of_body) = (digest(&function.text), digest(function.body));
    // writing to a String cannot fail
    let _ = write!(
        text,
        "{};\nINSERT INTO made_function VALUES (E'{name}', E'\\\\x{}', E'\\\\x{}')
        ON CONFLICT (name) DO UPDATE SET
            text_sha256 = excluded.text_sha256, body_sha256 = excluded.body_sha256;\n",
        function.text,
        hex::encode(of_text),
        hex::encode(of_body),
    );
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// The search path must be that of the migration: the catalogue's schema, then temporary objects.
const FOUND: &str = "
    SELECT p.proname::text AS name, p.prosrc AS body,
        NOT p.prosecdef
            AND coalesce(p.proconfig = ARRAY[format('search_path=%I, pg_temp', n.nspname)], false)
            AS is_confined
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.oid = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('scope'))";

#[derive(FromRow)]
struct FoundFunction {
    name: String,
    body: String,
    is_confined: bool,
}

impl FoundFunction {
    fn is_made_as(&self, noted: &NotedFunction) -> bool {
        self.is_confined && noted.body_sha256 == digest(&self.body)
    }
}

const NOTED: &str = "SELECT name, text_sha256, body_sha256 FROM made_function";

#[derive(FromRow)]
struct NotedFunction {
    name: String,
    text_sha256: Vec<u8>,
    body_sha256: Vec<u8>,
}

async fn all<T: for<'r> FromRow<'r, sqlx::postgres::PgRow>>(
    connection: &mut PgConnection,
    query: &str,
) -> Result<Vec<T>, OpenError> {
    let rows = read(connection, query).await.map_err(open_error)?;
    let all: Result<_, _> = rows.iter().map(T::from_row).collect();
    all.map_err(open_error)
}
