//! The tables and functions that `migrate` creates, parsed from its SQL, to compare a database
//! with. A separate list would have to be kept in step.

use std::{collections::BTreeMap, sync::LazyLock};

use sqlx::migrate::Migrator;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// The files of functions, one a topic.
const FUNCTION_FILES: [&str; 14] = [
    include_str!("../../functions/consent.sql"),
    include_str!("../../functions/downloads.sql"),
    include_str!("../../functions/events.sql"),
    include_str!("../../functions/facts.sql"),
    include_str!("../../functions/intents.sql"),
    include_str!("../../functions/outbox.sql"),
    include_str!("../../functions/parts.sql"),
    include_str!("../../functions/read.sql"),
    include_str!("../../functions/registrations.sql"),
    include_str!("../../functions/relay.sql"),
    include_str!("../../functions/scope.sql"),
    include_str!("../../functions/verifications.sql"),
    include_str!("../../functions/work.sql"),
    include_str!("../../functions/write.sql"),
];

/// A function and the SQL that creates it.
pub(super) struct Function {
    /// The statement that creates or replaces it.
    pub(super) text: String,
    pub(super) body: &'static str,
}

impl Function {
    /// Parses the text after `FUNCTION `.
    fn of(rest: &'static str) -> Option<(&'static str, Self)> {
        let (name, _) = rest.split_once('(')?;
        let mut quoted = rest.split_inclusive("$$");
        let head = quoted.next()?;
        let body = quoted.next()?;
        let text = format!("CREATE OR REPLACE FUNCTION {head}{body}");
        let body = body.strip_suffix("$$")?;
        Some((name, Self { text, body }))
    }
}

/// The tables with a tenant, and so with row-level security.
pub(super) static TABLES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let tables = migrations().flat_map(|sql| statements(sql, "CREATE TABLE "));
    let tables = tables.filter_map(|table| table.split_once(" (\n"));
    tables
        .filter(|(_, columns)| columns.trim_start().starts_with("tenant_id "))
        .map(|(name, _)| name)
        .collect()
});

/// The functions by name: those of the files, and the trigger function of the first migration.
pub(super) static FUNCTIONS: LazyLock<BTreeMap<&str, Function>> = LazyLock::new(|| {
    let first = migrations().flat_map(|sql| statements(sql, "CREATE FUNCTION "));
    let files = FUNCTION_FILES.iter();
    let of_files = files.flat_map(|sql| statements(sql, "CREATE OR REPLACE FUNCTION "));
    first.chain(of_files).filter_map(Function::of).collect()
});

fn migrations() -> impl Iterator<Item = &'static str> {
    MIGRATIONS.iter().map(|it| it.sql.as_str())
}

/// Returns the text after each `begin` at the start of a line.
fn statements(sql: &'static str, begin: &str) -> impl Iterator<Item = &'static str> {
    let starts = sql.match_indices(begin);
    starts
        .filter(|(at, _)| *at == 0 || sql[..*at].ends_with('\n'))
        .map(|(at, found)| &sql[at + found.len()..])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// An unlisted file would have no effect, nor would other statements in a file.
    #[test]
    fn each_file_is_listed_and_holds_functions_alone() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/functions");
        let files = fs::read_dir(directory).unwrap();
        let mut files: Vec<String> = files
            .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
            .collect();
        files.sort_unstable();
        let mut listed = FUNCTION_FILES;
        listed.sort_unstable();
        assert_eq!(files, listed);
        for sql in listed {
            let mut rest = sql.to_owned();
            for function in FUNCTIONS.values() {
                rest = rest.replace(&function.text, "");
            }
            let other: Vec<&str> = rest
                .lines()
                .filter(|line| !(line.is_empty() || line.starts_with("--") || *line == ";"))
                .collect();
            assert_eq!(other, [""; 0]);
        }
    }

    /// Each function pins the search path of its creation.
    #[test]
    fn each_function_pins_its_search_path() {
        assert!(FUNCTIONS.len() > 20);
        for (name, function) in FUNCTIONS.iter() {
            let (head, _) = function.text.split_once("$$").unwrap();
            assert!(head.contains("SET search_path FROM CURRENT"), "{name}");
        }
    }
}
