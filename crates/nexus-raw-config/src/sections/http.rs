use std::{net::SocketAddr, time::Duration};

use nexus_raw::net::TrustedUrl;
use url::Url;

use super::forms::{ADDRESS, distinct};
use crate::form::{integer, list};
use crate::section::section;

section! {
    /// `http.*`: the API's listener.
    #[derive(Debug, Clone)]
    pub struct HttpSettings from Http of "http" {
        /// Address of the API. Port 0 selects a free port.
        pub bind: SocketAddr = ADDRESS.default("127.0.0.1:8080").example("0.0.0.0:8080");
        /// Origins whose pages may call the API from a browser, compared exactly. Empty: no CORS
        /// headers are sent.
        pub cors_origins: Vec<String> = list(
            "a list of up to 64 distinct origins such as https://app.example.com or capacitor://localhost, lower case, without a path or a default port; http only to loopback and names below localhost",
            origins,
        )
        .default("[]")
        .example(r#"["https://app.example.com"]"#);
        /// Headers that these pages may send besides those of the API, such as the ones that tracing
        /// libraries add to every call.
        pub cors_headers: Vec<String> = list(
            "a list of up to 32 distinct names of headers, of 1 to 64 characters each, without a pattern",
            header_names,
        )
        .default(r#"["tracestate", "baggage", "sentry-trace"]"#)
        .example(r#"["tracestate", "x-datadog-trace-id"]"#);
        /// Time after SIGTERM in which the API is still served, while `/readyz` answers 503, before
        /// it stops listening. For Kubernetes.
        drain_seconds in 0..=300 as pub drain: Duration = integer("0").example("10");
        /// Timeout of a request, including its body.
        request_timeout_seconds in 1..=300 as pub request_timeout: Duration = integer("10").example("15");
        /// Time in which running requests may finish after SIGTERM.
        shutdown_timeout_seconds in 1..=3600 as pub shutdown_timeout: Duration = integer("30").example("60");
    }
}

/// Returns origins in the form that browsers send (RFC 6454, section 6.2), to compare as bytes.
fn origins(list: &[String]) -> Option<Vec<String>> {
    let fit = list.len() <= 64 && list.iter().all(|it| is_origin(it)) && distinct(list);
    fit.then(|| list.to_vec())
}

/// Returns whether a text is an origin as browsers send it: https, http on this machine, or the
/// custom scheme of an app (Capacitor, Tauri, an extension).
fn is_origin(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    // the parser does not normalise what follows an unknown scheme
    let plain = |host: &str| {
        host.bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'[' | b']' | b':'))
    };
    let Some(host) = url
        .host_str()
        .filter(|host| !host.is_empty() && plain(host))
    else {
        return false;
    };
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    let serialised = format!("{}://{host}{port}", url.scheme());
    serialised == text
        && match url.scheme() {
            // browsers resolve names below `localhost` to loopback; the service does not
            "http" => is_below_localhost(host) || TrustedUrl::parse(text).is_ok(),
            "https" => TrustedUrl::parse(text).is_ok(),
            // standard schemes: no page has such an origin, or its origin is `null`
            "about" | "blob" | "data" | "file" | "ftp" | "javascript" | "ws" | "wss" => false,
            _ => true,
        }
}

fn is_below_localhost(host: &str) -> bool {
    host.strip_suffix(".localhost")
        .is_some_and(|name| name.split('.').all(|label| !label.is_empty()))
}

/// Returns header names (RFC 9110, section 5.1), of any case.
fn header_names(list: &[String]) -> Option<Vec<String>> {
    // the grammar allows `*` in a name, but in CORS it is a pattern
    let of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&byte);
    let is_name = |name: &String| (1..=64).contains(&name.len()) && name.bytes().all(of_name);
    let lower: Vec<_> = list.iter().map(|name| name.to_ascii_lowercase()).collect();
    let fit = list.len() <= 32 && list.iter().all(is_name) && distinct(&lower);
    fit.then(|| list.to_vec())
}
