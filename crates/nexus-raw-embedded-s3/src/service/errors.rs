//! The mapping from errors of the store to errors of S3.

use std::error::Error;

use s3s::{S3Error, s3_error};

use crate::store::StoreError;

/// The error of work on the store for a request.
#[derive(Debug)]
pub(super) enum WorkError {
    Store(StoreError),
    /// The request is refused.
    Refusal(S3Error),
}

impl From<StoreError> for WorkError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<S3Error> for WorkError {
    fn from(refusal: S3Error) -> Self {
        Self::Refusal(refusal)
    }
}

pub(super) fn of_store(error: &StoreError) -> S3Error {
    match error {
        StoreError::NoSuchBucket => {
            s3_error!(NoSuchBucket, "The specified bucket does not exist")
        }
        StoreError::BucketExists => s3_error!(
            BucketAlreadyOwnedByYou,
            "Your previous request to create the named bucket succeeded and you already own it."
        ),
        StoreError::ObjectExists => s3_error!(
            PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold"
        ),
        StoreError::NoSuchUpload => s3_error!(
            NoSuchUpload,
            "The specified multipart upload does not exist. The upload ID might be invalid, or the \
             multipart upload might have been aborted or completed."
        ),
        StoreError::TooManyUploads => slow_down(),
        StoreError::PartReplaced => invalid_part(),
        StoreError::Damaged(_) | StoreError::Io(_) | StoreError::Flush(_) | StoreError::Stopped => {
            internal(error)
        }
    }
}

/// Logs the failure with its causes, and returns an error without them.
pub(super) fn internal(error: &dyn Error) -> S3Error {
    report(error);
    s3_error!(
        InternalError,
        "We encountered an internal error. Please try again."
    )
}

/// Logs a failure with its causes.
pub(super) fn report(error: &dyn Error) {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    tracing::error!(error = causes.join(": "), "embedded S3 server failed");
}

/// The error when all upload slots are taken.
pub(super) fn slow_down() -> S3Error {
    s3_error!(SlowDown, "Please reduce your request rate.")
}

/// The error of a part that is absent, or has another digest than was named.
pub(super) fn invalid_part() -> S3Error {
    s3_error!(
        InvalidPart,
        "One or more of the specified parts could not be found. The part might not have been \
         uploaded, or the specified entity tag might not have matched the part's entity tag."
    )
}

pub(super) fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}
