use nexus_raw::asset::BucketName;

/// The identity of an object store.
///
/// Each intent keeps it, so that existing assets keep their bucket when the settings name another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectStoreIdentity {
    /// The endpoint, or `None` for AWS's own.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// The bucket.
    pub bucket: BucketName,
}
