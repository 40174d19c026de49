use std::collections::BTreeMap;

use utoipa::{
    Modify,
    openapi::{
        ContentBuilder, HttpMethod, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder,
        Schema, SecurityRequirement, Type,
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
                Required::True,
                "The tenant.",
                "^t_[a-z0-9_-]{1,61}$",
            ),
            header(
                "X-Env",
                Required::True,
                "The environment.",
                "^[a-z][a-z0-9-]{0,31}$",
            ),
            header(
                "X-Request-Id",
                Required::False,
                "What to call the request; otherwise the service names it.",
                "^[A-Za-z0-9._-]{1,128}$",
            ),
            header(
                "traceparent",
                Required::False,
                "The trace that the request belongs to (W3C Trace Context).",
                "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
            ),
        ]);
    }
    if route.takes_idempotency_key() {
        operation.parameters.get_or_insert_default().push(header(
            "Idempotency-Key",
            Required::False,
            "What the caller calls the request. Sent again with the same key and an equal body, it \
             is the same asset, with a fresh URL, until the asset is registered or its time to \
             upload is over. Keys are the user's own, in each tenant and environment.",
            "^[!-~]{1,255}$",
        ));
    }
    for (status, codes) in problems_of(route) {
        operation
            .responses
            .responses
            .insert(status, RefOr::T(problem(&codes)));
    }
}

fn header(name: &str, required: Required, description: &str, pattern: &str) -> RefOr<Parameter> {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern));
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(description))
        .schema(Some(RefOr::T(Schema::from(schema))));
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
        P::MalformedRequest | P::Unauthenticated | P::Forbidden | P::RateLimited => {
            access != Access::Open
        }
        P::PayloadTooLarge | P::UnsupportedMediaType | P::ValidationFailed => {
            access == Access::Write
        }
        P::AssetNotFound => pattern != "/nexus/raw/presign-upload" && access != Access::Open,
        P::IdempotencyKeyReused => route.takes_idempotency_key(),
        P::AssetConflict => pattern == "/nexus/raw/register" || route.takes_idempotency_key(),
        P::ObjectNotUploaded | P::UploadExpired | P::ObjectMismatch => {
            pattern == "/nexus/raw/register"
        }
        P::StorageUnavailable | P::CatalogUnavailable => {
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
