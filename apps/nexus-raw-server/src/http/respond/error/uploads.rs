//! The errors of uploads and registrations.

use actix_web::http::header::LOCATION;
use nexus_raw::{
    asset::{AssetId, PartNumber},
    service::{AbortError, Mismatch, PartsError, PresignError, RegisterError},
};

use super::{
    AWAY, Code, Fault, Problem, asset_not_found, catalog, internal, invalid, later, storage,
};

/// The maximum number of parts that a problem names.
const MOST_PARTS_NAMED: usize = 100;

pub(super) fn presign(error: &PresignError) -> Problem {
    match error {
        PresignError::TooLarge { limit } => {
            let detail = format!("must be an integer from 0 to {limit}");
            invalid(vec![Fault::new("/size_bytes", detail)])
        }
        PresignError::DigestMissing => invalid(vec![Fault::absent("/sha256".to_owned())]),
        PresignError::PartsNeeded => invalid(vec![Fault::parts_needed()]),
        PresignError::NoParts => invalid(vec![Fault::no_parts()]),
        PresignError::KeyReused => {
            let fault = Fault::new("", "differs from the body that the key was first sent with");
            Problem::new(Code::IdempotencyKeyReused, error.to_string()).with_errors(vec![fault])
        }
        PresignError::KeyRegistered { asset_id } => conflict_with(*asset_id, error.to_string()),
        PresignError::PresignsExhausted { retry_after } => {
            let detail =
                "the upload was presigned as often as allowed; the key can be used again later";
            later(Code::RateLimited, detail, *retry_after)
        }
        PresignError::Storage(error) => storage(error),
        PresignError::Catalog(error) => catalog(error),
        _ => internal(),
    }
}

/// A part that was not uploaded, or not as declared.
fn missing_part(part: PartNumber) -> Fault {
    Fault::new(format!("/parts/{part}"), "was not uploaded as declared")
}

pub(super) fn parts(error: &PartsError) -> Problem {
    match error {
        PartsError::AssetNotFound => asset_not_found(),
        PartsError::NotMultipart | PartsError::Registered => {
            Problem::new(Code::AssetConflict, error.to_string())
        }
        PartsError::Differ { parts } => {
            let named: Vec<_> = parts
                .iter()
                .take(MOST_PARTS_NAMED)
                .map(ToString::to_string)
                .collect();
            let more = if named.len() < parts.len() {
                " and more"
            } else {
                ""
            };
            let named = named.join(", ");
            Problem::new(Code::AssetConflict, format!("{error}: {named}{more}"))
        }
        PartsError::Ended => {
            let detail = "the time to upload is over, or the upload was aborted; presign again";
            Problem::new(Code::UploadExpired, detail)
        }
        PartsError::OutOfRange { positions, count } => {
            let outside = |at: &usize| {
                let detail = format!("must be an integer from 1 to {count}");
                Fault::new(format!("/parts/{at}/part_number"), detail)
            };
            invalid(positions.iter().map(outside).collect())
        }
        PartsError::Storage(error) => storage(error),
        PartsError::Catalog(error) => catalog(error),
        _ => internal(),
    }
}

pub(super) fn abort(error: &AbortError) -> Problem {
    match error {
        AbortError::AssetNotFound => asset_not_found(),
        AbortError::NotMultipart => {
            let detail = "the upload is one by one request, whose URL cannot be taken back";
            Problem::new(Code::AssetConflict, detail)
        }
        AbortError::Registered | AbortError::Completed => {
            Problem::new(Code::AssetConflict, error.to_string())
        }
        AbortError::Pending => {
            let detail = "the upload is being completed; try again later";
            later(Code::VerificationPending, detail, AWAY)
        }
        AbortError::Storage(error) => storage(error),
        AbortError::Catalog(error) => catalog(error),
        _ => internal(),
    }
}

pub(super) fn register(error: &RegisterError) -> Problem {
    match error {
        RegisterError::AssetNotFound => asset_not_found(),
        RegisterError::CapturedInFuture => invalid(vec![Fault::captured_in_future()]),
        RegisterError::DigestMissing => invalid(vec![Fault::absent("/sha256".to_owned())]),
        RegisterError::RestatedDiffers { .. } => {
            Problem::new(Code::AssetConflict, error.to_string())
        }
        RegisterError::ProvenanceDiffers { asset } => {
            conflict_with(asset.asset_id(), error.to_string())
        }
        RegisterError::UploadExpired => {
            let detail = "the time to upload is over; presign again";
            Problem::new(Code::UploadExpired, detail)
        }
        RegisterError::UploadAborted => {
            Problem::new(Code::UploadExpired, "the upload was aborted; presign again")
        }
        RegisterError::UnknownParents { positions } => {
            let unknown = |at: &usize| {
                let detail = "must be a registered asset of the same tenant and environment";
                Fault::new(format!("/lineage/derived_from/{at}"), detail)
            };
            invalid(positions.iter().map(unknown).collect())
        }
        RegisterError::ObjectNotUploaded => {
            let detail = "nothing was uploaded yet; upload and try again";
            Problem::new(Code::ObjectNotUploaded, detail)
        }
        RegisterError::PartsMissing { parts } => {
            let detail = format!("missing parts: {}; upload them and try again", parts.len());
            let faults = parts
                .iter()
                .take(MOST_PARTS_NAMED)
                .map(|part| missing_part(*part))
                .collect();
            Problem::new(Code::ObjectNotUploaded, detail).with_errors(faults)
        }
        RegisterError::ObjectMismatch { mismatches } => {
            let detail = "what was uploaded is not what was promised";
            let faults = mismatches.iter().map(mismatch).collect();
            Problem::new(Code::ObjectMismatch, detail).with_errors(faults)
        }
        RegisterError::VerificationPending { retry_after } => {
            let detail = "the service still reads the object to verify it; register again later";
            later(Code::VerificationPending, detail, *retry_after)
        }
        RegisterError::Storage(error) => storage(error),
        RegisterError::Catalog(error) => catalog(error),
        _ => internal(),
    }
}

/// Returns the conflict with an existing asset.
fn conflict_with(standing: AssetId, detail: String) -> Problem {
    let location = format!("/nexus/raw/{standing}");
    Problem::new(Code::AssetConflict, detail).with_header(LOCATION, &location)
}

fn mismatch(mismatch: &Mismatch) -> Fault {
    match mismatch {
        Mismatch::Size => Fault::new("/size_bytes", "the object has another length"),
        Mismatch::Sha256 => Fault::new("/sha256", "the object has another SHA-256, or none"),
        Mismatch::ContentType => Fault::new("/content_type", "the object has another media type"),
        Mismatch::UserMetadata => Fault::new("", "the object has other user metadata"),
        Mismatch::ForeignHeader(name) => {
            Fault::new("", format!("the object carries the header `{name}`"))
        }
        other => Fault::new("", format!("the object differs: {other}")),
    }
}
