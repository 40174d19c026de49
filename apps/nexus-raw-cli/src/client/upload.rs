//! The PUT to the store.

use std::{collections::BTreeMap, error::Error as _, io, path::Path, time::Duration};

use reqwest::{
    Body, Method, Response, StatusCode,
    header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{answer, http::Http, wire::Upload};
use crate::{
    content::{Content, ContentError},
    failure::{Failure, Peer},
    progress::Progress,
};

/// The minimum average rate of an upload, in bytes per second.
pub(super) const MIN_RATE: u64 = 32 * 1024;

/// Time for connecting and for the store's own work.
pub(super) const OVERHEAD: Duration = Duration::from_mins(2);

/// S3's error documents are below 1 KiB.
const MAX_ERROR_BYTES: usize = 16 * 1024;

/// Uploads with exactly the signed headers and none of the service's.
///
/// An existing object means that an earlier attempt's response was lost: that is success, and the
/// registration detects an object with other content.
pub(super) async fn put(
    http: &Http,
    upload: &Upload,
    content: &Content,
    progress: &Progress,
) -> Result<(), Failure> {
    let (url, headers) = target(upload, content.size_bytes)?;
    progress.start("uploading", content.size_bytes);
    let body = content
        .stream(progress)
        .map_err(|error| of_file(&error, content.path()))?;
    let response = http
        .for_url(&url)?
        .request(Method::PUT, url)
        .headers(headers)
        .timeout(OVERHEAD + Duration::from_secs(content.size_bytes / MIN_RATE))
        .body(Body::wrap_stream(body))
        .send()
        .await
        .map_err(|error| not_sent(error, content.path()))?;
    match response.status() {
        status if status.is_success() => Ok(()),
        StatusCode::PRECONDITION_FAILED => Ok(()),
        status => Err(Failure::Store {
            status,
            code: error_code(response).await,
        }),
    }
}

/// Returns whether the file or the store caused the error of an upload.
fn not_sent(error: reqwest::Error, path: &Path) -> Failure {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<ContentError>() {
            return of_file(error, path);
        }
        source = cause.source();
    }
    Failure::no_answer(Peer::Store, error)
}

fn of_file(error: &ContentError, path: &Path) -> Failure {
    let path = path.to_owned();
    match error {
        ContentError::Changed => Failure::FileChanged { path },
        ContentError::Unreadable(cause) => Failure::File {
            path,
            source: io::Error::new(cause.kind(), cause.to_string()),
        },
    }
}

/// Returns the URL and headers of the upload, if its kind is supported.
fn target(upload: &Upload, size_bytes: u64) -> Result<(Url, HeaderMap), Failure> {
    let unexpected = || answer::unexpected(StatusCode::OK);
    if upload.kind != "single" || upload.method != "PUT" {
        return Err(unexpected());
    }
    let (url, mut headers) = signed(&upload.url, &upload.headers)?;
    // signed but not listed: clients add it by themselves, except with a streamed body
    headers.insert(CONTENT_LENGTH, size_bytes.into());
    Ok((url, headers))
}

/// Returns a signed URL and its headers.
pub(super) fn signed(
    url: &SecretString,
    headers: &BTreeMap<String, String>,
) -> Result<(Url, HeaderMap), Failure> {
    let unexpected = || answer::unexpected(StatusCode::OK);
    let url = Url::parse(url.expose_secret()).map_err(|_| unexpected())?;
    let mut parsed = HeaderMap::new();
    for (name, value) in headers {
        let name: HeaderName = name.parse().map_err(|_| unexpected())?;
        let value: HeaderValue = value.parse().map_err(|_| unexpected())?;
        parsed.insert(name, value);
    }
    Ok((url, parsed))
}

/// Returns the `Code` of an S3 error document, if any.
pub(super) async fn error_code(response: Response) -> String {
    let body = answer::read_at_most(response, MAX_ERROR_BYTES, Peer::Store)
        .await
        .unwrap_or_default();
    code_in(&String::from_utf8_lossy(&body)).unwrap_or_else(|| "without a code".to_owned())
}

fn code_in(document: &str) -> Option<String> {
    let (_, rest) = document.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let is_code =
        (1..=64).contains(&code.len()) && code.bytes().all(|it| it.is_ascii_alphanumeric());
    is_code.then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_an_error_document_is_one_plain_word() {
        let document = "<?xml version=\"1.0\"?><Error><Code>BadDigest</Code><Message/></Error>";
        assert_eq!(code_in(document), Some("BadDigest".to_owned()));
        for other in [
            "",
            "<Code>",
            "<Code></Code>",
            "<Code>\u{1b}[2J</Code>",
            "no XML",
        ] {
            assert_eq!(code_in(other), None, "{other}");
        }
    }
}
