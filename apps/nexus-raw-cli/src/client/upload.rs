//! The PUT to the store.

use std::{collections::BTreeMap, error::Error as _, time::Duration};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use reqwest::{
    Body, Method, Response, StatusCode,
    header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{answer, http::Http, wire::SignedPut};
use crate::{
    content::ContentError,
    failure::{Failure, Peer},
    meter::Meter,
};

/// The minimum average rate of a download, in bytes per second.
pub(super) const MIN_RATE: u64 = 32 * 1024;

/// Time for connecting and for the store's own work.
pub(super) const OVERHEAD: Duration = Duration::from_mins(2);

/// S3's error documents are below 1 KiB.
const MAX_ERROR_BYTES: usize = 16 * 1024;

/// The body of an upload.
pub(crate) enum Payload {
    Bytes(Bytes),
    Stream(BoxStream<'static, Result<Bytes, ContentError>>),
}

/// Uploads with exactly the signed headers and none of the service's. Gives up on a store that takes
/// nothing and answers nothing for as long as `silence`.
///
/// An existing object means that an earlier attempt's response was lost: that is success, and the
/// registration detects an object with other content.
pub(super) async fn put(
    http: &Http,
    put: &SignedPut,
    size_bytes: u64,
    payload: Payload,
    meter: &Meter,
    silence: Duration,
) -> Result<(), Failure> {
    if put.method != "PUT" {
        return Err(answer::unexpected(StatusCode::OK));
    }
    let (url, mut headers) = signed(&put.url, &put.headers)?;
    // signed but not listed: clients add it by themselves, except with a streamed body
    headers.insert(CONTENT_LENGTH, size_bytes.into());
    let body = match payload {
        Payload::Bytes(bytes) => Body::from(bytes),
        Payload::Stream(stream) => Body::wrap_stream(stream),
    };
    let request = http
        .for_url(&url)?
        .request(Method::PUT, url)
        .headers(headers)
        .body(body);
    let answer = async {
        let response = request.send().await.map_err(not_sent)?;
        match response.status() {
            status if status.is_success() => Ok(()),
            StatusCode::PRECONDITION_FAILED => Ok(()),
            status => Err(Failure::Store {
                status,
                code: error_code(response).await,
            }),
        }
    };
    tokio::select! {
        answer = answer => answer,
        () = meter.silent_for(silence) => Err(Failure::Silent),
    }
}

/// Returns whether the file or the store caused the error of an upload.
fn not_sent(error: reqwest::Error) -> Failure {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<ContentError>() {
            return error.failure();
        }
        source = cause.source();
    }
    Failure::no_answer(Peer::Store, error)
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
