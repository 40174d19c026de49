//! Examines a database and the service's role in it, for an operator.

use nexus_raw::{ErrorChain, checkup::Examined};

use crate::{
    error::OpenError, inspect::CatalogInspector, location::Location, postgres,
    settings::SqlCatalogSettings, sqlite,
};

/// The check of the schema, the role and the durability, as a start makes it.
pub(crate) const CHECK: &str = "catalog";

impl SqlCatalogSettings {
    /// Examines the catalogue as a start would, and what a start does not depend on. Reads only, beside
    /// running servers.
    pub async fn examine(&self) -> Vec<Examined> {
        let location = match Location::parse(&self.url) {
            Ok(location) => location,
            Err(error) => return vec![unusable(&error)],
        };
        match location {
            Location::Sqlite(path) => match CatalogInspector::open(&self.url).await {
                Ok(_) => sqlite::examine(&path),
                Err(error) => vec![unusable(&error)],
            },
            Location::Postgres(options) => {
                let examined = postgres::examine(&options, self.max_connections).await;
                examined.unwrap_or_else(|error| vec![unusable(&error)])
            }
        }
    }
}

fn unusable(error: &OpenError) -> Examined {
    let found = ErrorChain(error).to_string();
    match error {
        OpenError::Incompatible { .. } => {
            // what is wrong comes before what to do
            let parts = found.split_once(": ");
            let (found, mend) = parts.unwrap_or((&found, "see docs/OPERATIONS.md"));
            Examined::fault(CHECK, found, mend)
        }
        _ => Examined::unknown(
            CHECK,
            found,
            "check catalog.url, its credentials, and the way to the database",
        ),
    }
}
