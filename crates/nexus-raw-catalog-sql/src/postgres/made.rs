//! What the migrations make, read from their own text, so that what is there can be compared with
//! it: a list beside them would have to be kept alike.

use std::{collections::BTreeMap, sync::LazyLock};

use sqlx::migrate::Migrator;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// The tables that have a tenant, and with it row-level security.
pub(super) static TABLES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let tables = statements("CREATE TABLE ").filter_map(|table| table.split_once(" (\n"));
    tables
        .filter(|(_, columns)| columns.trim_start().starts_with("tenant_id "))
        .map(|(name, _)| name)
        .collect()
});

/// The functions by their names, each with its body.
pub(super) static FUNCTIONS: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    let functions = statements("CREATE FUNCTION ").filter_map(|function| {
        let (name, rest) = function.split_once('(')?;
        Some((name, rest.split("$$").nth(1)?))
    });
    functions.collect()
});

/// What follows each `begin` that stands at the beginning of a line.
fn statements(begin: &str) -> impl Iterator<Item = &'static str> {
    let texts = MIGRATIONS.iter().map(|it| it.sql.as_str());
    texts.flat_map(move |sql| {
        let starts = sql.match_indices(begin);
        starts
            .filter(|(at, _)| *at == 0 || sql[..*at].ends_with('\n'))
            .map(|(at, found)| &sql[at + found.len()..])
    })
}
