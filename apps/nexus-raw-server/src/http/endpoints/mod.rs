//! One file an endpoint: what it takes, what it gives, what it does.

pub(crate) mod asset;
pub(crate) mod asset_events;
pub(crate) mod docs;
pub(crate) mod events;
pub(crate) mod healthz;
pub(crate) mod openapi_json;
pub(crate) mod presign_upload;
pub(crate) mod readyz;
pub(crate) mod register;
