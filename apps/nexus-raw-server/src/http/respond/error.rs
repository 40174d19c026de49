//! The errors of requests, and their conversion to problems.

mod uploads;

use std::time::Duration;

use actix_gated_stream::OverBudget;
use actix_web::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use nexus_raw::{
    ports::{CatalogError, IdentityError, StorageError},
    service::{
        AbortError, DownloadError, FactError, ListError, PartsError, PresignError, ReadError,
        RegisterError, VerifyError,
    },
    tenancy::AccessDenied,
};

use super::{Fault, Faults, ProblemCode as Code, problem::Problem};
use crate::{
    admission::RateLimited, feed::FeedError, life_cycle::Dependency, readiness::Unready,
    records::RecordError,
};

/// The `Retry-After` while a dependency is unavailable.
const AWAY: Duration = Duration::from_secs(2);

/// Returns a wait for `Retry-After`: rounded up, and at least 1.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0 || wait.is_zero())
}

/// The error of a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("the request is malformed: {0}")]
    Malformed(String),
    #[error("there is no bearer token")]
    NoToken,
    #[error("the token was refused")]
    Token(#[source] IdentityError),
    #[error("callers cannot be authenticated now")]
    Identity(#[source] IdentityError),
    #[error("access was denied")]
    Forbidden(#[from] AccessDenied),
    #[error("there is no such route")]
    RouteNotFound,
    #[error("the route does not have this method")]
    MethodNotAllowed { allow: String },
    #[error("there is no such asset")]
    AssetNotFound,
    #[error(transparent)]
    RateLimited(#[from] RateLimited),
    #[error("too many response bytes in flight")]
    ResponseBudget,
    #[error("the body is not plain JSON")]
    UnsupportedMediaType,
    #[error("the body is over {limit} bytes")]
    PayloadTooLarge { limit: usize },
    #[error("body validation failed")]
    Invalid(#[from] Faults),
    #[error("query validation failed")]
    InvalidQuery(#[source] Faults),
    #[error("no upload was presigned")]
    Presign(#[from] PresignError),
    #[error("no asset was registered")]
    Register(#[from] RegisterError),
    #[error("no parts were presigned or listed")]
    Parts(#[from] PartsError),
    #[error("no upload was aborted")]
    Abort(#[from] AbortError),
    #[error("no object was verified")]
    Verify(#[from] VerifyError),
    #[error("no download was presigned")]
    Download(#[from] DownloadError),
    #[error("no fact was stated")]
    Fact(#[from] FactError),
    #[error("the batch had no time left to begin this item")]
    NotBegun,
    #[error("the responses to the items before this one are too long")]
    BatchFull,
    #[error("the item was begun, and not finished in time")]
    Unfinished,
    #[error("nothing was read")]
    Read(#[from] ReadError),
    #[error("nothing was listed")]
    List(#[source] ListError),
    #[error("the wait was not started")]
    Feed(#[from] FeedError),
    #[error("the service is waiting for the {0}")]
    Starting(Dependency),
    #[error("the service is about to end")]
    Draining,
    #[error("the service is not ready")]
    Unready(#[from] Unready),
    #[error("the oldest undelivered event of sink `{sink}` is {lag_seconds} s old")]
    SinkLags { sink: String, lag_seconds: u64 },
    #[error("the answer could not be written as JSON")]
    Unwritable(#[from] serde_json::Error),
    #[error("the request took too long")]
    Timeout,
    #[error("a handler panicked")]
    Panicked,
}

impl From<RecordError> for ApiError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Read(error) => error.into(),
            RecordError::Json(error) => error.into(),
        }
    }
}

impl From<Dependency> for ApiError {
    fn from(missing: Dependency) -> Self {
        Self::Starting(missing)
    }
}

impl From<OverBudget> for ApiError {
    fn from(_: OverBudget) -> Self {
        Self::ResponseBudget
    }
}

impl From<ListError> for ApiError {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Read(error) => Self::Read(error),
            _ => Self::List(error),
        }
    }
}

impl From<IdentityError> for ApiError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Unavailable(_) => Self::Identity(error),
            // any other error means an invalid token
            _ => Self::Token(error),
        }
    }
}

impl ApiError {
    /// Returns the problem for the caller.
    pub(crate) fn problem(&self) -> Problem {
        match self {
            Self::Malformed(detail) => Problem::new(Code::MalformedRequest, detail.clone()),
            // one response for all faults of a token (RFC 6750, section 3)
            Self::NoToken | Self::Token(_) => {
                Problem::new(Code::Unauthenticated, "a valid bearer token is required")
                    .with_header(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")
            }
            Self::Forbidden(AccessDenied) => {
                let detail = "the caller has no right to do this in this tenant";
                Problem::new(Code::Forbidden, detail)
            }
            Self::RouteNotFound => Problem::new(Code::RouteNotFound, "there is no such route"),
            Self::MethodNotAllowed { allow } => {
                let detail = "the route does not have this method";
                Problem::new(Code::MethodNotAllowed, detail).with_header(ALLOW, allow)
            }
            Self::RateLimited(RateLimited { wait }) => {
                let detail = "rate limit exceeded in this tenant; try again later";
                later(Code::RateLimited, detail, *wait)
            }
            Self::Feed(FeedError::Full) => {
                let detail = "too many requests wait for events; try again later";
                later(Code::RateLimited, detail, AWAY)
            }
            Self::ResponseBudget => {
                let detail = "too many answers are under way; read those that were sent, and try \
                              again later";
                later(Code::RateLimited, detail, AWAY)
            }
            Self::UnsupportedMediaType => {
                let detail = "the body must be application/json in UTF-8, without content coding";
                Problem::new(Code::UnsupportedMediaType, detail)
            }
            Self::PayloadTooLarge { limit } => {
                let detail = format!("the body must have at most {limit} bytes");
                Problem::new(Code::PayloadTooLarge, detail)
            }
            Self::Invalid(faults) => invalid(faults.as_slice().to_vec()),
            Self::InvalidQuery(faults) => invalid_query(faults.as_slice().to_vec()),
            Self::List(ListError::InvalidCursor) => {
                invalid_query(vec![Fault::new("/cursor", Fault::NO_CURSOR)])
            }
            Self::Presign(error) => uploads::presign(error),
            Self::Register(error) => uploads::register(error),
            Self::Parts(error) => uploads::parts(error),
            Self::Abort(error) => uploads::abort(error),
            Self::Verify(error) => verification(error),
            Self::NotBegun => {
                let detail = "the batch had no time left to begin this item; send it again";
                later(Code::CatalogUnavailable, detail, AWAY)
            }
            Self::BatchFull => {
                let detail = "the answers to the items before this one are too long; send it again \
                              in a smaller batch";
                Problem::new(Code::PayloadTooLarge, detail)
            }
            Self::Download(error) => download(error),
            Self::Fact(error) => fact(error),
            Self::AssetNotFound | Self::Read(ReadError::AssetNotFound) => asset_not_found(),
            Self::Read(ReadError::Catalog(error)) => catalog(error),
            Self::Feed(FeedError::Catalog(error)) | Self::Unready(Unready::Catalog(error)) => {
                catalog(error)
            }
            Self::Unready(Unready::Storage(error)) => storage(error),
            // reported as unavailable storage, as during the start
            Self::Draining => {
                let detail = "the service is about to end; go to another one";
                later(Code::StorageUnavailable, detail, AWAY)
            }
            Self::Starting(Dependency::Storage) => storage_unavailable(),
            Self::Starting(Dependency::Catalog) | Self::Unfinished => catalog_unavailable(),
            Self::Identity(_) => {
                let detail = "the service has no keys yet to verify tokens with; try again later";
                later(Code::IdentityUnavailable, detail, AWAY)
            }
            Self::SinkLags { .. } => {
                let detail = "events are not delivered in time";
                later(Code::SinkUnavailable, detail, AWAY)
            }
            Self::Timeout => {
                let detail = "the request took too long; it may be tried again";
                Problem::new(Code::RequestTimeout, detail)
            }
            Self::Read(_)
            | Self::List(_)
            | Self::Unready(Unready::Interrupted)
            | Self::Unwritable(_)
            | Self::Panicked => internal(),
        }
    }
}

/// Returns a problem with `Retry-After`.
fn later(code: Code, detail: &'static str, wait: Duration) -> Problem {
    let seconds = whole_seconds(wait).to_string();
    Problem::new(code, detail).with_header(RETRY_AFTER, &seconds)
}

fn download(error: &DownloadError) -> Problem {
    match error {
        DownloadError::TtlTooLong { limit } => {
            let detail = format!("must be an integer from 1 to {}", limit.as_secs());
            invalid(vec![Fault::new("/ttl_seconds", detail)])
        }
        DownloadError::AssetNotFound => asset_not_found(),
        DownloadError::ActiveInline => {
            let detail = "must be `attachment` for content that browsers run";
            invalid(vec![Fault::new("/disposition", detail)])
        }
        DownloadError::ShownByStore => storage_unavailable(),
        DownloadError::Storage(error) => storage(error),
        DownloadError::Catalog(error) => catalog(error),
        _ => internal(),
    }
}

fn verification(error: &VerifyError) -> Problem {
    match error {
        VerifyError::AssetNotFound => asset_not_found(),
        VerifyError::Pending { retry_after } => {
            let detail = "the service still reads the object; ask again later";
            later(Code::VerificationPending, detail, *retry_after)
        }
        VerifyError::Storage(error) => storage(error),
        VerifyError::Catalog(error) => catalog(error),
        _ => internal(),
    }
}

fn fact(error: &FactError) -> Problem {
    match error {
        FactError::AssetNotFound => asset_not_found(),
        FactError::ScannedInFuture => invalid(vec![Fault::scanned_in_future()]),
        FactError::Catalog(error) => catalog(error),
        _ => internal(),
    }
}

fn invalid(faults: Vec<Fault>) -> Problem {
    let detail = "the body breaks the rules named in errors";
    Problem::new(Code::ValidationFailed, detail).with_errors(faults)
}

fn invalid_query(faults: Vec<Fault>) -> Problem {
    let detail = "the query breaks the rules named in errors";
    Problem::new(Code::ValidationFailed, detail).with_errors(faults)
}

fn asset_not_found() -> Problem {
    let detail = "there is no such asset in this tenant and environment";
    Problem::new(Code::AssetNotFound, detail)
}

fn storage(error: &StorageError) -> Problem {
    match error {
        StorageError::Unavailable(_)
        | StorageError::CredentialsEnding
        // the intent belongs to a bucket of an earlier configuration
        | StorageError::ForeignBucket => storage_unavailable(),
        _ => internal(),
    }
}

fn storage_unavailable() -> Problem {
    let detail = "the object store gives no answer; try again later";
    later(Code::StorageUnavailable, detail, AWAY)
}

fn catalog(error: &CatalogError) -> Problem {
    match error {
        CatalogError::Unavailable(_) => catalog_unavailable(),
        _ => internal(),
    }
}

fn catalog_unavailable() -> Problem {
    let detail = "the catalogue gives no answer; try again later";
    later(Code::CatalogUnavailable, detail, AWAY)
}

fn internal() -> Problem {
    let detail = "the service failed; the trace id leads to what is known of it";
    Problem::new(Code::Internal, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_in_whole_seconds_rounded_up() {
        for (millis, seconds) in [(0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2), (2000, 2)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
    }
}
