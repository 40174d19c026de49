use std::sync::OnceLock;

use actix_web::{
    HttpResponse,
    http::{
        Method,
        header::{CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY},
    },
};
use bytes::Bytes;
use futures_util::future::ready;

use crate::http::{
    openapi::page::content_security_policy,
    respond::{self, ApiError, ProblemCode},
    route::{Handler, Probe, Route, described},
};

/// The page and its content security policy.
static PAGE: OnceLock<(Bytes, String)> = OnceLock::new();

pub(super) const ROUTE: Route = Route {
    pattern: "/docs",
    method: Method::GET,
    handler: Handler::Open(|probe| Box::pin(ready(docs(&probe)))),
    problems: &[ProblemCode::RateLimited],
    takes_idempotency_key: false,
    described: described!(docs),
};

/// Returns this document as a page.
#[utoipa::path(
    get,
    path = ROUTE.pattern,
    operation_id = "getDocs",
    tag = "operations",
    params(("If-None-Match" = Option<String>, Header, description = "Entity tags of cached copies.")),
    responses(
        (status = 200, description = "An HTML page without scripts or external resources.", body = String, content_type = "text/html; charset=utf-8",
            headers(("ETag" = String, description = "A strong entity tag of the page."))),
        (status = 304, description = "The cached page is current.",
            headers(("ETag" = String, description = "A strong entity tag of the page."))),
    ),
)]
fn docs(probe: &Probe<'_>) -> Result<HttpResponse, ApiError> {
    let (page, policy) = if let Some(known) = PAGE.get() {
        known
    } else {
        let page = super::docs_page()?.into();
        PAGE.get_or_init(|| (page, content_security_policy()))
    };
    // any cache may store it, and must revalidate since the running version may change
    let mut response = respond::tagged(
        probe.request,
        "text/html; charset=utf-8",
        "public, no-cache",
        page.clone(),
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}
