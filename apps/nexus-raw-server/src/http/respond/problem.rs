use std::borrow::Cow;

use actix_web::{
    HttpResponse,
    http::header::{CONTENT_TYPE, HeaderName, HeaderValue},
};
use nexus_raw::event::TraceId;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Fault, ProblemCode};

/// The problem of a refused request.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) code: ProblemCode,
    detail: Cow<'static, str>,
    errors: Vec<Fault>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// A problem (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// `urn:nexus-raw:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// The title of the code.
    title: &'static str,
    /// The status of the response.
    status: u16,
    /// The description of this problem.
    detail: &'a str,
    /// The path of the request.
    instance: &'a str,
    /// The code, for programs.
    code: ProblemCode,
    /// The trace id of the request, as in logs.
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    trace_id: TraceId,
    /// The faults of the body or the query; only on 422.
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: &'a [Fault],
}

impl Problem {
    pub(crate) fn new(code: ProblemCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
        }
    }

    pub(crate) fn with_errors(mut self, errors: Vec<Fault>) -> Self {
        self.errors = errors;
        self
    }

    /// Adds a header, unless the value is invalid.
    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// Returns the JSON of the response to a request for `instance`.
    pub(crate) fn body(&self, instance: &str, trace_id: TraceId) -> Vec<u8> {
        let status = self.code.status();
        let body = ProblemBody {
            kind: format!("urn:nexus-raw:problem:{}", self.code.as_str()),
            title: self.code.title(),
            status: status.as_u16(),
            detail: &self.detail,
            instance,
            code: self.code,
            trace_id,
            errors: &self.errors,
        };
        // texts and numbers always serialize
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// Returns the value of a header of the response, if it has it.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        let found = self.headers.iter().find(|(it, _)| it == name);
        found.and_then(|(_, value)| value.to_str().ok())
    }

    /// Returns the response to a request for `instance`.
    pub(crate) fn respond(&self, instance: &str, trace_id: TraceId) -> HttpResponse {
        let status = self.code.status();
        let mut response = HttpResponse::build(status);
        for header in &self.headers {
            response.append_header(header.clone());
        }
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        response.body(self.body(instance, trace_id))
    }
}
