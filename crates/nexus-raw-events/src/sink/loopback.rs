use std::net::IpAddr;

use reqwest::Url;
use url::Host;

/// Whether a URL leads to this machine, over whose own network nobody reads along.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // of a scheme that it does not know, the parser leaves an address as text
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse().is_ok_and(|it: IpAddr| it.is_loopback())
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
