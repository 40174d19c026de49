use nexus_raw::{ports::CatalogError, tenancy::Scope};

use crate::{
    error::{CorruptColumn, OpenError},
    listing::Sql,
    location::Location,
    postgres::{self, ReadOnlyPostgres},
    rows::Columns,
    sqlite::{self, ReadOnlySqlite},
};

/// A read-only connection to either database.
pub(super) enum Source {
    Sqlite(ReadOnlySqlite),
    Postgres(Box<ReadOnlyPostgres>),
}

/// What a transaction sees.
#[derive(Debug, Clone, Copy)]
pub(super) enum View<'a> {
    /// The scopes, and nothing of what is in them.
    AllScopes,
    /// The rows of one scope.
    Of(&'a Scope),
}

impl Source {
    pub(super) async fn open(location: Location) -> Result<Self, OpenError> {
        Ok(match location {
            Location::Sqlite(path) => Self::Sqlite(ReadOnlySqlite::open(&path).await?),
            Location::Postgres(options) => {
                Self::Postgres(Box::new(ReadOnlyPostgres::open(*options).await?))
            }
        })
    }

    /// Begins a transaction, which sees one state of the catalogue to its end. One that was given up
    /// on is ended.
    pub(super) async fn begin(&mut self, view: View<'_>) -> Result<(), CatalogError> {
        match self {
            Self::Sqlite(source) => source.begin().await,
            Self::Postgres(source) => {
                let scope = match view {
                    View::AllScopes => None,
                    View::Of(scope) => Some(scope),
                };
                source.begin(scope).await
            }
        }
    }

    /// Returns all rows of a statement, read by `read`.
    pub(super) async fn rows<T: Send + 'static>(
        &mut self,
        sql: Sql,
        read: fn(&Columns<'_>) -> Result<T, CorruptColumn>,
    ) -> Result<Vec<T>, CatalogError> {
        match self {
            Self::Sqlite(source) => source.rows(sql, read).await,
            Self::Postgres(source) => source.rows(&sql, read).await,
        }
    }

    /// Ends the transaction.
    pub(super) async fn end(&mut self) -> Result<(), CatalogError> {
        match self {
            Self::Sqlite(source) => source.end().await,
            Self::Postgres(source) => source.end().await,
        }
    }

    /// Whether rows of `event` have the event's id, which in PostgreSQL is only derived.
    pub(super) fn keeps_event_ids(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// A row of `stated_fact f` as JSON.
    pub(super) fn fact_json(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => sqlite::FACT_JSON,
            Self::Postgres(_) => "fact_json_v1(f)",
        }
    }

    /// The columns of an intent `i`, with its record, and its tables.
    pub(super) fn entries(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => sqlite::ENTRIES,
            Self::Postgres(_) => postgres::ENTRIES,
        }
    }
}
