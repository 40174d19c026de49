use std::fmt;

use crate::{error::OpenError, location::Location, object_store::ObjectStoreIdentity};

/// Where the catalogue is, and of which object store it tells.
#[derive(Clone)]
pub struct SqlCatalogSettings {
    /// `sqlite:PATH`, a file of this machine; it is made where there is none, its directory is
    /// not. A file of a network file system does not do: SQLite's locks are not kept there.
    /// Or `postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE`, for any number of processes; over a
    /// network always encrypted, and the server verified.
    pub url: String,
    /// How many connections to PostgreSQL at most, one of them the writer's where there are more.
    pub max_connections: u32,
    /// The store that new assets go to.
    pub object_store: ObjectStoreIdentity,
}

impl SqlCatalogSettings {
    /// As many connections as keep a server of a few cores busy; PostgreSQL by itself takes 100.
    pub const MAX_CONNECTIONS: u32 = 10;

    /// Whether the URL may be used; reaches for nothing.
    ///
    /// # Errors
    /// [`OpenError::Unfit`], which tells nothing of a password.
    pub fn check(&self) -> Result<(), OpenError> {
        Location::parse(&self.url).map(drop)
    }
}

impl fmt::Debug for SqlCatalogSettings {
    /// Of the URL only the kind: one of PostgreSQL may hold a password.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.url.split(':').next().unwrap_or_default();
        out.debug_struct("SqlCatalogSettings")
            .field("url", &format_args!("{kind}:..."))
            .field("max_connections", &self.max_connections)
            .field("object_store", &self.object_store)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use nexus_raw::asset::BucketName;

    use super::*;

    #[test]
    fn settings_print_no_password() {
        let settings = SqlCatalogSettings {
            url: "postgres://nexus:hunter2@db/nexus".to_owned(),
            max_connections: 10,
            object_store: ObjectStoreIdentity {
                endpoint: None,
                region: "eu-west-1".to_owned(),
                bucket: BucketName::parse("nexus-raw").unwrap(),
            },
        };
        assert_eq!(
            format!("{settings:?}"),
            "SqlCatalogSettings { url: postgres:..., max_connections: 10, object_store: \
             ObjectStoreIdentity { endpoint: None, region: \"eu-west-1\", bucket: BucketName(\"nexus-raw\") } }"
        );
    }
}
