use actix_web::http::header::{HeaderMap, HeaderName};
use nexus_raw::{
    ports::IdempotencyKey,
    tenancy::{Environment, Environments, Scope, TenantId},
};

use super::trace::single;
use crate::http::respond::ApiError;

const X_TENANT_ID: HeaderName = HeaderName::from_static("x-tenant-id");
const X_ENV: HeaderName = HeaderName::from_static("x-env");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The tenant and environment of a request's headers, each if valid.
#[derive(Default)]
pub(crate) struct NamedScope {
    pub(crate) tenant: Option<TenantId>,
    pub(crate) environment: Option<Environment>,
}

impl NamedScope {
    pub(crate) fn of(headers: &HeaderMap, served: &Environments) -> Self {
        Self {
            tenant: single(headers, &X_TENANT_ID).and_then(|text| TenantId::parse(text).ok()),
            environment: single(headers, &X_ENV).and_then(|text| served.find(text).cloned()),
        }
    }

    /// Returns the scope of a request. Both headers are required.
    pub(crate) fn whole(&self) -> Result<Scope, ApiError> {
        let tenant = self.tenant.clone().ok_or_else(|| {
            ill_formed(
                "X-Tenant-Id",
                "`t_` and then 1 to 61 of `a-z`, `0-9`, `_` and `-`",
            )
        })?;
        let environment = self
            .environment
            .clone()
            .ok_or_else(|| ill_formed("X-Env", "exactly one of the configured environments"))?;
        Ok(Scope {
            tenant,
            environment,
        })
    }
}

/// Returns the idempotency key, or `None` without the header.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, ApiError> {
    if !headers.contains_key(&IDEMPOTENCY_KEY) {
        return Ok(None);
    }
    let key = single(headers, &IDEMPOTENCY_KEY).and_then(|text| IdempotencyKey::parse(text).ok());
    key.map(Some)
        .ok_or_else(|| ill_formed("Idempotency-Key", "1 to 255 visible ASCII characters"))
}

fn ill_formed(name: &str, rule: &str) -> ApiError {
    ApiError::Malformed(format!(
        "the header `{name}` must be there once, and be {rule}"
    ))
}
