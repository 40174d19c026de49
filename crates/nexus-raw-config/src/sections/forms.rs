//! Forms of keys in more than one section.

use std::net::SocketAddr;

use nexus_raw::net::TrustedUrl;
use secrecy::SecretString;

use crate::form::{Form, text};

pub(super) const ADDRESS: Form<SocketAddr> =
    text("an IP address and a port, such as 127.0.0.1:8080", |text| {
        text.parse().ok()
    });

pub(super) const URL: Form<TrustedUrl> = text(
    "an https URL (http only to loopback) without user and fragment, and not a metadata or unspecified address",
    |text| TrustedUrl::parse(text).ok(),
);

/// At least as long as the digest (RFC 7518, section 3.2).
pub(super) const HMAC_SECRET: Form<SecretString> = text("text of 32 to 4096 bytes", |text| {
    (32..=4096).contains(&text.len()).then(|| text.into())
})
.secret();

/// Returns the text if it has 1 to `longest` visible ASCII characters.
pub(super) fn visible<T: for<'a> From<&'a str>>(text: &str, longest: usize) -> Option<T> {
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    ((1..=longest).contains(&text.len()) && is_visible).then(|| text.into())
}

/// Returns the value of a name.
pub(super) fn named<T: Copy>(text: &str, names: &[(&str, T)]) -> Option<T> {
    let found = names.iter().find(|(name, _)| *name == text);
    found.map(|(_, named)| *named)
}

pub(super) fn distinct<T: PartialEq>(list: &[T]) -> bool {
    let mut earlier = list.iter().enumerate();
    earlier.all(|(at, item)| !list[..at].contains(item))
}
