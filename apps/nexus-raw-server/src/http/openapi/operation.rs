use std::collections::BTreeMap;

use actix_web::http::Method;
use utoipa::openapi::{
    ContentBuilder, Header, HeaderBuilder, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
    SecurityRequirement, Type,
    path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
    schema::ObjectBuilder,
};

use super::BEARER;
use crate::http::{
    respond::ProblemCode,
    route::{Access, Route},
};

/// Returns the operation of a method in its path item.
pub(super) fn of<'d>(item: &'d mut PathItem, method: &Method) -> Option<&'d mut Operation> {
    let operation = match *method {
        Method::GET => &mut item.get,
        Method::PUT => &mut item.put,
        Method::POST => &mut item.post,
        Method::DELETE => &mut item.delete,
        Method::OPTIONS => &mut item.options,
        Method::HEAD => &mut item.head,
        Method::PATCH => &mut item.patch,
        Method::TRACE => &mut item.trace,
        _ => return item.additional_operations.get_mut(method.as_str()),
    };
    operation.as_mut()
}

/// Adds what follows from the route table: required headers, the token, and the possible problems.
pub(super) fn complete(operation: &mut Operation, route: &Route) {
    if route.access() != Access::Open {
        operation.security = Some(vec![SecurityRequirement::new(BEARER, [""; 0])]);
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
    if route.body().is_some_and(|body| body.is_optional)
        && let Some(RefOr::T(body)) = &mut operation.request_body
    {
        body.required = Some(Required::False);
    }
    if route.takes_idempotency_key {
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
    // without a pattern, since an invalid value is not an error
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
            // other codes of the status do not have it
            problem.headers.extend([retry_after(
                "With `verification-pending`: whole seconds after which it is worth trying again.",
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

/// Returns the headers of every response of a status.
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
        "429" | "503" => headers.push(retry_after("Whole seconds after which to retry.")),
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

/// Returns the possible problems of a route, by status.
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

/// Returns whether a problem is possible, by the route's access and its own list.
fn answers(route: &Route, code: ProblemCode) -> bool {
    use ProblemCode as P;
    let is_write = route.body().is_some();
    let is_guarded = route.access() != Access::Open;
    let follows = match code {
        P::RequestTimeout | P::Internal => true,
        P::MalformedRequest
        | P::Unauthenticated
        | P::Forbidden
        | P::RateLimited
        | P::StorageUnavailable
        | P::CatalogUnavailable
        | P::IdentityUnavailable => is_guarded,
        P::PayloadTooLarge | P::UnsupportedMediaType | P::ValidationFailed => is_write,
        _ => false,
    };
    follows || route.problems.contains(&code)
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
