use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// A URL that the service may call: https, or http to this machine alone; no user information,
/// and no address that answers with the machine's own credentials.
pub(crate) struct HttpUrl(Url);

impl HttpUrl {
    /// None where the text is no such URL.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // the parser follows browsers: it drops spaces, line ends and tabs, and takes backslashes
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if !plain || !(text.starts_with("https://") || text.starts_with("http://")) {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let host = Place::of(&url.host()?);
        // "https://@host" has an empty user, which the parser drops
        let authority = text.split_once("//")?.1.split(['/', '?', '#']).next()?;
        let has_user = authority.contains('@');
        let allowed = match host {
            Place::Loopback => true,
            Place::Elsewhere => url.scheme() == "https",
            Place::Forbidden => false,
        };
        (allowed && !has_user).then_some(Self(url))
    }

    /// Whether it is scheme, host and port alone.
    pub(crate) fn is_bare(&self) -> bool {
        self.0.path() == "/" && self.0.query().is_none() && self.has_no_fragment()
    }

    pub(crate) fn has_no_fragment(&self) -> bool {
        self.0.fragment().is_none()
    }

    pub(crate) fn into_url(self) -> Url {
        self.0
    }
}

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
            "http" => is_below_localhost(host) || HttpUrl::parse(text).is_some(),
            "https" => HttpUrl::parse(text).is_some(),
            // schemes of the standard: no page has such an origin, or `null` for one
            "about" | "blob" | "data" | "file" | "ftp" | "javascript" | "ws" | "wss" => false,
            _ => true,
        }
}

fn is_below_localhost(host: &str) -> bool {
    host.strip_suffix(".localhost")
        .is_some_and(|name| name.split('.').all(|label| !label.is_empty()))
}

/// The URL of a NATS server: `tls://`, or `nats://` to this machine alone, with a user and password
/// or a token where it wants one, and nothing after the port.
pub(crate) struct NatsUrl(Url);

impl NatsUrl {
    /// None where the text is no such URL.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let rest = text
            .strip_prefix("tls://")
            .or_else(|| text.strip_prefix("nats://"))?;
        if !plain || rest.contains(['/', '?', '#']) {
            return None;
        }
        let url = Url::parse(text).ok()?;
        // of a scheme that it does not know, the parser leaves the host as text
        let host = Host::parse(url.host_str()?).ok()?;
        let host = match &host {
            Host::Domain(name) => Host::Domain(name.as_str()),
            Host::Ipv4(address) => Host::Ipv4(*address),
            Host::Ipv6(address) => Host::Ipv6(*address),
        };
        let allowed = match Place::of(&host) {
            Place::Loopback => true,
            Place::Elsewhere => url.scheme() == "tls",
            Place::Forbidden => false,
        };
        allowed.then_some(Self(url))
    }

    pub(crate) fn into_url(self) -> Url {
        self.0
    }
}

enum Place {
    Loopback,
    Elsewhere,
    Forbidden,
}

impl Place {
    fn of(host: &Host<&str>) -> Self {
        match host {
            Host::Domain(name) => Self::of_name(name.strip_suffix('.').unwrap_or(name)),
            Host::Ipv4(address) => Self::of_v4(*address),
            Host::Ipv6(address) => Self::of_v6(*address),
        }
    }

    fn of_name(name: &str) -> Self {
        match name {
            // RFC 6761, section 6.3; names below it are not resolved to loopback everywhere
            "localhost" => Self::Loopback,
            // the names of the metadata services of EC2 and Google Cloud
            "instance-data"
            | "instance-data.ec2.internal"
            | "metadata"
            | "metadata.google.internal" => Self::Forbidden,
            _ => Self::Elsewhere,
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        // 169.254.169.254 (EC2 and most clouds), 169.254.170.2 (ECS tasks), 169.254.170.23 (EKS)
        // are link-local; Alibaba Cloud has 100.100.100.200
        let metadata = address.is_link_local() || address == Ipv4Addr::new(100, 100, 100, 200);
        if metadata || address.octets()[0] == 0 {
            Self::Forbidden
        } else if address.is_loopback() {
            Self::Loopback
        } else {
            Self::Elsewhere
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        if let Some(v4) = address.to_ipv4_mapped() {
            return Self::of_v4(v4);
        }
        if let Some(v4) = translated_v4(address) {
            // what a translator would call loopback is its own
            return match Self::of_v4(v4) {
                Self::Loopback => Self::Elsewhere,
                place => place,
            };
        }
        // fd00:ec2::254 (EC2) and fd00:ec2::23 (EKS) lie in fd00:ec2::/32
        let metadata = address.segments()[..2] == [0xfd00, 0x0ec2];
        if metadata || address.is_unicast_link_local() || address.is_unspecified() {
            Self::Forbidden
        } else if address.is_loopback() {
            Self::Loopback
        } else {
            Self::Elsewhere
        }
    }
}

/// The IPv4 address that an IPv6 address is translated to by the well-known prefix of NAT64
/// (RFC 6052, section 2.1).
fn translated_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = address.octets();
    let translated = address.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    translated.then(|| Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(text: &str) -> bool {
        HttpUrl::parse(text).is_some()
    }

    #[test]
    fn https_goes_anywhere_and_plain_http_to_loopback_only() {
        for good in [
            "https://s3.example.com",
            "https://10.0.0.7:9000",
            "http://localhost:8333",
            "http://localhost.:8333/",
            "http://127.0.0.1:9000",
            "http://127.1.2.3",
            "http://[::1]:9000",
            "http://[::ffff:127.0.0.1]:9000",
        ] {
            assert!(accepts(good), "{good}");
        }
        for bad in [
            "http://s3.example.com",
            "http://10.0.0.7:9000",
            "http://localhost.example.com",
            "http://a.localhost",
            "http://[::ffff:10.0.0.7]",
            "http://[64:ff9b::7f00:1]",
            "ftp://localhost",
            "localhost:9000",
            "https://",
            "//host",
            " https://s3.example.com",
            "https://s3.example.com\n",
            "https:\\\\s3.example.com",
            "HTTP://10.0.0.7",
        ] {
            assert!(!accepts(bad), "{bad:?}");
        }
    }

    #[test]
    fn user_information_is_refused_in_any_form() {
        for bad in [
            "https://user@host",
            "https://user:word@host",
            "https://@host",
            "https://:@host",
            "http://u@localhost",
        ] {
            assert!(!accepts(bad), "{bad}");
        }
        assert!(accepts("https://host/a@b"));
    }

    #[test]
    fn a_metadata_or_unspecified_address_is_refused_in_any_spelling() {
        for bad in [
            "https://169.254.169.254",
            "https://169.254.170.2",
            "https://169.254.0.1",
            "https://0xa9fea9fe",
            "https://2852039166",
            "https://0251.0376.0251.0376",
            "https://169.254.43518",
            "https://[::ffff:169.254.169.254]",
            "https://[64:ff9b::a9fe:a9fe]",
            "https://[fd00:ec2::254]",
            "https://[fd00:ec2::23]",
            "https://[fe80::1]",
            "https://100.100.100.200",
            "https://metadata.google.internal",
            "https://METADATA.google.internal.",
            "https://0.0.0.0",
            "https://[::]",
        ] {
            assert!(!accepts(bad), "{bad}");
        }
    }
}
