//! Where requests go, and who sends them.

use std::{fs, path::Path};

use nexus_raw::net::is_loopback_host;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{args::ServiceArgs, failure::Failure};

/// Every server refuses a longer token.
const MAX_TOKEN_FILE_BYTES: u64 = 8 * 1024 + 2;

/// Allows plain http only to this machine, unless the caller allows it to others.
pub(super) fn check_url(server: &Url, allow_plain_http: bool) -> Result<(), Failure> {
    let is_loopback = server.host_str().is_some_and(is_loopback_host);
    let fault = match server.scheme() {
        "https" | "http" if server.query().is_some() || server.fragment().is_some() => {
            "must not have a query or a fragment"
        }
        "https" | "http" if !server.username().is_empty() || server.password().is_some() => {
            "must not have a user or a password"
        }
        "https" => return Ok(()),
        "http" if is_loopback || allow_plain_http => return Ok(()),
        "http" => "would send the token unencrypted; use https, or --allow-plain-http",
        _ => "must be an https or http URL",
    };
    Err(Failure::Usage(format!("--server {fault}")))
}

/// Returns the headers of every request to the service.
pub(super) fn headers(args: &ServiceArgs) -> Result<HeaderMap, Failure> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token(args)?.expose_secret()))
        .map_err(|_| Failure::Usage("the token has invalid characters".to_owned()))?;
    bearer.set_sensitive(true);
    let value =
        |text: &str| HeaderValue::from_str(text).map_err(|error| Failure::Usage(error.to_string()));
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, bearer);
    headers.insert("x-tenant-id", value(args.tenant.as_str())?);
    headers.insert("x-env", value(args.env.as_str())?);
    Ok(headers)
}

fn token(args: &ServiceArgs) -> Result<SecretString, Failure> {
    let token = match (&args.token_file, &args.token) {
        (Some(path), _) => token_in(path)?,
        (None, Some(token)) => token.clone(),
        (None, None) => return Err(Failure::Usage("a token is required".to_owned())),
    };
    // most often a variable from a failed command
    if token.expose_secret().trim_ascii().is_empty() {
        let reason = "the token is empty; use NEXUS_RAW_TOKEN or --token-file";
        return Err(Failure::Usage(reason.to_owned()));
    }
    Ok(token)
}

fn token_in(path: &Path) -> Result<SecretString, Failure> {
    let cannot_read = |source| Failure::File {
        path: path.to_owned(),
        source,
    };
    if fs::metadata(path).map_err(cannot_read)?.len() > MAX_TOKEN_FILE_BYTES {
        return Err(Failure::Usage(format!(
            "{} is too long for a file with only a token",
            path.display()
        )));
    }
    let text = fs::read_to_string(path).map_err(cannot_read)?;
    Ok(text.trim_ascii().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, allow_plain_http: bool) -> Result<(), String> {
        check_url(&Url::parse(url).unwrap(), allow_plain_http).map_err(|it| it.to_string())
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
            assert_eq!(
                check(url, false),
                Err(
                    "--server would send the token unencrypted; use https, or --allow-plain-http"
                        .to_owned()
                ),
                "{url}"
            );
            assert_eq!(check(url, true), Ok(()), "{url}");
        }
    }

    #[test]
    fn a_server_is_a_plain_http_url() {
        for url in [
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "localhost:8080",
            "http://127.0.0.1?a",
            "http://127.0.0.1#a",
            "http://user@127.0.0.1",
            "http://:secret@127.0.0.1",
        ] {
            assert!(check(url, true).is_err(), "{url}");
        }
    }
}
