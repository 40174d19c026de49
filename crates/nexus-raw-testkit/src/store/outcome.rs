/// The response of S3 to a presigned PUT (Amazon S3 API Reference, "Error responses").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutOutcome {
    /// 200: the object is stored.
    Stored,
    /// 400 `BadDigest`: the bytes are not those of the signed SHA-256.
    BadDigest,
    /// 403 `SignatureDoesNotMatch`: another URL, method, length, or signed header.
    SignatureDoesNotMatch,
    /// 403 `AccessDenied`: the URL has expired.
    RequestExpired,
    /// 403 `AccessDenied`: an `x-amz-` header that was not signed.
    HeaderNotSigned,
    /// 404 `NoSuchUpload`: the upload of the part was completed or aborted.
    NoSuchUpload,
    /// 412 `PreconditionFailed`: an object exists already.
    PreconditionFailed,
    /// 503: the store is unavailable.
    Unavailable,
}

impl PutOutcome {
    /// Returns the HTTP status of the response.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Stored => 200,
            Self::BadDigest => 400,
            Self::SignatureDoesNotMatch | Self::RequestExpired | Self::HeaderNotSigned => 403,
            Self::NoSuchUpload => 404,
            Self::PreconditionFailed => 412,
            Self::Unavailable => 503,
        }
    }
}
