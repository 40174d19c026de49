//! The OpenAPI 3.1 document: written at the handlers, put together here.

mod problems;
mod schemas;
#[cfg(test)]
mod tests;
mod text;

use utoipa::{
    Modify, OpenApi,
    openapi::{
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
        server::Server,
    },
};

use self::problems::OfRoutes;
pub(crate) use self::{
    schemas::{Events, PresignUpload, RawAsset, Register},
    text::{AssetId, Time},
};
use super::{
    endpoints::{
        asset, asset_events, docs, events, healthz, openapi_json, presign_upload, readyz, register,
    },
    error::ProblemBody,
};

/// The document of this version of the service.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Nexus raw storage",
        description = "Takes in raw assets of many tenants: each lands in S3 once, unchanged, \
                       under its tenant and environment, with a record of where it came from.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        presign_upload::presign_upload,
        register::register,
        events::events,
        asset::asset,
        asset_events::asset_events,
        healthz::healthz,
        readyz::readyz,
        openapi_json::openapi_json,
        docs::docs,
    ),
    components(schemas(ProblemBody<'_>)),
    modifiers(&Bearer, &OfRoutes),
)]
struct Document;

/// The token that every route under `/nexus/` asks for.
struct Bearer;

impl Bearer {
    const NAME: &'static str = "bearer";
}

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        document.servers = Some(vec![Server::new("/")]);
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme(Self::NAME, SecurityScheme::Http(scheme));
    }
}
