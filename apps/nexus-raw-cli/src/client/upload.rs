//! The PUT that goes straight to the store.

use std::{error::Error as _, io, path::Path, time::Duration};

use reqwest::{
    Body, Method, Response, StatusCode,
    header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue},
};
use secrecy::ExposeSecret;
use url::Url;

use super::{answer, http::Http, wire::Upload};
use crate::{
    content::{Content, ContentError},
    failure::{Failure, Peer},
    progress::Progress,
};

/// Slower than this on the whole, in bytes a second, an upload is given up.
const SLOWEST: u64 = 32 * 1024;

/// Connecting, and the store's own work.
const OVERHEAD: Duration = Duration::from_mins(2);

/// S3's error documents are below one KiB.
const MAX_ERROR_BYTES: usize = 16 * 1024;

/// Uploads with exactly the headers that were signed; not one of the service's goes along.
///
/// Where the object is there already, an earlier attempt's answer was lost: that is success, and
/// registering will tell if it is another's.
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
        .timeout(OVERHEAD + Duration::from_secs(content.size_bytes / SLOWEST))
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

/// Whether it was the file's fault or the store's that an upload broke off.
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

/// What is asked of the store, where it is something that we know how to do.
fn target(upload: &Upload, size_bytes: u64) -> Result<(Url, HeaderMap), Failure> {
    let strange = || answer::strange(StatusCode::OK);
    if upload.kind != "single" || upload.method != "PUT" {
        return Err(strange());
    }
    let url = Url::parse(upload.url.expose_secret()).map_err(|_| strange())?;
    let mut headers = HeaderMap::new();
    for (name, value) in &upload.headers {
        let name: HeaderName = name.parse().map_err(|_| strange())?;
        let value: HeaderValue = value.parse().map_err(|_| strange())?;
        headers.insert(name, value);
    }
    // signed as well, but not listed: clients send it by themselves, save with a streamed body
    headers.insert(CONTENT_LENGTH, size_bytes.into());
    Ok((url, headers))
}

/// The `Code` of an S3 error document, where there is one.
async fn error_code(response: Response) -> String {
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
