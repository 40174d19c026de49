use std::collections::BTreeMap;

use utoipa::{
    Modify,
    openapi::{
        ContentBuilder, Header, HeaderBuilder, HttpMethod, OpenApi, Ref, RefOr, Required, Response,
        ResponseBuilder, Schema, SecurityRequirement, Type,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        schema::ObjectBuilder,
    },
};

use super::Bearer;
use crate::http::{
    error::ProblemCode,
    routes::{Access, ROUTES, Route},
};

/// Adds to each route what follows from its place in the table: the headers it asks for, the
/// token, and the problems it can answer with.
pub(super) struct OfRoutes;

impl Modify for OfRoutes {
    fn modify(&self, document: &mut OpenApi) {
        for route in ROUTES {
            let item = document.paths.paths.get_mut(route.pattern);
            if let Some(operation) = item.and_then(|item| operation_of(item, route)) {
                complete(operation, route);
            }
        }
    }
}

/// The operation of a route in its path's item.
pub(super) fn operation_of<'d>(item: &'d mut PathItem, route: &Route) -> Option<&'d mut Operation> {
    match method_of(route) {
        HttpMethod::Get => item.get.as_mut(),
        HttpMethod::Post => item.post.as_mut(),
        _ => None,
    }
}

fn method_of(route: &Route) -> HttpMethod {
    if route.access() == Access::Write {
        HttpMethod::Post
    } else {
        HttpMethod::Get
    }
}

fn complete(operation: &mut Operation, route: &Route) {
    if route.access() != Access::Open {
        operation.security = Some(vec![SecurityRequirement::new(Bearer::NAME, [""; 0])]);
        let parameters = operation.parameters.get_or_insert_default();
        parameters.extend([
            header(
                "X-Tenant-Id",
                "The tenant.",
                Required::True,
                Some("^t_[a-z0-9_-]{1,61}$"),
                "t_demo",
            ),
            header(
                "X-Env",
                "The environment, one of those that the service is configured for.",
                Required::True,
                Some("^[a-z][a-z0-9-]{0,31}$"),
                "dev",
            ),
        ]);
    }
    if route.takes_idempotency_key() {
        operation.parameters.get_or_insert_default().push(header(
            "Idempotency-Key",
            "What the caller calls the request. Sent again with the same key and an equal body, it \
             is the same asset, with a fresh URL, until the asset is registered or its time to \
             upload is over. Keys are the user's own, in each tenant and environment.",
            Required::False,
            Some("^[!-~]{1,255}$"),
            "upload-1",
        ));
    }
    // no pattern: what breaks the rule is no fault
    operation.parameters.get_or_insert_default().extend([
        header(
            "X-Request-Id",
            "What to call the request: 1 to 128 of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`. Another \
             value, or none, is replaced by a fresh UUID.",
            Required::False,
            None,
            "req-1",
        ),
        header(
            "traceparent",
            "The trace that the request belongs to (W3C Trace Context). Another value, or none, \
             is replaced by a fresh trace.",
            Required::False,
            None,
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
    ]);
    for (status, codes) in problems_of(route) {
        let mut problem = problem(&codes);
        if codes.contains(&ProblemCode::VerificationPending) {
            // no other code of that status has it
            problem.headers.extend([retry_after(
                "With `verification-pending`: whole seconds after which it is worth registering again.",
            )]);
        }
        operation
            .responses
            .responses
            .insert(status, RefOr::T(problem));
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            response.headers.extend(headers_of(status));
        }
    }
}

/// The headers that every answer of a status has.
fn headers_of(status: &str) -> Vec<(String, RefOr<Header>)> {
    let mut headers = vec![
        answered(
            "X-Request-Id",
            "What the request is called.",
            "^[A-Za-z0-9._-]{1,128}$",
        ),
        answered(
            "traceparent",
            "The trace of the request, as logs and events have it.",
            "^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$",
        ),
    ];
    match status {
        "401" => headers.push(answered(
            "WWW-Authenticate",
            "The scheme to use.",
            "^Bearer error=\"invalid_token\"$",
        )),
        "429" | "503" => headers.push(retry_after(
            "Whole seconds after which it is worth asking again.",
        )),
        _ => {}
    }
    headers
}

fn retry_after(description: &str) -> (String, RefOr<Header>) {
    answered("Retry-After", description, "^[1-9][0-9]*$")
}

fn answered(name: &str, description: &str, pattern: &str) -> (String, RefOr<Header>) {
    let header = HeaderBuilder::new()
        .schema(Some(RefOr::T(text(Some(pattern)))))
        .description(Some(description));
    (name.to_owned(), RefOr::T(header.build()))
}

fn text(pattern: Option<&str>) -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String);
    Schema::from(text.pattern(pattern))
}

fn header(
    name: &str,
    description: &str,
    required: Required,
    pattern: Option<&str>,
    example: &str,
) -> RefOr<Parameter> {
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(description))
        .example(Some(example.into()))
        .schema(Some(RefOr::T(text(pattern))));
    RefOr::T(parameter.build())
}

/// The problems that a route can answer with, by status.
fn problems_of(route: &Route) -> BTreeMap<String, Vec<ProblemCode>> {
    let codes = ProblemCode::ALL
        .iter()
        .copied()
        .filter(|code| answers(route, *code));
    let mut by_status = BTreeMap::<String, Vec<ProblemCode>>::new();
    for code in codes {
        by_status
            .entry(code.status().as_str().to_owned())
            .or_default()
            .push(code);
    }
    by_status
}

fn answers(route: &Route, code: ProblemCode) -> bool {
    use ProblemCode as P;
    let (access, pattern) = (route.access(), route.pattern);
    match code {
        P::RouteNotFound | P::MethodNotAllowed => false,
        P::RequestTimeout | P::Internal => true,
        P::MalformedRequest | P::Unauthenticated | P::Forbidden => access != Access::Open,
        // of the open ones those whose answers are long
        P::RateLimited => access != Access::Open || ["/docs", "/openapi.json"].contains(&pattern),
        P::PayloadTooLarge | P::UnsupportedMediaType => access == Access::Write,
        P::ValidationFailed => access == Access::Write || route.takes_query(),
        P::AssetNotFound => pattern == "/nexus/raw/register" || pattern.contains('{'),
        P::IdempotencyKeyReused => route.takes_idempotency_key(),
        P::AssetConflict => pattern == "/nexus/raw/register" || route.takes_idempotency_key(),
        P::ObjectNotUploaded | P::VerificationPending | P::UploadExpired | P::ObjectMismatch => {
            pattern == "/nexus/raw/register"
        }
        P::StorageUnavailable | P::CatalogUnavailable | P::IdentityUnavailable => {
            access != Access::Open || pattern == "/readyz"
        }
        P::SinkUnavailable => pattern == "/readyz",
    }
}

fn problem(codes: &[ProblemCode]) -> Response {
    let names: Vec<String> = codes
        .iter()
        .map(|code| format!("`{}`", code.as_str()))
        .collect();
    let content = ContentBuilder::new()
        .schema(Some(RefOr::Ref(Ref::from_schema_name("Problem"))))
        .build();
    ResponseBuilder::new()
        .description(names.join(", "))
        .content("application/problem+json", content)
        .build()
}
