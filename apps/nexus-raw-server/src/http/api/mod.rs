//! The routes: one file each, with what it takes, what it gives, what it does, and its place in the
//! table. What several of them describe stands in `record` and `text`.

mod record;
#[cfg(test)]
mod tests;
mod text;

use super::{openapi, route::Route};

/// The table of routes and the modules that they stand in.
macro_rules! routes {
    ($($file:ident),+ $(,)?) => {
        $(mod $file;)+

        /// Every route, in the order in which a caller comes to need them; those for operators last.
        pub const ROUTES: &[Route] = &[$($file::ROUTE),+];
    };
}

routes![
    presign_upload,
    register,
    asset,
    asset_events,
    events,
    healthz,
    readyz,
    openapi_json,
    docs,
];

/// The OpenAPI document of this version of the service.
#[must_use]
pub fn openapi_document() -> utoipa::openapi::OpenApi {
    openapi::document(ROUTES)
}

/// The same as a page of HTML.
///
/// # Errors
/// When the document has no JSON form, which would be a defect.
pub fn docs_page() -> Result<String, serde_json::Error> {
    openapi::page::render(ROUTES)
}
