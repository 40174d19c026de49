//! The address of the service.

use nexus_raw::net::is_loopback_host;
use url::Url;

/// Parses the URL of a service. The error does not repeat what may be a secret in it.
pub(crate) fn parse(text: &str) -> Result<Url, String> {
    if !text.contains("://") {
        return Err(without_scheme(text));
    }
    let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
    let fault = match url.scheme() {
        "https" | "http" if url.query().is_some() || url.fragment().is_some() => {
            "must not have a query or a fragment"
        }
        "https" | "http" if has_user(&url) => "must not have a user or a password",
        "https" | "http" => return Ok(url),
        _ => "must start with https:// or http://",
    };
    Err(fault.to_owned())
}

/// Allows plain http only to this machine, unless the caller allows it to others.
pub(crate) fn check_encryption(url: &Url, allow_plain_http: bool) -> Result<(), &'static str> {
    if url.scheme() == "https" || is_loopback(url) || allow_plain_http {
        Ok(())
    } else {
        Err("would send the token unencrypted; use https, or --allow-plain-http")
    }
}

fn without_scheme(text: &str) -> String {
    let rule = "must start with https:// or http://";
    // `localhost:8080` alone is a URL of the scheme `localhost`
    match Url::parse(&format!("http://{text}")) {
        Ok(url) if url.has_host() && !has_user(&url) => {
            let scheme = if is_loopback(&url) { "http" } else { "https" };
            format!("{rule}, such as {scheme}://{text}")
        }
        _ => rule.to_owned(),
    }
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback_host)
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, allow_plain_http: bool) -> Result<(), String> {
        let url = parse(text)?;
        check_encryption(&url, allow_plain_http).map_err(str::to_owned)
    }

    #[test]
    fn a_token_goes_in_the_clear_to_this_machine_alone() {
        for url in [
            "https://raw.example.test",
            "https://raw.example.test/behind/a/prefix/",
            "http://127.0.0.1:8080",
            "http://127.8.9.10",
            "http://[::1]:8080",
            "http://localhost:8080",
            "http://localhost.:8080",
            "http://[::ffff:127.0.0.1]:8080",
        ] {
            assert_eq!(check(url, false), Ok(()), "{url}");
        }
        for url in [
            "http://raw.example.test",
            "http://10.0.0.1",
            "http://localhost.example.test",
        ] {
            let rule = "would send the token unencrypted; use https, or --allow-plain-http";
            assert_eq!(check(url, false), Err(rule.to_owned()), "{url}");
            assert_eq!(check(url, true), Ok(()), "{url}");
        }
    }

    #[test]
    fn an_address_without_a_scheme_is_refused_with_the_corrected_one() {
        for (text, corrected) in [
            ("localhost:8080", ", such as http://localhost:8080"),
            ("localhost", ", such as http://localhost"),
            ("127.0.0.1:8080", ", such as http://127.0.0.1:8080"),
            ("[::1]:8080", ", such as http://[::1]:8080"),
            ("example.org", ", such as https://example.org"),
            ("example.org:443/a", ", such as https://example.org:443/a"),
            ("user:secret@example.org", ""),
            ("not a url", ""),
            ("", ""),
        ] {
            let expected = format!("must start with https:// or http://{corrected}");
            assert_eq!(parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_server_is_a_plain_http_url() {
        for text in [
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "http://",
            "http://127.0.0.1?a",
            "http://127.0.0.1#a",
            "http://user@127.0.0.1",
            "http://:secret@127.0.0.1",
        ] {
            let fault = parse(text).unwrap_err();
            assert!(!fault.contains("secret"), "{fault}");
        }
    }
}
