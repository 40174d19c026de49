//! URLs that secrets and facts of assets may be sent to.

mod host;

use std::{fmt, str::FromStr};

use url::Url;

use self::host::HostKind;
pub use self::host::{is_loopback_host, is_loopback_ip};

/// A URL that may be called: https, or http to loopback, where nobody between can read along;
/// without user information and fragment; and not of an address that hands out the machine's own
/// credentials (metadata services) or that is unspecified.
///
/// Its path and query may hold a secret, so it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct TrustedUrl(Url);

/// Why a text is no [`TrustedUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an https URL (http only to loopback) without user and fragment, and not a metadata or \
     unspecified address"
)]
#[non_exhaustive]
pub struct TrustedUrlError;

impl TrustedUrl {
    /// Parses a URL.
    ///
    /// # Errors
    ///
    /// [`TrustedUrlError`] where the text is no such URL.
    pub fn parse(text: &str) -> Result<Self, TrustedUrlError> {
        parse(text, ["https://", "http://"])
            .filter(|url| url.fragment().is_none() && !has_user(text))
            .map(Self)
            .ok_or(TrustedUrlError)
    }

    /// Whether it is scheme, host and port alone.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.0.path() == "/" && self.0.query().is_none()
    }

    /// As any other URL.
    #[must_use]
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for TrustedUrl {
    type Err = TrustedUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Debug for TrustedUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TrustedUrl").finish_non_exhaustive()
    }
}

/// The URL of a NATS server: `tls://HOST[:PORT]`, or `nats://` to loopback, by the rules of
/// [`TrustedUrl`]; with `USER:PASSWORD@` or `TOKEN@` where the server wants it, which do not print,
/// and nothing after the port.
#[derive(Clone, PartialEq, Eq)]
pub struct NatsUrl(Url);

/// Why a text is no [`NatsUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a tls:// URL (nats:// only to loopback) with nothing after the port, and not of a \
     metadata or unspecified address"
)]
#[non_exhaustive]
pub struct NatsUrlError;

impl NatsUrl {
    /// Parses a URL.
    ///
    /// # Errors
    ///
    /// [`NatsUrlError`] where the text is no such URL.
    pub fn parse(text: &str) -> Result<Self, NatsUrlError> {
        let (_, rest) = text.split_once("//").ok_or(NatsUrlError)?;
        parse(text, ["tls://", "nats://"])
            .filter(|_| !rest.contains(['/', '?', '#']))
            .map(Self)
            .ok_or(NatsUrlError)
    }

    /// As any other URL.
    #[must_use]
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for NatsUrl {
    type Err = NatsUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Debug for NatsUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("NatsUrl").finish_non_exhaustive()
    }
}

/// Parses a URL that begins by one of two schemes, the second of which is for loopback alone.
fn parse(text: &str, [secure, plain]: [&str; 2]) -> Option<Url> {
    // the parser follows browsers: it drops spaces, line ends and tabs, and takes backslashes
    let is_graphic = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let is_secure = text.starts_with(secure);
    if !text.bytes().all(is_graphic) || !(is_secure || text.starts_with(plain)) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let allowed = match HostKind::of(url.host_str()?) {
        HostKind::Loopback => true,
        HostKind::Other => is_secure,
        HostKind::Forbidden => false,
    };
    allowed.then_some(url)
}

/// `https://@host` has an empty user, which the parser drops.
fn has_user(text: &str) -> bool {
    let rest = text.split_once("//").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next();
    authority.is_some_and(|authority| authority.contains('@'))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn accepts(text: &str) -> bool {
        TrustedUrl::parse(text).is_ok()
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

    #[test]
    fn a_url_that_is_called_has_no_fragment_and_may_have_more_than_a_host() {
        assert!(!accepts("https://host/#k"));
        for (url, is_bare) in [
            ("https://host", true),
            ("https://host:8333/", true),
            ("https://host/keys", false),
            ("https://host?tenant=a", false),
        ] {
            assert_eq!(TrustedUrl::parse(url).unwrap().is_bare(), is_bare, "{url}");
        }
    }

    #[test]
    fn a_nats_server_is_reached_by_tls_or_on_this_machine() {
        for good in [
            "tls://nats.example.com",
            "tls://token@nats.example.com:4222",
            "nats://127.0.0.1:4222",
            "nats://user:password@localhost",
            "nats://localhost.:4222",
            "nats://[::1]:4222",
            "nats://[::ffff:127.0.0.1]:4222",
        ] {
            assert!(NatsUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "nats://nats.example.com:4222",
            "nats://127.0.0.1.example.com:4222",
            "nats://10.0.0.1",
            "nats://[::ffff:10.0.0.1]",
            "tls://169.254.169.254",
            "tls://[::ffff:169.254.169.254]",
            "tls://metadata.google.internal",
            "tls://METADATA.google.internal.",
            "tls://0.0.0.0",
            "tls://nats.example.com/",
            "tls://nats.example.com/x",
            "tls://nats.example.com?x",
            "tls://nats.example.com#x",
            "tls://nats .example.com",
            "https://nats.example.com",
            "ws://127.0.0.1",
            "nats.example.com:4222",
            "",
        ] {
            assert!(NatsUrl::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn this_machine_is_known_by_each_of_its_names_and_no_other_is() {
        for own in [
            "localhost",
            "localhost.",
            "LOCALHOST",
            "127.0.0.1",
            "127.1.2.3",
            "::1",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback_host(own), "{own}");
        }
        for other in [
            "",
            ".",
            "localhost..",
            "a.localhost",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "10.0.0.1",
            "0.0.0.0",
            "::",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::7f00:1]",
        ] {
            assert!(!is_loopback_host(other), "{other}");
        }
        assert!(is_loopback_ip(IpAddr::V6(
            Ipv4Addr::LOCALHOST.to_ipv6_mapped()
        )));
        assert!(!is_loopback_ip(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    }

    #[test]
    fn neither_prints_what_may_be_secret() {
        let url = TrustedUrl::parse("https://host/hooks/secret?key=secret").unwrap();
        let nats = NatsUrl::parse("tls://secret@host").unwrap();
        assert_eq!(
            format!("{url:?} {nats:?}"),
            "TrustedUrl { .. } NatsUrl { .. }"
        );
    }
}
