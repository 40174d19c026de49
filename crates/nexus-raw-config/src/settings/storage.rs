use std::time::Duration;

use nexus_raw::{
    asset::{BucketName, ByteSize},
    net::TrustedUrl,
};
use secrecy::SecretString;

use super::{parsed, seconds};
use crate::faults::Faults;
use crate::raw;

/// `storage.*`: the bucket, and how to reach it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StorageSettings {
    /// The bucket's name.
    pub bucket: BucketName,
    /// The region, as signatures name it.
    pub region: String,
    /// Scheme, host and port of a store other than AWS. In embedded mode always set.
    pub endpoint: Option<TrustedUrl>,
    /// Whether the bucket stands in the path instead of the host name.
    pub force_path_style: bool,
    /// None: the default chain of AWS.
    pub credentials: Option<StaticCredentials>,
    /// How long an upload URL lives: whole seconds, 1 to 604800.
    pub presign_ttl: Duration,
    /// How long an intent stands: never below `presign_ttl`.
    pub intent_ttl: Duration,
    /// The largest asset.
    pub max_object_bytes: ByteSize,
    /// Up to this size an object is hashed within the request.
    pub sync_hash_max_bytes: ByteSize,
    /// The AWS account that must own the bucket: 12 digits.
    pub expected_bucket_owner: Option<String>,
    /// What uploads ask for.
    pub encryption: ServerSideEncryption,
    /// Whether to refuse a bucket without versioning.
    pub require_versioning: bool,
    /// Whether to take a store that lets unsigned metadata through.
    pub allow_unsigned_headers: bool,
    /// How long an unreachable store or catalogue is tried at the start.
    pub startup_timeout: Duration,
}

/// A key pair that the configuration gives.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StaticCredentials {
    /// `storage.access_key_id`.
    pub access_key_id: SecretString,
    /// `storage.secret_access_key`.
    pub secret_access_key: SecretString,
}

/// `storage.sse` with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerSideEncryption {
    /// `none`: nothing is asked; the bucket's default holds.
    None,
    /// `s3`: AES256 with keys of S3.
    S3,
    /// `kms`: a key of AWS KMS.
    Kms {
        /// `storage.sse_kms_key_id`.
        key_id: String,
    },
}

impl StorageSettings {
    pub(super) fn assemble(raw: raw::Storage, faults: &mut Faults) -> Option<Self> {
        let bucket = raw.bucket.and_then(|name| BucketName::parse(&name).ok());
        let bucket = faults.need("storage.bucket", bucket);
        let region = faults.need("storage.region", raw.region);
        let endpoint = parsed(raw.endpoint);
        let force_path_style = faults.need("storage.force_path_style", raw.force_path_style);
        let credentials = raw
            .access_key_id
            .zip(raw.secret_access_key)
            .map(|(id, key)| StaticCredentials {
                access_key_id: id.into(),
                secret_access_key: key.into(),
            });
        let presign_ttl = seconds(
            "storage.presign_ttl_seconds",
            raw.presign_ttl_seconds,
            faults,
        );
        let intent_ttl = seconds("storage.intent_ttl_seconds", raw.intent_ttl_seconds, faults);
        let max_object_bytes = bytes("storage.max_object_bytes", raw.max_object_bytes, faults);
        let sync_hash_max_bytes = bytes(
            "storage.sync_hash_max_bytes",
            raw.sync_hash_max_bytes,
            faults,
        );
        let encryption = match (raw.sse.as_deref(), raw.sse_kms_key_id) {
            (Some("none"), _) => Some(ServerSideEncryption::None),
            (Some("s3"), _) => Some(ServerSideEncryption::S3),
            (Some("kms"), Some(key_id)) => Some(ServerSideEncryption::Kms { key_id }),
            (Some("kms"), None) => faults.need("storage.sse_kms_key_id", None),
            _ => faults.need("storage.sse", None),
        };
        let require_versioning = faults.need("storage.require_versioning", raw.require_versioning);
        let allow_unsigned_headers =
            faults.need("storage.allow_unsigned_headers", raw.allow_unsigned_headers);
        let startup_timeout = seconds(
            "storage.startup_timeout_seconds",
            raw.startup_timeout_seconds,
            faults,
        );
        Some(Self {
            bucket: bucket?,
            region: region?,
            endpoint,
            force_path_style: force_path_style?,
            credentials,
            presign_ttl: presign_ttl?,
            intent_ttl: intent_ttl?,
            max_object_bytes: max_object_bytes?,
            sync_hash_max_bytes: sync_hash_max_bytes?,
            expected_bucket_owner: raw.expected_bucket_owner,
            encryption: encryption?,
            require_versioning: require_versioning?,
            allow_unsigned_headers: allow_unsigned_headers?,
            startup_timeout: startup_timeout?,
        })
    }
}

fn bytes(name: &str, count: Option<i64>, faults: &mut Faults) -> Option<ByteSize> {
    let size = count.and_then(|count| ByteSize::parse(u64::try_from(count).ok()?).ok());
    faults.need(name, size)
}
