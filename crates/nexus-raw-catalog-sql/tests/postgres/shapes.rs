//! The tables of both databases are the same except for their types.

use std::collections::BTreeMap;

use nexus_raw_catalog_sql::{SqlAssetCatalog, SqlCatalogSettings};
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};

use crate::support::Home;

/// The kind of a column's values, and whether it may be empty.
type Column = (&'static str, bool);
type Tables = BTreeMap<String, BTreeMap<String, Column>>;

/// Intended differences between the databases.
const OF_SQLITE_ALONE: [(&str, &str); 1] = [("event", "event_id")];
/// Servers of two versions coordinate by it; SQLite is for one process.
const TABLES_OF_POSTGRES_ALONE: [&str; 2] = ["made_function", "schema_version"];

fn kind(type_name: &str) -> &'static str {
    match type_name {
        "INTEGER" | "bigint" | "integer" | "boolean" => "number",
        "TEXT" | "text" | "json" => "text",
        "BLOB" | "bytea" | "uuid" => "bytes",
        "REAL" | "double precision" => "real",
        other => panic!("{other}"),
    }
}

fn tables(rows: Vec<(String, String, String, bool)>) -> Tables {
    let mut tables = Tables::new();
    for (table, column, type_name, nullable) in rows {
        let columns = tables.entry(table).or_default();
        columns.insert(column, (kind(&type_name), nullable));
    }
    tables
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let home = Home::new().await;
    let mut raw = home.raw().await;
    let postgres = "SELECT table_name::text, column_name::text, data_type::text,
            is_nullable = 'YES'
        FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_sqlx%'";
    let mut postgres = tables(sqlx::query_as(postgres).fetch_all(&mut raw).await.unwrap());
    for table in TABLES_OF_POSTGRES_ALONE {
        assert!(postgres.remove(table).is_some(), "{table}");
    }

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("catalog.sqlite");
    let settings = SqlCatalogSettings {
        url: format!("sqlite:{}", file.display()),
        ..home.settings()
    };
    SqlAssetCatalog::open(settings).await.unwrap().close().await;
    let options = SqliteConnectOptions::new().filename(&file);
    let mut raw = options.connect().await.unwrap();
    // a column of the primary key is never null, which SQLite does not report for rowid tables
    let sqlite = "SELECT t.name, c.name, c.type, c.\"notnull\" = 0 AND c.pk = 0
        FROM sqlite_schema t, pragma_table_info(t.name) c
        WHERE t.type = 'table' AND t.name NOT LIKE '\\_sqlx%' ESCAPE '\\'";
    let mut sqlite = tables(sqlx::query_as(sqlite).fetch_all(&mut raw).await.unwrap());
    for (table, column) in OF_SQLITE_ALONE {
        let removed = sqlite.get_mut(table).unwrap().remove(column);
        assert!(removed.is_some(), "{table}.{column}");
    }

    assert_eq!(
        sqlite.keys().collect::<Vec<_>>(),
        postgres.keys().collect::<Vec<_>>()
    );
    for (table, columns) in &sqlite {
        assert_eq!(columns, &postgres[table], "{table}");
    }
}
