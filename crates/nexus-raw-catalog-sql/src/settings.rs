use std::fmt;

use crate::{error::OpenError, location::Location, object_store::ObjectStoreIdentity};

/// The location of the catalogue, and its object store.
#[derive(Clone)]
pub struct SqlCatalogSettings {
    /// `sqlite:PATH`, a local file, which is created if missing; its directory must exist. Network
    /// file systems are not supported, since SQLite's locks are unreliable there.
    /// Or `postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE`, for any number of processes; over a
    /// network always encrypted, with the server verified.
    pub url: String,
    /// The maximum number of connections to PostgreSQL. If it is above 1, one is the writer's.
    /// SQLite ignores it.
    pub max_connections: u32,
    /// The store that new assets go to.
    pub object_store: ObjectStoreIdentity,
}

impl SqlCatalogSettings {
    /// The default number of connections, enough for a server of a few cores; PostgreSQL's own
    /// default limit is 100.
    pub const MAX_CONNECTIONS: u32 = 10;

    /// Checks the URL without connecting.
    ///
    /// # Errors
    /// [`OpenError::Incompatible`], which shows no password.
    pub fn check(&self) -> Result<(), OpenError> {
        Location::parse(&self.url).map(drop)
    }
}

impl fmt::Debug for SqlCatalogSettings {
    /// Shows only the scheme of the URL, which may hold a password.
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
