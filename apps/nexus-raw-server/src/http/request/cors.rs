//! Cross-origin calls, by the CORS protocol of the Fetch standard (section 3.3): which pages may
//! read the answers, and what they may send.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
            ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
        },
    },
};

use super::trace::single;

/// What a page may send: the headers that routes read.
const HEADERS: &str = "Authorization, Content-Type, Idempotency-Key, If-None-Match, Traceparent, \
                       X-Env, X-Request-Id, X-Tenant-Id";
/// What a page may read of an answer, beside what every page may.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Location, Retry-After, Traceparent, WWW-Authenticate, X-Request-Id",
);
/// How long a browser may remember a preflight; the longest that Chromium takes.
const MAX_AGE_SECONDS: HeaderValue = HeaderValue::from_static("7200");

/// The origins whose pages may call the service from a browser, as browsers write them. None of
/// them: no answer tells anything of CORS.
///
/// No origin is let in by a pattern, and credentials mode stays off: a token is sent by the page
/// itself, never added by the browser.
#[derive(Debug, Clone)]
pub struct CorsOrigins {
    origins: Vec<HeaderValue>,
    /// What their pages may send.
    headers: HeaderValue,
}

impl Default for CorsOrigins {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            headers: HeaderValue::from_static(HEADERS),
        }
    }
}

impl CorsOrigins {
    /// Of origins as browsers write them, which are compared byte for byte.
    #[must_use]
    pub fn new<'a>(origins: impl IntoIterator<Item = &'a str>) -> Self {
        // what is no header value is the origin of no request
        let origins = origins.into_iter().filter_map(|it| it.parse().ok());
        Self {
            origins: origins.collect(),
            ..Self::default()
        }
    }

    /// Lets their pages send these headers as well; nothing reads them.
    #[must_use]
    pub fn with_headers(self, more: &[String]) -> Self {
        let headers = [&[HEADERS.to_owned()], more].concat().join(", ");
        Self {
            // names of headers always are one; of anything else, the page may send no more
            headers: headers.parse().unwrap_or(self.headers),
            ..self
        }
    }

    /// The origin of a request, where it is one of these.
    fn let_in(&self, headers: &HeaderMap) -> Option<&HeaderValue> {
        let origin = single(headers, &ORIGIN)?;
        self.origins.iter().find(|it| *it == origin)
    }

    /// The answer to the question of a browser whether a page may send what it wants to: the same
    /// for every path, since nobody is proved yet. It tells the headers and the `methods` of all routes, and the browser
    /// compares. Other requests get none; another page's question is one of them, which no route
    /// serves.
    pub(crate) fn preflight(
        &self,
        request: &HttpRequest,
        methods: impl FnOnce() -> String,
    ) -> Option<HttpResponse> {
        let headers = request.headers();
        let asks = request.method() == Method::OPTIONS
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !asks || self.let_in(headers).is_none() {
            return None;
        }
        let mut response = HttpResponse::NoContent();
        response
            .insert_header((ACCESS_CONTROL_ALLOW_METHODS, methods()))
            .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone()))
            .insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS));
        Some(response.finish())
    }

    /// Adds to an answer, whatever it is, who may read it.
    pub(crate) fn complete(&self, request: &HeaderMap, response: &mut HeaderMap) {
        if self.origins.is_empty() {
            return;
        }
        // a cache must not give the answer to one page to another one
        response.append(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = self.let_in(request) {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}
