//! The rule of each leaf by itself, as functions for validator.

use std::net::SocketAddr;

use nexus_raw::{
    asset::BucketName,
    net::{NatsUrl, TrustedUrl, is_loopback_ip},
};
use validator::ValidationError;

use crate::origins::is_origin;
use crate::settings::{
    CatalogLocation, EventEncoding, LogFormat, LogLevel, TokenAlgorithm, environments_of,
};

type Shape = Result<(), ValidationError>;

/// The reason is the rule of the key, as the table of keys states it.
fn ensure(holds: bool) -> Shape {
    if holds {
        Ok(())
    } else {
        Err(ValidationError::new("rule"))
    }
}

pub(super) fn address(text: &str) -> Shape {
    ensure(text.parse::<SocketAddr>().is_ok())
}

/// Whether an address, known to be one, is reachable from this machine alone.
pub(crate) fn is_loopback(text: &str) -> bool {
    text.parse::<SocketAddr>()
        .is_ok_and(|address| is_loopback_ip(address.ip()))
}

/// Origins in the form that browsers send (RFC 6454, section 6.2), so that they compare as bytes.
pub(super) fn origins(list: &[String]) -> Shape {
    ensure(list.len() <= 64 && list.iter().all(|it| is_origin(it)) && distinct(list))
}

/// Names as RFC 9110, section 5.1 has them, by any case.
pub(super) fn header_names(list: &[String]) -> Shape {
    // the grammar takes `*` for a letter, and CORS for a pattern
    let of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&byte);
    let is_name = |name: &String| (1..=64).contains(&name.len()) && name.bytes().all(of_name);
    let lower: Vec<_> = list.iter().map(|name| name.to_ascii_lowercase()).collect();
    ensure(list.len() <= 32 && list.iter().all(is_name) && distinct(&lower))
}

fn distinct(list: &[String]) -> bool {
    list.iter()
        .enumerate()
        .all(|(at, item)| !list[..at].contains(item))
}

pub(super) fn bucket(name: &str) -> Shape {
    ensure(BucketName::parse(name).is_ok())
}

pub(super) fn region(name: &str) -> Shape {
    ensure(
        (1..=32).contains(&name.len())
            && name
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')),
    )
}

pub(super) fn endpoint(text: &str) -> Shape {
    ensure(TrustedUrl::parse(text).is_ok_and(|url| url.is_bare()))
}

pub(super) fn receiver_url(text: &str) -> Shape {
    jwks_url(text)
}

pub(super) fn nats_url(text: &str) -> Shape {
    ensure(NatsUrl::parse(text).is_ok())
}

pub(super) fn encoding(text: &str) -> Shape {
    ensure(EventEncoding::parse(text).is_some())
}

pub(super) fn jwks_url(text: &str) -> Shape {
    ensure(TrustedUrl::parse(text).is_ok())
}

/// A slash would end the key id in the credential scope of Signature Version 4.
pub(super) fn access_key_id(text: &str) -> Shape {
    ensure(visible(text, 128) && !text.contains('/'))
}

pub(super) fn secret_access_key(text: &str) -> Shape {
    ensure(visible(text, 256))
}

fn visible(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

pub(super) fn account(text: &str) -> Shape {
    ensure(text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()))
}

pub(super) fn encryption(text: &str) -> Shape {
    ensure(matches!(text, "none" | "s3" | "kms"))
}

pub(super) fn kms_key(text: &str) -> Shape {
    ensure(visible(text, 2048))
}

pub(super) fn catalog_url(text: &str) -> Shape {
    ensure(CatalogLocation::parse(text).is_some())
}

pub(super) fn line(text: &str) -> Shape {
    ensure((1..=255).contains(&text.len()) && !text.chars().any(char::is_control))
}

/// At least as long as the digest (RFC 7518, section 3.2).
pub(super) fn hs256_secret(text: &str) -> Shape {
    ensure((32..=4096).contains(&text.len()))
}

pub(super) fn algorithm(text: &str) -> Shape {
    ensure(TokenAlgorithm::parse(text).is_some())
}

pub(super) fn claim(text: &str) -> Shape {
    ensure(visible(text, 128))
}

pub(super) fn environments(list: &[String]) -> Shape {
    ensure(environments_of(list).is_some())
}

pub(super) fn sinks(list: &[String]) -> Shape {
    let known = |name: &String| matches!(name.as_str(), "log" | "nats" | "http");
    ensure(!list.is_empty() && distinct(list) && list.iter().all(known))
}

pub(super) fn log_format(text: &str) -> Shape {
    ensure(LogFormat::parse(text).is_some())
}

pub(super) fn log_level(text: &str) -> Shape {
    ensure(LogLevel::parse(text).is_some())
}
