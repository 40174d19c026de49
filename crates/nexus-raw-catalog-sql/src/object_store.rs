use nexus_raw::asset::BucketName;

/// The identity of an object store.
///
/// Each intent keeps it, so that existing assets keep their bucket when the settings name another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectStoreIdentity {
    /// The endpoint, or `None` for AWS's own. It is only a name. A store on a free port needs one that
    /// stays the same, such as `embedded`: with its URL, each start would be another store.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// The bucket.
    pub bucket: BucketName,
}
