use std::sync::OnceLock;

use actix_web::{
    HttpResponse,
    http::header::{CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY},
};
use bytes::Bytes;

use crate::http::{call::Probe, docs_page, error::ApiError, reply};

/// The page, and what it may do in a browser.
static PAGE: OnceLock<(Bytes, String)> = OnceLock::new();

/// This document, for reading.
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "getDocs",
    tag = "operations",
    params(("If-None-Match" = Option<String>, Header, description = "Entity tags that the caller has.")),
    responses(
        (status = 200, description = "A page of HTML that loads nothing and runs nothing.", body = String, content_type = "text/html; charset=utf-8",
            headers(("ETag" = String, description = "A strong entity tag of the page."))),
        (status = 304, description = "The caller has the page.",
            headers(("ETag" = String, description = "A strong entity tag of the page."))),
    ),
)]
pub(crate) fn docs(probe: &Probe<'_>) -> Result<HttpResponse, ApiError> {
    let (page, policy) = if let Some(known) = PAGE.get() {
        known
    } else {
        let page = docs_page::render()?.into();
        PAGE.get_or_init(|| (page, docs_page::content_security_policy()))
    };
    // anybody may keep it, and must ask whether it is still that of the version that runs
    let mut response = reply::tagged(
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
