use std::{sync::Arc, time::Instant};

use actix_web::HttpRequest;
use nexus_raw::{asset::AssetId, event::RequestContext, ports::IdempotencyKey};

use crate::{
    http::{request::AppState, respond::ApiError},
    life_cycle::Core,
};

/// A request of an authenticated and authorized caller.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a HttpRequest,
    pub(crate) app: &'a AppState,
    pub(crate) core: Arc<Core>,
    pub(crate) context: &'a RequestContext,
    /// The idempotency key, on routes that support it.
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    /// When the request began.
    pub(crate) began: Instant,
    /// The path segment of the pattern's braces.
    pub(super) captured: &'a str,
}

impl Call<'_> {
    /// Returns the asset id of the path. An invalid id is an unknown asset.
    pub(crate) fn asset_id(&self) -> Result<AssetId, ApiError> {
        AssetId::parse(self.captured).map_err(|_| ApiError::AssetNotFound)
    }
}

/// A request to an open route.
pub(crate) struct Probe<'a> {
    pub(crate) request: &'a HttpRequest,
    pub(crate) app: &'a AppState,
}
