use actix_web::http::{
    header::{HOST, HeaderMap},
    uri::Authority,
};

use crate::http::respond::ApiError;

/// Refuses an invalid `Host` (RFC 9112, section 3.2), which a proxy may parse differently. The
/// library has checked that there is exactly one.
pub(crate) fn check_host(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(host) = headers.get(HOST) else {
        // optional in HTTP/1.0
        return Ok(());
    };
    let host = host.as_bytes();
    let named = host.is_empty() || (!host.contains(&b'@') && Authority::try_from(host).is_ok());
    if !named {
        let detail = "the header `Host` must name a host and nothing else";
        return Err(ApiError::Malformed(detail.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_host_and_a_port_and_nothing_else() {
        let check = |host: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.try_into().unwrap());
            check_host(&headers).is_ok()
        };
        let good = [
            "",
            "a",
            "a.b",
            "a:80",
            "127.0.0.1:8080",
            "[::1]:8080",
            "a_b",
        ];
        assert!(good.iter().all(|host| check(host.as_bytes())));
        let bad = ["a/b", "u@a", "a b", "a?b", "a#b", "[::1", "a\\b", "\u{e9}"];
        for host in bad {
            assert!(!check(host.as_bytes()), "{host}");
        }
    }
}
