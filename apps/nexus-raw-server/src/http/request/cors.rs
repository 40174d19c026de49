//! CORS, by the Fetch standard (section 3.3).

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

/// The allowed request headers, which are those that routes read.
const HEADERS: &str = "Authorization, Content-Type, Idempotency-Key, If-None-Match, Traceparent, \
                       X-Env, X-Request-Id, X-Tenant-Id";
/// The response headers that a page may read.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Location, Nexus-Train-Ok-Effective, Retry-After, Traceparent, WWW-Authenticate, \
     X-Request-Id",
);
/// The lifetime of a preflight in a browser, Chromium's maximum.
const MAX_AGE_SECONDS: HeaderValue = HeaderValue::from_static("7200");

/// The allowed origins, as browsers send them. Without any, responses have no CORS headers.
///
/// There are no patterns, and credentials mode is off, since pages send tokens themselves.
#[derive(Debug, Clone)]
pub struct CorsOrigins {
    origins: Vec<HeaderValue>,
    /// The allowed request headers.
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
    /// Allows these origins, which are compared byte for byte.
    #[must_use]
    pub fn new<'a>(origins: impl IntoIterator<Item = &'a str>) -> Self {
        // an invalid header value cannot be the origin of a request
        let origins = origins.into_iter().filter_map(|it| it.parse().ok());
        Self {
            origins: origins.collect(),
            ..Self::default()
        }
    }

    /// Allows more request headers, which the service ignores.
    #[must_use]
    pub fn with_headers(self, more: &[String]) -> Self {
        let headers = [&[HEADERS.to_owned()], more].concat().join(", ");
        Self {
            // header names always are a valid value; other texts add nothing
            headers: headers.parse().unwrap_or(self.headers),
            ..self
        }
    }

    /// Returns the origin of a request, if allowed.
    fn allowed_origin(&self, headers: &HeaderMap) -> Option<&HeaderValue> {
        let origin = single(headers, &ORIGIN)?;
        self.origins.iter().find(|it| *it == origin)
    }

    /// Returns the response to a preflight of an allowed origin. It is the same for every path,
    /// with the headers and `methods` of all routes. Returns `None` for other requests.
    pub(crate) fn preflight(
        &self,
        request: &HttpRequest,
        methods: impl FnOnce() -> String,
    ) -> Option<HttpResponse> {
        let headers = request.headers();
        let is_preflight = request.method() == Method::OPTIONS
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !is_preflight || self.allowed_origin(headers).is_none() {
            return None;
        }
        let mut response = HttpResponse::NoContent();
        response
            .insert_header((ACCESS_CONTROL_ALLOW_METHODS, methods()))
            .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone()))
            .insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS));
        Some(response.finish())
    }

    /// Adds the CORS headers to a response.
    pub(crate) fn complete(&self, request: &HeaderMap, response: &mut HeaderMap) {
        if self.origins.is_empty() {
            return;
        }
        // a cache must not share the response between origins
        response.append(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = self.allowed_origin(request) {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}
