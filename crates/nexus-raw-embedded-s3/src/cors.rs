//! CORS: preflights, and the headers of responses:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html>.
//!
//! All buckets have one rule, that of `docs/BROWSERS.md`: the origins of the settings may GET and
//! PUT, with the headers that an upload signs.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use s3s::{Body, HttpResponse, S3Error, S3ErrorCode, S3Result};

/// The allowed methods: of downloads and of uploads.
const METHODS: [&str; 2] = ["GET", "PUT"];
const METHOD_LIST: &str = "GET, PUT";
/// The allowed request headers, by name or prefix.
const HEADERS: [&str; 3] = ["content-type", "if-none-match", "x-amz-checksum-sha256"];
const STARTS: [&str; 2] = ["x-amz-meta-", "x-amz-server-side-encryption"];
/// The exposed response headers.
const EXPOSED: &str = "ETag";
const MAX_AGE_SECONDS: &str = "3600";

/// The origins that may use the server from a browser, as browsers send them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cors {
    origins: Vec<String>,
}

impl Cors {
    pub(crate) fn new(origins: &[String]) -> Self {
        Self {
            origins: origins.to_vec(),
        }
    }

    /// Answers a preflight, which has no signature; `None` if the request is not one.
    pub(crate) fn preflight(&self, request: &Parts) -> Option<S3Result<HttpResponse>> {
        (request.method == Method::OPTIONS).then(|| self.answer(&request.headers))
    }

    fn answer(&self, headers: &HeaderMap) -> S3Result<HttpResponse> {
        let (Some(origin), Some(method)) = (
            headers.get(ORIGIN),
            headers.get(ACCESS_CONTROL_REQUEST_METHOD),
        ) else {
            return Err(refusal(
                StatusCode::BAD_REQUEST,
                "BadRequest",
                "Insufficient information. Origin and Access-Control-Request-Method are needed.",
            ));
        };
        let requested = headers.get(ACCESS_CONTROL_REQUEST_HEADERS);
        let is_allowed = self.includes(origin)
            && METHODS.iter().any(|allowed| method == allowed)
            && requested.is_none_or(may_be_sent);
        if !is_allowed {
            return Err(refusal(
                StatusCode::FORBIDDEN,
                "AccessForbidden",
                "CORSResponse: This CORS request is not allowed.",
            ));
        }
        let mut response = HttpResponse::new(Body::empty());
        let answer = response.headers_mut();
        Self::expose(origin, answer);
        answer.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static(METHOD_LIST),
        );
        answer.insert(
            ACCESS_CONTROL_MAX_AGE,
            HeaderValue::from_static(MAX_AGE_SECONDS),
        );
        if let Some(requested) = requested {
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, requested.clone());
        }
        Ok(response)
    }

    /// Adds the headers that let an allowed page read the response, also an error.
    pub(crate) fn mark(&self, origin: &HeaderValue, method: &Method, answer: &mut HeaderMap) {
        if self.includes(origin) && METHODS.contains(&method.as_str()) {
            Self::expose(origin, answer);
        }
    }

    fn expose(origin: &HeaderValue, answer: &mut HeaderMap) {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(EXPOSED),
        );
        answer.insert(
            VARY,
            HeaderValue::from_static(
                "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
            ),
        );
    }

    fn includes(&self, origin: &HeaderValue) -> bool {
        self.origins
            .iter()
            .any(|known| origin.as_bytes() == known.as_bytes())
    }
}

/// Returns whether all requested headers are allowed, in any case.
fn may_be_sent(requested: &HeaderValue) -> bool {
    let requested = requested.to_str().unwrap_or("*").to_ascii_lowercase();
    requested
        .split(',')
        .map(str::trim)
        .all(|name| HEADERS.contains(&name) || STARTS.iter().any(|start| name.starts_with(start)))
}

/// Codes of S3 that `s3s` does not know.
fn refusal(status: StatusCode, code: &'static str, message: &'static str) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_the_one_that_the_document_has_for_buckets() {
        let document = include_str!("../../../docs/BROWSERS.md");
        let starts = STARTS.map(|start| format!("{start}*"));
        let headers: Vec<&str> = HEADERS
            .into_iter()
            .chain(starts.iter().map(String::as_str))
            .collect();
        for line in [
            format!("\"AllowedMethods\": {METHODS:?},"),
            format!("\"AllowedHeaders\": {headers:?},"),
            format!("\"ExposeHeaders\": {:?},", [EXPOSED]),
            format!("\"MaxAgeSeconds\": {MAX_AGE_SECONDS}\n"),
        ] {
            assert!(document.contains(&line), "{line}");
        }
        assert_eq!(METHOD_LIST, METHODS.join(", "));
    }
}
