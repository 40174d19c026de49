use std::{
    fmt,
    pin::pin,
    task::{Context, Poll, Waker},
};

use nexus_raw::{asset::BucketName, net::TrustedUrl};
use secrecy::SecretString;

use crate::{connect::ConnectError, endpoint::BucketUrl};

/// Settings of the S3 store.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// The bucket of the assets.
    pub bucket: BucketName,
    /// The bucket's region, which is part of signatures.
    pub region: String,
    /// The endpoint of a store other than AWS; `None` means AWS in `region`.
    pub endpoint: Option<TrustedUrl>,
    /// Whether the bucket is in the path and not in the host, as most other stores require.
    /// A bucket with dots in its name is always in the path over https, since a wildcard
    /// certificate covers one label (Amazon S3 User Guide, "Bucket naming rules").
    pub force_path_style: bool,
    /// The signing key pair; `None` means the AWS SDK's default chain, with early renewal.
    pub credentials: Option<StaticCredentials>,
    /// The encryption that each upload requests.
    pub server_side_encryption: ServerSideEncryption,
    /// The AWS account that must own the bucket, if it is checked with each request.
    pub expected_bucket_owner: Option<String>,
    /// Whether the bucket must have versioning enabled.
    pub require_versioning: bool,
    /// Whether a store that accepts unsigned `x-amz-*` headers is allowed.
    pub allow_unsigned_headers: bool,
}

impl S3Settings {
    /// Checks that bucket, region and endpoint are a valid address, without network access.
    ///
    /// # Errors
    /// [`ConnectError::Address`].
    pub fn check(&self) -> Result<(), ConnectError> {
        // the SDK's rules need no I/O, so the future is ready at the first poll
        let resolved = pin!(BucketUrl::resolve(self));
        match resolved.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(error)) => Err(ConnectError::Address(error)),
            Poll::Ready(Ok(_)) | Poll::Pending => Ok(()),
        }
    }
}

/// A key pair that does not expire.
#[derive(Clone)]
pub struct StaticCredentials {
    /// The access key's id.
    pub access_key_id: String,
    /// The access key's secret.
    pub secret_access_key: SecretString,
}

impl fmt::Debug for StaticCredentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("StaticCredentials(redacted)")
    }
}

/// The encryption that an upload requests, by signed headers (Amazon S3 User Guide, "Protecting data
/// with encryption").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ServerSideEncryption {
    /// None is requested: the bucket's default applies.
    #[default]
    None,
    /// SSE-S3: `AES256`.
    S3,
    /// SSE-KMS: `aws:kms`.
    Kms {
        /// The key's id, alias or ARN; `None` means the account's `aws/s3` key.
        key_id: Option<String>,
    },
}

impl ServerSideEncryption {
    /// Returns the value of `x-amz-server-side-encryption`.
    pub(crate) fn algorithm(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::S3 => Some("AES256"),
            Self::Kms { .. } => Some("aws:kms"),
        }
    }

    /// Returns the value of `x-amz-server-side-encryption-aws-kms-key-id`.
    pub(crate) fn key_id(&self) -> Option<&str> {
        match self {
            Self::Kms { key_id } => key_id.as_deref(),
            Self::None | Self::S3 => None,
        }
    }
}
