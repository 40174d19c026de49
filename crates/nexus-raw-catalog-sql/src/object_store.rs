use nexus_raw::asset::BucketName;

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
