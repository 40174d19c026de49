use std::net::IpAddr;

use reqwest::Url;
use url::Host;

/// Whether a URL leads to this machine, over whose own network nobody reads along.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // of a scheme that it does not know, the parser leaves an address as text
        Some(Host::Domain(name)) => {
            // a name that ends in a dot is the same one, written whole (RFC 1034, section 3.1)
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.parse().is_ok_and(is_own)
        }
        Some(Host::Ipv4(address)) => is_own(address.into()),
        Some(Host::Ipv6(address)) => is_own(address.into()),
        None => false,
    }
}

/// An IPv4 address that is mapped into IPv6 (RFC 4291, section 2.5.5.2) is that address.
fn is_own(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_each_of_its_names_and_no_other_is() {
        for own in [
            "http://localhost:9/",
            "http://localhost.:9/",
            "http://127.0.0.1:9/",
            "http://127.1.2.3/",
            "http://[::1]:9/",
            "http://[::ffff:127.0.0.1]:9/",
            "nats://127.0.0.1:4222",
            "nats://localhost.:4222",
        ] {
            assert!(is_loopback(&Url::parse(own).unwrap()), "{own}");
        }
        for other in [
            "http://localhost.example.com/",
            "http://localhost../",
            "http://a.localhost/",
            "http://10.0.0.1/",
            "http://[::ffff:10.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://127.0.0.1.example.com/",
            "nats://127.0.0.1.example.com:4222",
        ] {
            assert!(!is_loopback(&Url::parse(other).unwrap()), "{other}");
        }
    }
}
