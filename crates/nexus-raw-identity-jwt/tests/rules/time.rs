use std::time::Duration;

use nexus_raw_identity_jwt::TokenFault;
use serde_json::{Value, json};

use crate::forge::{HEADER, NOW, claims, good, settings, sign, verify, verify_by, with, with_text};

const HOUR: Duration = Duration::from_hours(1);
const LEEWAY: Duration = Duration::from_mins(1);
const ALMOST_HOUR: Duration = Duration::from_micros(3_599_999_999);

fn times(issued: i64, expires: i64) -> String {
    let mut claims = claims();
    claims.insert("iat".to_owned(), json!(issued));
    claims.insert("exp".to_owned(), json!(expires));
    sign(HEADER, &Value::Object(claims).to_string())
}

fn fault(token: &str) -> Option<TokenFault> {
    verify(token).err()
}

#[test]
fn a_token_ends_at_exp_and_the_leeway_not_on_it() {
    let at = |after| verify_by(settings(), after, &good()).err();
    assert_eq!(at(ALMOST_HOUR + LEEWAY), None);
    assert_eq!(at(HOUR + LEEWAY), Some(TokenFault::Expired));
    assert_eq!(at(HOUR * 1000), Some(TokenFault::Expired));
}

#[test]
fn a_token_from_the_future_is_refused_beyond_the_leeway() {
    assert_eq!(fault(&times(NOW + 60, NOW + 3600)), None);
    assert_eq!(
        fault(&times(NOW + 61, NOW + 3600)),
        Some(TokenFault::IssuedInFuture)
    );
    assert_eq!(
        fault(&with_text("iat", "1795478460.5")),
        Some(TokenFault::IssuedInFuture)
    );
}

#[test]
fn nbf_is_honoured_within_the_leeway() {
    for (not_before, answer) in [
        (json!(NOW - 1_000_000), None),
        (json!(-1), None),
        (json!(NOW), None),
        (json!(NOW + 60), None),
        (json!(NOW + 61), Some(TokenFault::NotYetValid)),
        (
            json!(i64::MAX),
            Some(TokenFault::ClaimType {
                name: "nbf".to_owned(),
            }),
        ),
        (
            json!(9_000_000_000_000_000_000_i64),
            Some(TokenFault::NotYetValid),
        ),
    ] {
        assert_eq!(
            fault(&with("nbf", not_before.clone())),
            answer,
            "{not_before}"
        );
    }
}

#[test]
fn without_leeway_not_a_microsecond_is_given() {
    let mut settings = settings();
    settings.leeway = Duration::ZERO;
    let at = |after, token: &str| verify_by(settings.clone(), after, token).err();
    assert_eq!(at(ALMOST_HOUR, &good()), None);
    assert_eq!(at(HOUR, &good()), Some(TokenFault::Expired));
    assert_eq!(
        at(Duration::ZERO, &times(NOW + 1, NOW + 3600)),
        Some(TokenFault::IssuedInFuture)
    );
}

#[test]
fn a_token_lives_more_than_no_time_and_24_hours_at_most() {
    let day = 24 * 60 * 60;
    for (issued, expires, answer) in [
        (NOW, NOW + 1, None),
        (NOW, NOW + day, None),
        (NOW - day + 1, NOW + 1, None),
        (NOW, NOW + day + 1, Some(TokenFault::Lifetime)),
        (NOW, NOW, Some(TokenFault::Lifetime)),
        (NOW + 30, NOW + 10, Some(TokenFault::Lifetime)),
        (0, NOW + 1, Some(TokenFault::Lifetime)),
        (
            -9_000_000_000_000_000_000,
            NOW + 1,
            Some(TokenFault::Lifetime),
        ),
        (NOW, 9_000_000_000_000_000_000, Some(TokenFault::Lifetime)),
    ] {
        assert_eq!(
            fault(&times(issued, expires)),
            answer,
            "{issued}..{expires}"
        );
    }
}

#[test]
fn the_longest_lifetime_is_the_configured_one() {
    let mut settings = settings();
    settings.max_lifetime = Duration::from_mins(5);
    let answer = |expires| verify_by(settings.clone(), Duration::ZERO, &times(NOW, expires)).err();
    assert_eq!(answer(NOW + 300), None);
    assert_eq!(answer(NOW + 301), Some(TokenFault::Lifetime));
}

#[test]
fn a_time_may_have_a_fraction_or_an_exponent() {
    for text in ["1795482000.0", "1795482000.999", "1.795482e9", "17954820e2"] {
        assert_eq!(fault(&with_text("exp", text)), None, "{text}");
    }
}

#[test]
fn numbers_beyond_64_bits_are_refused() {
    for name in ["exp", "iat", "nbf"] {
        for text in [
            "9223372036854775808",
            "18446744073709551616",
            "-99999999999999999999",
            "1e19",
            "1e309",
            "-1e309",
            "1e999999999",
        ] {
            assert_eq!(
                fault(&with_text(name, text)),
                Some(TokenFault::ClaimType {
                    name: name.to_owned()
                }),
                "{name}: {text}"
            );
        }
    }
}
