use std::time::Duration;

use super::{Mismatch, mismatch::named};
use crate::{
    asset::{AssetId, ByteSize, PartNumber, RawAsset, UploadIntent},
    ports::{CatalogError, StorageError, WorkError},
};

/// Why an upload was not presigned. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PresignError {
    /// The asset is larger than the installation allows.
    #[error("the asset is larger than {limit} bytes")]
    TooLarge {
        /// The largest asset.
        limit: ByteSize,
    },
    /// An upload by one request without the digest of the content.
    #[error("the digest of the content is not stated")]
    DigestMissing,
    /// An upload by one request of more than S3 takes in one.
    #[error("more than {} bytes need an upload in parts", ByteSize::MAX_SINGLE_PUT)]
    PartsNeeded,
    /// An upload in parts of an empty content.
    #[error("an empty content has no parts")]
    NoParts,
    /// The caller's key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The caller's key was used for this request, and its asset is registered already.
    #[error("the asset of the idempotency key is already registered")]
    KeyRegistered {
        /// The asset.
        asset_id: AssetId,
    },
    /// The intent of the caller's key was presigned as often as allowed.
    #[error(
        "the upload was presigned {} times, as often as one may be",
        UploadIntent::MAX_PRESIGNS
    )]
    PresignsExhausted {
        /// When the intent ends, and the key is free for a new one.
        retry_after: Duration,
    },
    /// The store cannot be signed for.
    #[error("the upload could not be signed")]
    Storage(#[from] StorageError),
    /// The intent could not be made durable.
    #[error("the upload could not be recorded")]
    Catalog(#[from] CatalogError),
}

/// Why an asset was not registered. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// There is no such intent in this scope.
    #[error("there is no such asset")]
    AssetNotFound,
    /// The capture lies more than five minutes ahead.
    #[error("the capture lies in the future")]
    CapturedInFuture,
    /// Neither presign nor this request stated the digest of the whole content.
    #[error("the digest of the content was not stated")]
    DigestMissing,
    /// A restated fact differs from the intent.
    #[error("the restated {} differ from what was promised", fields.join(", "))]
    RestatedDiffers {
        /// The wire names of the facts that differ.
        fields: Vec<&'static str>,
    },
    /// The asset was registered before, with other provenance.
    #[error("the asset was registered before, with other provenance")]
    ProvenanceDiffers {
        /// The existing record.
        asset: Box<RawAsset>,
    },
    /// The intent ended and nothing was uploaded.
    #[error("the time to upload is over")]
    UploadExpired,
    /// The upload was aborted.
    #[error("the upload was aborted")]
    UploadAborted,
    /// Some parents are not registered in this scope; positions in `derived_from`.
    #[error("some parents are not registered assets of this tenant and environment")]
    UnknownParents {
        /// Positions in `derived_from`, ascending.
        positions: Vec<usize>,
    },
    /// Nothing is at the key yet.
    #[error("nothing was uploaded yet")]
    ObjectNotUploaded,
    /// Some parts of an upload are not there, or not as declared.
    #[error("{} parts were not uploaded", parts.len())]
    PartsMissing {
        /// Their numbers, ascending.
        parts: Vec<PartNumber>,
    },
    /// Something else is at the key.
    #[error("what was uploaded is not what was promised: {}", named(mismatches))]
    ObjectMismatch {
        /// What differs.
        mismatches: Vec<Mismatch>,
    },
    /// The service reads the object, and that takes longer than a call may.
    #[error("the upload is still being verified")]
    VerificationPending {
        /// When it is worth asking again: a guess.
        retry_after: Duration,
    },
    /// The store gave no answer.
    #[error("the upload could not be verified")]
    Storage(#[from] StorageError),
    /// The catalogue gave no answer.
    #[error("the registration could not be recorded")]
    Catalog(#[from] CatalogError),
}

/// Why parts were not signed or listed. Nothing was declared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PartsError {
    /// There is no such intent in this scope.
    #[error("there is no such asset")]
    AssetNotFound,
    /// It is an upload by one request.
    #[error("the upload is not one in parts")]
    NotMultipart,
    /// The asset is registered.
    #[error("the asset is already registered")]
    Registered,
    /// The intent has ended, or the upload was aborted.
    #[error("the time to upload is over, or the upload was aborted")]
    Ended,
    /// Some parts are beyond the last one.
    #[error("the upload has {count} parts")]
    OutOfRange {
        /// Positions in the request, ascending.
        positions: Vec<usize>,
        /// The number of parts of the upload.
        count: u16,
    },
    /// Some parts were declared before with another digest.
    #[error("parts were declared with another digest before")]
    Differ {
        /// Their numbers, ascending.
        parts: Vec<PartNumber>,
    },
    /// The store cannot be signed for, or did not answer.
    #[error("the store could not be asked for parts")]
    Storage(#[from] StorageError),
    /// The catalogue gave no answer.
    #[error("the parts could not be recorded")]
    Catalog(#[from] CatalogError),
}

/// Why an upload was not aborted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AbortError {
    /// There is no such intent in this scope.
    #[error("there is no such asset")]
    AssetNotFound,
    /// It is an upload by one request, whose URL cannot be taken back.
    #[error("the upload is not one in parts")]
    NotMultipart,
    /// The asset is registered.
    #[error("the asset is already registered")]
    Registered,
    /// The upload was completed; it can be registered.
    #[error("the upload is completed")]
    Completed,
    /// A completion is under way.
    #[error("the upload is being completed")]
    Pending,
    /// The store gave no answer.
    #[error("the upload could not be aborted")]
    Storage(#[from] StorageError),
    /// The catalogue gave no answer.
    #[error("the abort could not be recorded")]
    Catalog(#[from] CatalogError),
}

/// Why an object was not verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// There is no such registered asset in this scope.
    #[error("there is no such asset")]
    AssetNotFound,
    /// The service reads the object, and that takes longer than a call may.
    #[error("the object is still being read")]
    Pending {
        /// When it is worth asking again: a guess.
        retry_after: Duration,
    },
    /// The store gave no answer.
    #[error("the object could not be read")]
    Storage(#[from] StorageError),
    /// The catalogue gave no answer.
    #[error("the verification could not be recorded")]
    Catalog(#[from] CatalogError),
}

/// The errors of use cases that have work done: its cause is their cause.
macro_rules! from_work_error {
    ($($error:ident),+) => {$(
        impl From<WorkError> for $error {
            fn from(error: WorkError) -> Self {
                match error {
                    WorkError::Storage(error) => error.into(),
                    WorkError::Catalog(error) => error.into(),
                }
            }
        }
    )+};
}

from_work_error!(RegisterError, PartsError, AbortError, VerifyError);

/// Why a download was not presigned. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The URL would live longer than the installation allows.
    #[error("the URL would live longer than {} s", limit.as_secs())]
    TtlTooLong {
        /// The longest life.
        limit: Duration,
    },
    /// There is no such registered asset in this scope.
    #[error("there is no such asset")]
    AssetNotFound,
    /// A browser would run the content instead of showing it.
    #[error("content of this type is not shown inline: browsers run it")]
    ActiveInline,
    /// The store answers an object's own headers instead of the signed ones, so that a browser
    /// would run the content instead of saving it.
    #[error("the store ignores response-* parameters, and browsers would run this content")]
    ShownByStore,
    /// The store cannot be signed for.
    #[error("the download could not be signed")]
    Storage(#[from] StorageError),
    /// The catalogue gave no answer, or the event could not be made durable.
    #[error("the download could not be recorded")]
    Catalog(#[from] CatalogError),
}

/// Why a fact was not recorded. Nothing was written, unless the catalogue is the cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FactError {
    /// There is no such registered asset in this scope.
    #[error("there is no such asset")]
    AssetNotFound,
    /// The scan lies more than five minutes ahead.
    #[error("the scan lies in the future")]
    ScannedInFuture,
    /// The catalogue did not respond, or other facts of the asset came first each time.
    #[error("the fact could not be recorded")]
    Catalog(#[from] CatalogError),
}

/// Why a read gave nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no such asset in this scope.
    #[error("there is no such asset")]
    AssetNotFound,
    /// The catalogue gave no answer.
    #[error("the catalogue could not be read")]
    Catalog(#[from] CatalogError),
}
