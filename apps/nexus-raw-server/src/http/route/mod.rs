//! Routing. One table (`api::ROUTES`) is the source of dispatch, of `Allow`, of the OpenAPI
//! document and of the isolation tests.

mod answer;
mod call;
mod log_entry;
mod pipeline;

use std::collections::BTreeSet;

use actix_web::{HttpResponse, http::Method};
use futures_util::future::LocalBoxFuture;
use nexus_raw::tenancy::{DownloadAccess, ReadAccess, WriteAccess};
use strict_json::Json;
use utoipa::openapi::OpenApi;

pub(crate) use self::{
    answer::answer,
    call::{Call, Probe},
};
use super::request::BodyRule;
use super::respond::{ApiError, ProblemCode};

/// The future of a response.
pub(crate) type Answering<'a> = LocalBoxFuture<'a, Result<HttpResponse, ApiError>>;

/// One route.
pub struct Route {
    /// Its path; a segment in braces matches any segment.
    pub pattern: &'static str,
    /// Its method. GET includes HEAD.
    pub method: Method,
    pub(crate) handler: Handler,
    /// Its possible problems, besides those of every route with the same access.
    pub(crate) problems: &'static [ProblemCode],
    /// Whether it supports `Idempotency-Key`; other routes ignore the header.
    pub(crate) takes_idempotency_key: bool,
    /// Its part of the OpenAPI document; see [`described`].
    pub(crate) described: fn() -> OpenApi,
}

/// Returns the `#[utoipa::path]` of a handler, for [`Route::described`].
macro_rules! described {
    ($handler:ident) => {{
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($handler))]
        struct Described;
        <Described as utoipa::OpenApi>::openapi
    }};
}
pub(crate) use described;

/// The handler of a route, which takes the proof of its caller's access as a value.
pub(crate) enum Handler {
    /// Without a token.
    Open(for<'a> fn(Probe<'a>) -> Answering<'a>),
    /// With read access to the scope.
    Read(for<'a> fn(Call<'a>, ReadAccess) -> Answering<'a>),
    /// With the right to download in the scope and a JSON body.
    Download(
        BodyRule,
        for<'a> fn(Call<'a>, DownloadAccess, Json) -> Answering<'a>,
    ),
    /// With write access to the scope and a JSON body.
    Write(
        BodyRule,
        for<'a> fn(Call<'a>, WriteAccess, Json) -> Answering<'a>,
    ),
    /// With write access to the scope, without a body.
    Remove(for<'a> fn(Call<'a>, WriteAccess) -> Answering<'a>),
}

/// The access that a route requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// None, not even a token.
    Open,
    /// Membership of the tenant.
    Read,
    /// Membership of the tenant, and a role other than viewer.
    Download,
    /// Membership of the tenant, and role owner or admin.
    Write,
}

impl Route {
    /// Returns the required access.
    #[must_use]
    pub fn access(&self) -> Access {
        match self.handler {
            Handler::Open(_) => Access::Open,
            Handler::Read(_) => Access::Read,
            Handler::Download(..) => Access::Download,
            Handler::Write(..) | Handler::Remove(_) => Access::Write,
        }
    }

    /// Returns which bodies it takes, if any.
    pub(crate) fn body(&self) -> Option<BodyRule> {
        match self.handler {
            Handler::Open(_) | Handler::Read(_) | Handler::Remove(_) => None,
            Handler::Download(rule, _) | Handler::Write(rule, _) => Some(rule),
        }
    }

    /// Returns the methods that it serves.
    fn served(&self) -> impl Iterator<Item = &str> {
        let head = (self.method == Method::GET).then_some("HEAD");
        std::iter::once(self.method.as_str()).chain(head)
    }

    fn serves(&self, method: &Method) -> bool {
        self.served().any(|it| it == method.as_str())
    }

    /// Returns the segment of `path` at the pattern's braces, of which there is at most one pair, or
    /// an empty one without braces; `None` if it is the path of another route.
    ///
    /// Compares the raw path, without decoding or normalization, so that each route has one
    /// spelling.
    fn captured<'p>(&self, path: &'p str) -> Option<&'p str> {
        let Some((before, rest)) = self.pattern.split_once('{') else {
            return (self.pattern == path).then_some("");
        };
        let (_, after) = rest.split_once('}')?;
        let segment = path.strip_prefix(before)?.strip_suffix(after)?;
        (!segment.is_empty() && !segment.contains('/')).then_some(segment)
    }
}

/// Finds the route of a request and the segment at its braces. Of several matching patterns one
/// without braces wins.
pub(crate) fn find<'p>(
    routes: &'static [Route],
    method: &Method,
    path: &'p str,
) -> Result<(&'static Route, &'p str), ApiError> {
    let exact = routes.iter().find(|route| route.pattern == path);
    let (closest, captured) = exact
        .map(|route| (route, ""))
        .or_else(|| {
            let mut matching = routes.iter();
            matching.find_map(|route| Some((route, route.captured(path)?)))
        })
        .ok_or(ApiError::RouteNotFound)?;
    if closest.serves(method) {
        return Ok((closest, captured));
    }
    let of_path = || routes.iter().filter(|it| it.pattern == closest.pattern);
    of_path()
        .find(|route| route.serves(method))
        .map(|route| (route, captured))
        .ok_or_else(|| ApiError::MethodNotAllowed {
            allow: of_path()
                .flat_map(Route::served)
                .collect::<Vec<_>>()
                .join(", "),
        })
}

/// Returns the methods of these routes as a header value.
pub(crate) fn methods(routes: &[Route]) -> String {
    let methods: BTreeSet<_> = routes.iter().flat_map(Route::served).collect();
    methods.into_iter().collect::<Vec<_>>().join(", ")
}
