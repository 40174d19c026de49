//! The OpenAPI 3.1 document of a table of routes, built from each route's description, as JSON and
//! as a page.

mod operation;
pub(super) mod page;
#[cfg(test)]
mod tests;

use utoipa::openapi::{
    OpenApi,
    security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    server::Server,
};

use super::{respond::ProblemBody, route::Route};

/// The security scheme of every route under `/nexus/`.
const BEARER: &str = "bearer";

/// Returns the document of these routes.
pub(super) fn document(routes: &[Route]) -> OpenApi {
    let mut document = <Document as utoipa::OpenApi>::openapi();
    document.servers = Some(vec![Server::new("/")]);
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    document
        .components
        .get_or_insert_default()
        .add_security_scheme(BEARER, SecurityScheme::Http(scheme));
    for route in routes {
        let mut described = (route.described)();
        if let Some(item) = described.paths.paths.get_mut(route.pattern)
            && let Some(operation) = operation::of(item, &route.method)
        {
            operation::complete(operation, route);
        }
        document.merge(described);
    }
    document
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Nexus raw storage",
        description = "Takes in raw assets of many tenants: each lands in S3 once, unchanged, \
                       under its tenant and environment, with a record of where it came from.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ProblemBody<'_>)),
)]
struct Document;
