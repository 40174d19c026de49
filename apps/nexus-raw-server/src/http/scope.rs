use actix_web::http::header::{HeaderMap, HeaderName};
use nexus_raw::tenancy::{Environments, Scope, TenantId};

use super::{error::ApiError, trace::single};

const X_TENANT_ID: HeaderName = HeaderName::from_static("x-tenant-id");
const X_ENV: HeaderName = HeaderName::from_static("x-env");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The scope that a request is about: of its two headers and of nothing else. There is no default.
pub(super) fn scope_of(headers: &HeaderMap, served: &Environments) -> Result<Scope, ApiError> {
    let tenant = single(headers, &X_TENANT_ID).and_then(|text| TenantId::parse(text).ok());
    let environment = single(headers, &X_ENV).and_then(|text| served.find(text).cloned());
    Ok(Scope {
        tenant: tenant.ok_or_else(|| {
            ill_formed(
                "X-Tenant-Id",
                "`t_` and then 1 to 61 of `a-z`, `0-9`, `_` and `-`",
            )
        })?,
        environment: environment
            .ok_or_else(|| ill_formed("X-Env", "exactly one of the configured environments"))?,
    })
}

/// Refuses an `Idempotency-Key` that is repeated or not 1 to 255 visible ASCII characters.
pub(super) fn check_idempotency_key(headers: &HeaderMap) -> Result<(), ApiError> {
    let visible = |text: &str| {
        (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if headers.contains_key(&IDEMPOTENCY_KEY)
        && !single(headers, &IDEMPOTENCY_KEY).is_some_and(visible)
    {
        return Err(ill_formed(
            "Idempotency-Key",
            "1 to 255 visible ASCII characters",
        ));
    }
    Ok(())
}

fn ill_formed(name: &str, rule: &str) -> ApiError {
    ApiError::Malformed(format!(
        "the header `{name}` must be there once, and be {rule}"
    ))
}
