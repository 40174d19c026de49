//! Who sends the requests.

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::{
    failure::Failure,
    settings::{Settings, bearer},
};

/// Returns the headers of every request to the service.
pub(super) fn headers(settings: &Settings) -> Result<HeaderMap, Failure> {
    let unsendable = || Failure::Usage("the caller has characters that no header has".to_owned());
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| unsendable());
    let bearer = bearer(&settings.token.value).ok_or_else(unsendable)?;
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, bearer);
    headers.insert("x-tenant-id", value(settings.tenant.value.as_str())?);
    headers.insert("x-env", value(settings.env.value.as_str())?);
    Ok(headers)
}
