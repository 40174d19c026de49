use nexus_raw::net::TrustedUrl;
use url::Url;

/// Whether a text is an origin as browsers send it: of a page by https, of one by http on this
/// machine, or of an app whose pages have a scheme of their own (Capacitor, Tauri, an extension).
pub(crate) fn is_origin(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    // of a scheme that it does not know the parser keeps what follows as it is
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
            // browsers resolve names below `localhost` to loopback by themselves, and send requests
            // there; the service does not
            "http" => is_below_localhost(host) || TrustedUrl::parse(text).is_ok(),
            "https" => TrustedUrl::parse(text).is_ok(),
            // schemes of the standard: no page has such an origin, or `null` for one
            "about" | "blob" | "data" | "file" | "ftp" | "javascript" | "ws" | "wss" => false,
            _ => true,
        }
}

fn is_below_localhost(host: &str) -> bool {
    host.strip_suffix(".localhost")
        .is_some_and(|name| name.split('.').all(|label| !label.is_empty()))
}
