//! Who sends the requests.

use std::{cell::RefCell, path::PathBuf};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::{
    failure::Failure,
    settings::{Settings, bearer, token_in},
};

/// The caller of all requests to the service.
pub(super) struct Caller {
    headers: RefCell<HeaderMap>,
    token_file: Option<PathBuf>,
}

impl Caller {
    pub(super) fn of(settings: &Settings) -> Result<Self, Failure> {
        Ok(Self {
            headers: RefCell::new(headers(settings)?),
            token_file: settings.token_file.clone(),
        })
    }

    /// Returns the headers of a request to the service.
    pub(super) fn headers(&self) -> HeaderMap {
        self.headers.borrow().clone()
    }

    /// Returns whether there is another token than the service refused in a request with these
    /// headers: a file with a token may be renewed while the command runs.
    pub(super) fn has_another_token(&self, refused: &HeaderMap) -> bool {
        let refused = refused.get(AUTHORIZATION);
        // another request may have read it
        if self.headers.borrow().get(AUTHORIZATION) != refused {
            return true;
        }
        // a pipe has no other, and may never end
        let file = self.token_file.as_deref().filter(|path| path.is_file());
        let Some(renewed) = file
            .and_then(|path| token_in(path).ok())
            .and_then(|token| bearer(&token))
        else {
            return false;
        };
        let is_another = Some(&renewed) != refused;
        self.headers.borrow_mut().insert(AUTHORIZATION, renewed);
        is_another
    }
}

/// Returns the headers of every request to the service.
fn headers(settings: &Settings) -> Result<HeaderMap, Failure> {
    let unsendable = || Failure::Usage("the caller has characters that no header has".to_owned());
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| unsendable());
    let bearer = bearer(&settings.token.value).ok_or_else(unsendable)?;
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, bearer);
    headers.insert("x-tenant-id", value(settings.tenant.value.as_str())?);
    headers.insert("x-env", value(settings.env.value.as_str())?);
    Ok(headers)
}
