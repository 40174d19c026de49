use std::fmt;

use nexus_raw::asset::BucketName;

/// Where the catalogue is, and of which object store it tells.
#[derive(Clone)]
pub struct SqlCatalogSettings {
    /// `sqlite:PATH`, a file of this machine; it is made where there is none, its directory is
    /// not. A file of a network file system does not do: SQLite's locks are not kept there.
    pub url: String,
    /// The store that new assets go to.
    pub object_store: ObjectStoreIdentity,
}

/// What tells one object store from another.
///
/// It is kept with each intent, so that what was written under one bucket goes on saying so when
/// the settings name another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectStoreIdentity {
    /// The endpoint; `None` is AWS's own.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// The bucket.
    pub bucket: BucketName,
}

impl fmt::Debug for SqlCatalogSettings {
    /// Of the URL only the kind: one of PostgreSQL may hold a password.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.url.split(':').next().unwrap_or_default();
        out.debug_struct("SqlCatalogSettings")
            .field("url", &format_args!("{kind}:..."))
            .field("object_store", &self.object_store)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_print_no_password() {
        let settings = SqlCatalogSettings {
            url: "postgres://nexus:hunter2@db/nexus".to_owned(),
            object_store: ObjectStoreIdentity {
                endpoint: None,
                region: "eu-west-1".to_owned(),
                bucket: BucketName::parse("nexus-raw").unwrap(),
            },
        };
        assert_eq!(
            format!("{settings:?}"),
            "SqlCatalogSettings { url: postgres:..., object_store: ObjectStoreIdentity { \
             endpoint: None, region: \"eu-west-1\", bucket: BucketName(\"nexus-raw\") } }"
        );
    }
}
