//! The routes: one table (`api::ROUTES`), from which requests are dispatched, `Allow` is told, the
//! OpenAPI document is made, and tests know what there is to be isolated.

mod answer;
mod call;
mod log_entry;
mod pipeline;

use std::collections::BTreeSet;

use actix_web::{HttpResponse, http::Method};
use futures_util::future::LocalBoxFuture;
use nexus_raw::tenancy::{ReadAccess, WriteAccess};
use strict_json::Json;
use utoipa::openapi::OpenApi;

pub(crate) use self::{
    answer::answer,
    call::{Call, Probe},
};
use super::respond::{ApiError, ProblemCode};

/// An answer under way.
pub(crate) type Answering<'a> = LocalBoxFuture<'a, Result<HttpResponse, ApiError>>;

/// One route.
pub struct Route {
    /// Its path; a segment in braces stands for any segment.
    pub pattern: &'static str,
    /// Its method. Where it is GET, HEAD is served too.
    pub method: Method,
    pub(crate) handler: Handler,
    /// The problems that it can answer with, beside those of every route that asks as much of its
    /// caller.
    pub(crate) problems: &'static [ProblemCode],
    /// Whether an `Idempotency-Key` means something here; other routes leave the header alone.
    pub(crate) takes_idempotency_key: bool,
    /// What its file says of it for the OpenAPI document; see [`described`].
    pub(crate) described: fn() -> OpenApi,
}

/// What stands above a handler as `#[utoipa::path]`, for [`Route::described`].
macro_rules! described {
    ($handler:ident) => {{
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($handler))]
        struct Described;
        <Described as utoipa::OpenApi>::openapi
    }};
}
pub(crate) use described;

/// What a route asks of its caller: the handler of a route takes the proof as a value.
pub(crate) enum Handler {
    /// Nothing, not even a token.
    Open(for<'a> fn(Probe<'a>) -> Answering<'a>),
    /// The right to read in the scope.
    Read(for<'a> fn(Call<'a>, ReadAccess) -> Answering<'a>),
    /// The right to write in the scope; and a JSON body.
    Write(for<'a> fn(Call<'a>, WriteAccess, Json) -> Answering<'a>),
}

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing, not even a token.
    Open,
    /// Membership of the tenant.
    Read,
    /// Membership of the tenant, and role owner or admin.
    Write,
}

impl Route {
    /// What the route asks of its caller.
    #[must_use]
    pub fn access(&self) -> Access {
        match self.handler {
            Handler::Open(_) => Access::Open,
            Handler::Read(_) => Access::Read,
            Handler::Write(_) => Access::Write,
        }
    }

    /// The methods that it serves.
    fn served(&self) -> impl Iterator<Item = &str> {
        let head = (self.method == Method::GET).then_some("HEAD");
        std::iter::once(self.method.as_str()).chain(head)
    }

    fn serves(&self, method: &Method) -> bool {
        self.served().any(|it| it == method.as_str())
    }

    /// The segment of `path` that stands at the pattern's braces; empty where it has none.
    fn captured<'p>(&self, path: &'p str) -> &'p str {
        let segments = self.pattern.split('/').zip(path.split('/'));
        let mut captured = segments.filter(|(pattern, _)| is_capture(pattern));
        captured.next().map_or("", |(_, segment)| segment)
    }

    /// The path is compared as it came: nothing is decoded, folded or cleaned, so that there is
    /// one spelling of each route.
    fn matches(&self, path: &str) -> bool {
        let mut segments = path.split('/');
        let all = self.pattern.split('/').all(|pattern| {
            segments.next().is_some_and(|segment| {
                pattern == segment || (is_capture(pattern) && !segment.is_empty())
            })
        });
        all && segments.next().is_none()
    }
}

fn is_capture(pattern: &str) -> bool {
    pattern.starts_with('{')
}

/// The route of a request, and what stands at its pattern's braces. A path belongs to the pattern
/// that says most of it: the one with the fewest braces.
pub(crate) fn find<'p>(
    routes: &'static [Route],
    method: &Method,
    path: &'p str,
) -> Result<(&'static Route, &'p str), ApiError> {
    let braces = |route: &&Route| route.pattern.matches('{').count();
    let matching = routes.iter().filter(|route| route.matches(path));
    let closest = matching.min_by_key(braces).ok_or(ApiError::RouteNotFound)?;
    let of_path = || routes.iter().filter(|it| it.pattern == closest.pattern);
    of_path()
        .find(|route| route.serves(method))
        .map(|route| (route, route.captured(path)))
        .ok_or_else(|| ApiError::MethodNotAllowed {
            allow: of_path()
                .flat_map(Route::served)
                .collect::<Vec<_>>()
                .join(", "),
        })
}

/// The methods of these routes, as a header lists them.
pub(crate) fn methods(routes: &[Route]) -> String {
    let methods: BTreeSet<_> = routes.iter().flat_map(Route::served).collect();
    methods.into_iter().collect::<Vec<_>>().join(", ")
}
