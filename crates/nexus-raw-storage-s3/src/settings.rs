use std::{
    fmt,
    pin::pin,
    task::{Context, Poll, Waker},
};

use nexus_raw::{asset::BucketName, net::TrustedUrl};
use secrecy::SecretString;

use crate::{connect::ConnectError, endpoint::BucketUrl};

/// Which bucket, where, and what it must be good for.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// The bucket that assets go to.
    pub bucket: BucketName,
    /// The bucket's region; signatures are made for it.
    pub region: String,
    /// Where a store other than AWS is; `None` means AWS in `region`.
    pub endpoint: Option<TrustedUrl>,
    /// Whether the bucket is named in the path and not in the host, as most other stores want it.
    /// A bucket with dots in its name is always named in the path over https, since a wildcard
    /// certificate covers one label (Amazon S3 User Guide, "Bucket naming rules").
    pub force_path_style: bool,
    /// The keys to sign with; `None` means the AWS SDK's default chain, with early renewal.
    pub credentials: Option<StaticCredentials>,
    /// How the store is told to encrypt each upload.
    pub server_side_encryption: ServerSideEncryption,
    /// The AWS account that must own the bucket, if it is to be checked with each request.
    pub expected_bucket_owner: Option<String>,
    /// Whether the bucket must have versioning enabled.
    pub require_versioning: bool,
    /// Whether a store that takes `x-amz-*` headers that nobody signed is accepted.
    pub allow_unsigned_headers: bool,
}

impl S3Settings {
    /// Whether bucket, region and endpoint make a place of a store; reaches for nothing.
    ///
    /// # Errors
    /// [`ConnectError::Address`].
    pub fn check(&self) -> Result<(), ConnectError> {
        // the rules of the SDK are a computation, which is done at the first poll
        let resolved = pin!(BucketUrl::resolve(self));
        match resolved.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(error)) => Err(ConnectError::Address(error)),
            Poll::Ready(Ok(_)) | Poll::Pending => Ok(()),
        }
    }
}

/// A key pair that does not end.
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

/// How the store is told to encrypt an upload: by headers that are signed with it (Amazon S3 User
/// Guide, "Protecting data with encryption").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ServerSideEncryption {
    /// It is not told: the bucket's own default holds.
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
    /// The value of `x-amz-server-side-encryption`.
    pub(crate) fn algorithm(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::S3 => Some("AES256"),
            Self::Kms { .. } => Some("aws:kms"),
        }
    }

    /// The value of `x-amz-server-side-encryption-aws-kms-key-id`.
    pub(crate) fn key_id(&self) -> Option<&str> {
        match self {
            Self::Kms { key_id } => key_id.as_deref(),
            Self::None | Self::S3 => None,
        }
    }
}
