use std::{error::Error, fmt};

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ConnectorError, ProvideErrorMetadata, SdkError},
};
use nexus_raw::ErrorChain;

/// A request to the store that brought no clear answer, as far as a log may know of it.
///
/// The SDK's own errors carry the whole request and answer into their `Debug`; this has the
/// operation, the status, the store's code and its request id, and nothing that was signed.
#[derive(Debug)]
pub(crate) struct RequestFailure {
    operation: &'static str,
    kind: FailureKind,
    request_id: Option<String>,
}

/// Why there was no clear answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The request was not sent.
    NotSent,
    /// The connection could not be made, or broke.
    Connection(String),
    /// The time was up.
    Timeout,
    /// The store refused, or said that it cannot.
    Status(u16, Option<String>),
    /// The answer does not say what it must.
    Unreadable(&'static str),
}

impl RequestFailure {
    pub(crate) fn new(operation: &'static str, kind: FailureKind) -> Self {
        Self {
            operation,
            kind,
            request_id: None,
        }
    }

    /// A refusal, or whatever else the operation does not know. The code and the request id come
    /// from the store and are kept only where they look like what they should be.
    pub(crate) fn refusal(
        operation: &'static str,
        status: u16,
        code: Option<&str>,
        request_id: Option<&str>,
    ) -> Self {
        let code = code.and_then(|code| token(code, 64));
        Self {
            operation,
            kind: FailureKind::Status(status, code),
            request_id: request_id.and_then(|id| token(id, 128)),
        }
    }

    pub(crate) fn connector(operation: &'static str, error: &ConnectorError) -> Self {
        let kind = if error.is_timeout() {
            FailureKind::Timeout
        } else {
            FailureKind::Connection(causes(error))
        };
        Self::new(operation, kind)
    }

    pub(crate) fn sdk<E: ProvideErrorMetadata>(
        operation: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> Self {
        match error {
            SdkError::TimeoutError(_) => Self::new(operation, FailureKind::Timeout),
            SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
                Some(error) => Self::connector(operation, error),
                None => Self::new(operation, FailureKind::NotSent),
            },
            // what the SDK cannot read of a good answer is an error of the service to it
            SdkError::ServiceError(answer) if answer.raw().status().is_success() => {
                Self::new(operation, FailureKind::Unreadable("it cannot be parsed"))
            }
            SdkError::ServiceError(refusal) => Self::refusal(
                operation,
                refusal.raw().status().as_u16(),
                refusal.err().code(),
                request_id(refusal.raw()),
            ),
            SdkError::ResponseError(_) => {
                Self::new(operation, FailureKind::Unreadable("it cannot be parsed"))
            }
            _ => Self::new(operation, FailureKind::NotSent),
        }
    }

    /// The store's name for its refusal.
    pub(crate) fn code(&self) -> Option<&str> {
        match &self.kind {
            FailureKind::Status(_, code) => code.as_deref(),
            _ => None,
        }
    }

    /// The status that the store answered with, if it refused.
    pub(crate) fn status(&self) -> Option<u16> {
        match self.kind {
            FailureKind::Status(status, _) => Some(status),
            _ => None,
        }
    }
}

impl fmt::Display for RequestFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.operation;
        match &self.kind {
            FailureKind::NotSent => write!(out, "{operation} could not be sent")?,
            FailureKind::Connection(causes) => {
                write!(out, "{operation} had no connection: {causes}")?;
            }
            FailureKind::Timeout => write!(out, "{operation} was not answered in time")?,
            FailureKind::Status(status, None) => {
                write!(out, "{operation} was answered with status {status}")?;
            }
            FailureKind::Status(status, Some(code)) => {
                write!(out, "{operation} was answered with status {status} {code}")?;
            }
            FailureKind::Unreadable(what) => {
                write!(out, "{operation} was answered with nonsense: {what}")?;
            }
        }
        match &self.request_id {
            Some(id) => write!(out, " (request id {id})"),
            None => Ok(()),
        }
    }
}

impl Error for RequestFailure {}

/// The id under which the store's own log has the request.
pub(crate) fn request_id(answer: &HttpResponse) -> Option<&str> {
    answer.headers().get("x-amz-request-id")
}

/// What a store sends into the log: short, and of harmless characters, or nothing.
fn token(text: &str, longest: usize) -> Option<String> {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+/=".contains(&byte);
    let fits = (1..=longest).contains(&text.len()) && text.bytes().all(harmless);
    fits.then(|| text.to_owned())
}

/// The causes beneath an error of a connection, which name addresses and certificates but no URL.
pub(crate) fn causes(error: &dyn Error) -> String {
    let cause = error.source();
    cause.map_or_else(|| "it broke".to_owned(), |it| ErrorChain(it).to_string())
}
