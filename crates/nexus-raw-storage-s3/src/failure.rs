use std::{error::Error, fmt};

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ConnectorError, ProvideErrorMetadata, SdkError},
};
use nexus_raw::ErrorChain;

/// The error of a request to the store, safe to log.
///
/// The SDK's own errors include the whole request and response in their `Debug`; this has only the
/// operation, the status, the store's code and its request id, and nothing signed.
#[derive(Debug)]
pub(crate) struct RequestFailure {
    operation: &'static str,
    kind: FailureKind,
    request_id: Option<String>,
}

/// The kind of a failed request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The request was not sent.
    NotSent,
    /// The connection failed or broke.
    Connection(String),
    /// The request timed out.
    Timeout,
    /// The store returned an error status.
    Status(u16, Option<String>),
    /// The response is malformed.
    Malformed(&'static str),
}

impl RequestFailure {
    pub(crate) fn new(operation: &'static str, kind: FailureKind) -> Self {
        Self {
            operation,
            kind,
            request_id: None,
        }
    }

    /// Creates the failure of an error status. The code and the request id come from the store and
    /// are kept only if they are well-formed.
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
            // the SDK reports a successful response that it cannot parse as a service error; one
            // with a code is an error that the store found after it had sent the status
            SdkError::ServiceError(answer)
                if answer.raw().status().is_success() && answer.err().code().is_none() =>
            {
                Self::new(operation, FailureKind::Malformed("cannot be parsed"))
            }
            SdkError::ServiceError(refusal) => Self::refusal(
                operation,
                refusal.raw().status().as_u16(),
                refusal.err().code(),
                request_id(refusal.raw()),
            ),
            SdkError::ResponseError(_) => {
                Self::new(operation, FailureKind::Malformed("cannot be parsed"))
            }
            _ => Self::new(operation, FailureKind::NotSent),
        }
    }

    /// Returns the store's error code, if any.
    pub(crate) fn code(&self) -> Option<&str> {
        match &self.kind {
            FailureKind::Status(_, code) => code.as_deref(),
            _ => None,
        }
    }

    /// Returns whether the store does not know the upload that was named. Ceph RGW 16.2 lists the parts
    /// of such an upload with `NoSuchKey`.
    pub(crate) fn is_unknown_upload(&self) -> bool {
        matches!(self.code(), Some("NoSuchUpload" | "NoSuchKey"))
    }

    /// Returns whether the store refused to write since the key is used.
    pub(crate) fn is_taken_key(&self) -> bool {
        self.status() == Some(412) || self.code() == Some("PreconditionFailed")
    }

    /// Returns the error status, if the store returned one; that of a success if the error came
    /// after it.
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
            FailureKind::NotSent => write!(out, "{operation} was not sent")?,
            FailureKind::Connection(causes) => {
                write!(out, "{operation} connection failed: {causes}")?;
            }
            FailureKind::Timeout => write!(out, "{operation} timed out")?,
            FailureKind::Status(status, None) => {
                write!(out, "{operation} returned status {status}")?;
            }
            FailureKind::Status(status, Some(code)) => {
                write!(out, "{operation} returned status {status} {code}")?;
            }
            FailureKind::Malformed(what) => {
                write!(out, "{operation} returned a malformed response: {what}")?;
            }
        }
        match &self.request_id {
            Some(id) => write!(out, " (request id {id})"),
            None => Ok(()),
        }
    }
}

impl Error for RequestFailure {}

/// Returns the request's id in the store's own log.
pub(crate) fn request_id(answer: &HttpResponse) -> Option<&str> {
    answer.headers().get("x-amz-request-id")
}

/// Returns a store's text for the log if it is short and has only harmless characters.
fn token(text: &str, max_len: usize) -> Option<String> {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+/=".contains(&byte);
    let fits = (1..=max_len).contains(&text.len()) && text.bytes().all(harmless);
    fits.then(|| text.to_owned())
}

/// Returns the causes of a connection error, which name addresses and certificates but no URL.
pub(crate) fn causes(error: &dyn Error) -> String {
    let cause = error.source();
    cause.map_or_else(
        || "connection broken".to_owned(),
        |it| ErrorChain(it).to_string(),
    )
}
