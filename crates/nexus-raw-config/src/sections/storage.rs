use std::time::Duration;

use nexus_raw::{
    asset::{BucketName, ByteSize},
    net::TrustedUrl,
};
use secrecy::SecretString;

use super::forms::{named, visible};
use crate::faults::Faults;
use crate::form::{boolean, integer, text};
use crate::section::section;

section! {
    /// `storage.*`: the bucket and its endpoint.
    #[derive(Debug, Clone)]
    pub struct StorageSettings from Storage of "storage" {
        /// Bucket of the raw objects. Required.
        pub bucket: BucketName = text(
            "a bucket name by AWS's rules (3 to 63 of a-z, 0-9, dot and hyphen)",
            |text| BucketName::parse(text).ok(),
        )
        .example("nexus-raw-prod");
        /// Region of the bucket, as used in signatures. Required.
        pub region: String = text("1 to 32 of a-z, 0-9 and hyphen", region).example("eu-central-1");
        /// S3 endpoint of a store other than AWS. Not allowed in embedded mode.
        pub endpoint: Option<TrustedUrl> = text(
            "an https URL of scheme, host and port (http only to loopback), without user, path or query, and not a metadata or unspecified address",
            |text| TrustedUrl::parse(text).ok().filter(TrustedUrl::is_bare),
        )
        .example("https://s3.example.com");
        /// Puts the bucket into the path instead of the host name; required by most stores other
        /// than AWS.
        pub force_path_style: bool = boolean();
        /// S3 access key id, with `storage.secret_access_key`. Without both, the default credential
        /// chain of AWS is used.
        access_key_id: SecretString = text(
            "1 to 128 visible ASCII characters without a slash",
            // a slash would end the key id in the credential scope of Signature Version 4
            |text| visible(text, 128).filter(|_| !text.contains('/')),
        )
        .secret()
        .example("AKIAIOSFODNN7EXAMPLE");
        /// S3 secret key, with `storage.access_key_id`.
        secret_access_key: SecretString = text("1 to 256 visible ASCII characters", |text| visible(text, 256))
            .secret()
            .example("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        /// Lifetime of an upload URL.
        presign_ttl_seconds in 1..=604_800 as pub presign_ttl: Duration = integer("900").example("600");
        /// Time in which a presigned asset may be uploaded and registered; not below
        /// `storage.presign_ttl_seconds`.
        intent_ttl_seconds in 1..=604_800 as pub intent_ttl: Duration = integer("86400").example("172800");
        /// Maximum size of an asset; above 5 GiB, which S3 takes in one PUT, it is uploaded in
        /// parts.
        max_object_bytes in 1..=5_497_558_138_880_i64 as pub max_object_bytes: ByteSize =
            integer("5368709120").example("1073741824");
        /// For a store that does not verify checksums: maximum size of an object that the service
        /// hashes within the register request. A larger one is `verification-pending` meanwhile.
        sync_hash_max_bytes in 1..=5_368_709_120_i64 as pub sync_hash_max_bytes: ByteSize =
            integer("67108864").example("16777216");
        /// AWS account of the bucket; a bucket of another account is refused.
        pub expected_bucket_owner: Option<String> =
            text("an AWS account id of 12 digits", account).example("111122223333");
        /// Server-side encryption that uploads request.
        sse: Sse = text("none, s3 or kms", |text| {
            named(text, &[("none", Sse::None), ("s3", Sse::S3), ("kms", Sse::Kms)])
        })
        .default("none")
        .example("kms");
        /// KMS key. Required with `storage.sse = "kms"`, otherwise not allowed.
        sse_kms_key_id: String = text(
            "a KMS key id or ARN of 1 to 2048 visible ASCII characters",
            |text| visible(text, 2048),
        )
        .example("arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab");
        /// Refuses to start on a bucket without versioning (exit 78).
        pub require_versioning: bool = boolean();
        /// Allows a store that accepts uploads with metadata that was not signed.
        pub allow_unsigned_headers: bool = boolean();
        /// Time in which an unreachable store or catalogue is retried before the start fails (exit
        /// 69).
        startup_timeout_seconds in 1..=3600 as pub startup_timeout: Duration = integer("30").example("120");

        /// The configured key pair; `None` means the default credential chain of AWS.
        pub credentials: Option<StaticCredentials> => |storage, _| Some(credentials(storage));
        /// The encryption that uploads request.
        pub encryption: ServerSideEncryption => encryption;
    }
}

/// A configured key pair.
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
    /// `none`: the bucket's default applies.
    None,
    /// `s3`: AES256 with keys of S3.
    S3,
    /// `kms`: a key of AWS KMS.
    Kms {
        /// `storage.sse_kms_key_id`.
        key_id: String,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sse {
    None,
    S3,
    Kms,
}

fn region(text: &str) -> Option<String> {
    let letter = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    visible(text, 32).filter(|_| text.bytes().all(letter))
}

fn account(text: &str) -> Option<String> {
    let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then(|| text.to_owned())
}

/// Returns the key pair. The rules between keys have refused one without the other.
fn credentials(storage: &Storage) -> Option<StaticCredentials> {
    Some(StaticCredentials {
        access_key_id: storage.access_key_id.clone()?,
        secret_access_key: storage.secret_access_key.clone()?,
    })
}

fn encryption(storage: &Storage, faults: &mut Faults) -> Option<ServerSideEncryption> {
    Some(match faults.need("storage.sse", storage.sse)? {
        Sse::None => ServerSideEncryption::None,
        Sse::S3 => ServerSideEncryption::S3,
        Sse::Kms => ServerSideEncryption::Kms {
            key_id: faults.need("storage.sse_kms_key_id", storage.sse_kms_key_id.clone())?,
        },
    })
}
