//! The routes, one file each, with its input, its output, its handler and its row of the route
//! table. Shared descriptions are in `fact`, `record` and `text`.

mod batch;
mod fact;
mod record;
#[cfg(test)]
mod tests;
mod text;

use super::{openapi, route::Route};

/// Defines the table of routes and their modules.
macro_rules! routes {
    ($($file:ident),+ $(,)?) => {
        $(mod $file;)+

        /// Every route, in the order of an upload; those for operators last.
        pub const ROUTES: &[Route] = &[$($file::ROUTE),+];
    };
}

routes![
    presign_upload,
    register,
    assets,
    asset,
    presign_download,
    presign_parts,
    parts,
    abort_upload,
    verify,
    verification,
    presign_upload_batch,
    register_batch,
    presign_download_batch,
    state_fact,
    facts,
    lineage,
    asset_events,
    events,
    healthz,
    readyz,
    openapi_json,
    docs,
];

/// Returns the OpenAPI document of this version of the service.
#[must_use]
pub fn openapi_document() -> utoipa::openapi::OpenApi {
    openapi::document(ROUTES)
}

/// Returns the same document as an HTML page.
///
/// # Errors
/// If the document cannot be serialized, which would be a bug.
pub fn docs_page() -> Result<String, serde_json::Error> {
    openapi::page::render(ROUTES)
}
