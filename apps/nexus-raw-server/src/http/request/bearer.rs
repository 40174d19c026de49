use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use nexus_raw::{ports::IdentityVerifier, tenancy::Principal};

use crate::http::respond::ApiError;

/// Authenticates the caller. Repeated `Authorization` headers are refused, since a proxy might use
/// another one than this service.
pub(crate) async fn authenticate(
    identity: &dyn IdentityVerifier,
    headers: &HeaderMap,
) -> Result<Principal, ApiError> {
    if headers.get_all(AUTHORIZATION).count() > 1 {
        let detail = "the header `Authorization` must not be repeated";
        return Err(ApiError::Malformed(detail.to_owned()));
    }
    let token = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(token)
        .ok_or(ApiError::NoToken)?;
    Ok(identity.verify(token).await?)
}

/// Returns the text after `Bearer`, in any case (RFC 9110, section 11.1), and spaces.
fn token(credentials: &str) -> Option<&str> {
    let (scheme, token) = credentials.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("Bearer")
        .then(|| token.trim_start_matches(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_follows_the_scheme_in_any_case() {
        for credentials in ["Bearer a.b.c", "bearer a.b.c", "BEARER  a.b.c"] {
            assert_eq!(token(credentials), Some("a.b.c"), "{credentials}");
        }
        for credentials in [
            "",
            "Bearer",
            "Basic a",
            "a.b.c",
            "Bearer\ta.b.c",
            "Bearer, a",
        ] {
            assert_eq!(token(credentials), None, "{credentials}");
        }
    }
}
