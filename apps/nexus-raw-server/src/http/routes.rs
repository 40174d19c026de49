//! The routes: one table, from which requests are dispatched, `Allow` is told, the OpenAPI
//! document is checked, and tests know what there is to be isolated.

use actix_web::{HttpResponse, http::Method};
use futures_util::future::{LocalBoxFuture, ready};
use nexus_raw::{
    json::Json,
    tenancy::{ReadAccess, WriteAccess},
};

use super::{
    call::{Call, Probe},
    endpoints::{
        asset, asset_events, docs, events, healthz, openapi_json, presign_upload, readyz, register,
    },
    error::ApiError,
};

/// An answer under way.
pub(crate) type Answering<'a> = LocalBoxFuture<'a, Result<HttpResponse, ApiError>>;

/// One route.
pub struct Route {
    /// Its path; a segment in braces stands for any segment.
    pub pattern: &'static str,
    /// Its method. Where it is GET, HEAD is served too.
    pub method: Method,
    pub(crate) handler: Handler,
}

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

const PRESIGN_UPLOAD: &str = "/nexus/raw/presign-upload";
const EVENTS: &str = "/nexus/raw/events";
const ASSET_EVENTS: &str = "/nexus/raw/{asset_id}/events";

/// Every route. A path belongs to the first pattern that it matches.
pub const ROUTES: &[Route] = &[
    Route {
        pattern: PRESIGN_UPLOAD,
        method: Method::POST,
        handler: Handler::Write(|call, access, body| {
            Box::pin(presign_upload::presign_upload(call, access, body))
        }),
    },
    Route {
        pattern: "/nexus/raw/register",
        method: Method::POST,
        handler: Handler::Write(|call, access, body| {
            Box::pin(register::register(call, access, body))
        }),
    },
    Route {
        pattern: EVENTS,
        method: Method::GET,
        handler: Handler::Read(|call, access| Box::pin(events::events(call, access))),
    },
    Route {
        pattern: "/nexus/raw/{asset_id}",
        method: Method::GET,
        handler: Handler::Read(|call, access| Box::pin(asset::asset(call, access))),
    },
    Route {
        pattern: ASSET_EVENTS,
        method: Method::GET,
        handler: Handler::Read(|call, access| Box::pin(asset_events::asset_events(call, access))),
    },
    Route {
        pattern: "/healthz",
        method: Method::GET,
        handler: Handler::Open(|_| Box::pin(ready(healthz::healthz()))),
    },
    Route {
        pattern: "/readyz",
        method: Method::GET,
        handler: Handler::Open(|probe| Box::pin(readyz::readyz(probe))),
    },
    Route {
        pattern: "/openapi.json",
        method: Method::GET,
        handler: Handler::Open(|_| Box::pin(ready(openapi_json::openapi_json()))),
    },
    Route {
        pattern: "/docs",
        method: Method::GET,
        handler: Handler::Open(|probe| Box::pin(ready(docs::docs(&probe)))),
    },
];

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

    /// Whether an `Idempotency-Key` means something here; other routes leave the header alone.
    pub(crate) fn takes_idempotency_key(&self) -> bool {
        self.pattern == PRESIGN_UPLOAD
    }

    /// Whether the query of a request means something here; other routes leave it alone.
    pub(crate) fn takes_query(&self) -> bool {
        [EVENTS, ASSET_EVENTS].contains(&self.pattern)
    }

    fn serves(&self, method: &Method) -> bool {
        self.method == method || (self.method == Method::GET && method == Method::HEAD)
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

/// The route of a request, and what stands at its pattern's braces.
pub(crate) fn find<'p>(
    method: &Method,
    path: &'p str,
) -> Result<(&'static Route, &'p str), ApiError> {
    let pattern = ROUTES
        .iter()
        .find(|route| route.matches(path))
        .map(|route| route.pattern)
        .ok_or(ApiError::RouteNotFound)?;
    let mut of_path = ROUTES.iter().filter(|route| route.pattern == pattern);
    of_path
        .clone()
        .find(|route| route.serves(method))
        .map(|route| (route, route.captured(path)))
        .ok_or_else(|| ApiError::MethodNotAllowed {
            allow: allowed(&mut of_path),
        })
}

fn allowed(routes: &mut dyn Iterator<Item = &'static Route>) -> String {
    let methods: Vec<&str> = routes
        .flat_map(|route| match route.method {
            Method::GET => vec!["GET", "HEAD"],
            ref other => vec![other.as_str()],
        })
        .collect();
    methods.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'p>(method: &Method, path: &'p str) -> Result<(&'static str, &'p str), String> {
        match find(method, path) {
            Ok((route, captured)) => Ok((route.pattern, captured)),
            Err(ApiError::MethodNotAllowed { allow }) => Err(allow),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_path_belongs_to_the_first_pattern_it_matches() {
        let pattern = "/nexus/raw/{asset_id}";
        assert_eq!(found(&Method::GET, "/nexus/raw/x"), Ok((pattern, "x")));
        assert_eq!(found(&Method::HEAD, "/nexus/raw/x"), Ok((pattern, "x")));
        let events = Ok(("/nexus/raw/events", ""));
        assert_eq!(found(&Method::GET, "/nexus/raw/events"), events);
        let post = Err("POST".to_owned());
        assert_eq!(found(&Method::GET, "/nexus/raw/register"), post);
        assert_eq!(found(&Method::HEAD, "/nexus/raw/presign-upload"), post);
        let get = Err("GET, HEAD".to_owned());
        assert_eq!(found(&Method::POST, "/nexus/raw/x/events"), get);
        assert_eq!(found(&Method::POST, "/nexus/raw/events"), get);
        assert_eq!(found(&Method::DELETE, "/healthz"), get);
    }

    #[test]
    fn another_spelling_of_a_route_is_no_route() {
        for path in [
            "/nexus/raw",
            "/nexus/raw/",
            "/nexus//raw/x",
            "/nexus/raw/x/",
            "/nexus/raw/x/lineage",
            "/nexus/raw/x/events/",
            "/nexus/raw/events/",
            "/Nexus/raw/register",
            "/nexus/r%61w/register",
            "nexus/raw/register",
            "*",
            "",
        ] {
            let missing = Err("there is no such route".to_owned());
            assert_eq!(found(&Method::GET, path), missing, "{path}");
        }
    }
}
