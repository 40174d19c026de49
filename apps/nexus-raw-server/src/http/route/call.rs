use std::sync::Arc;

use actix_web::HttpRequest;
use nexus_raw::{asset::AssetId, event::RequestContext, ports::IdempotencyKey};

use crate::{
    http::{request::AppState, respond::ApiError},
    life_cycle::Core,
};

/// A request for which a caller was proved and let in.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a HttpRequest,
    pub(crate) app: &'a AppState,
    pub(crate) core: Arc<Core>,
    pub(crate) context: &'a RequestContext,
    /// What the caller calls the request, on a route where that means something.
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    /// The segment of the path that stands at the pattern's braces.
    pub(super) captured: &'a str,
}

impl Call<'_> {
    /// The asset that the path names. What is no asset id names no asset.
    pub(crate) fn asset_id(&self) -> Result<AssetId, ApiError> {
        AssetId::parse(self.captured).map_err(|_| ApiError::AssetNotFound)
    }
}

/// A request that needs no caller.
pub(crate) struct Probe<'a> {
    pub(crate) request: &'a HttpRequest,
    pub(crate) app: &'a AppState,
}
