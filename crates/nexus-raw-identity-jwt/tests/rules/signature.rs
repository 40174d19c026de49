use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use nexus_raw_identity_jwt::{KeySettings, TokenFault};
use serde_json::Value;

use crate::forge::{
    HEADER, PREVIOUS, SECRET, base64url, claims, good, settings, sign_parts, verify, verify_by,
};

fn signed_with(secret: &str) -> String {
    let claims = Value::Object(claims()).to_string();
    sign_parts(&base64url(HEADER), &base64url(claims), secret)
}

#[test]
fn the_current_and_the_previous_secret_are_taken_and_no_other() {
    assert!(verify(&signed_with(SECRET)).is_ok());
    assert!(verify(&signed_with(PREVIOUS)).is_ok());
    for other in [
        "",
        "secret",
        &SECRET[1..],
        &format!("{SECRET} "),
        &SECRET.to_uppercase(),
    ] {
        assert_eq!(
            verify(&signed_with(other)),
            Err(TokenFault::Signature),
            "{other}"
        );
    }
}

#[test]
fn a_secret_that_was_rotated_out_is_not_taken_any_more() {
    let mut settings = settings();
    settings.keys = KeySettings::Hs256 {
        secret: SECRET.into(),
        previous: None,
    };
    let answer = verify_by(settings, Duration::ZERO, &signed_with(PREVIOUS));
    assert_eq!(answer, Err(TokenFault::Signature));
}

#[test]
fn a_signature_that_is_missing_short_long_or_of_zeros_is_refused() {
    let good = good();
    let (input, signature) = good.rsplit_once('.').unwrap();
    for other in [
        String::new(),
        signature[..42].to_owned(),
        signature[..21].to_owned(),
        format!("{signature}AAAA"),
        base64url([0; 32]),
        base64url([0; 64]),
    ] {
        let token = format!("{input}.{other}");
        assert_eq!(verify(&token), Err(TokenFault::Signature), "{other}");
    }
}

#[test]
fn a_signature_by_a_longer_digest_of_the_family_is_refused() {
    let good = good();
    let (input, _) = good.rsplit_once('.').unwrap();
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let signature = crypto::sign(input.as_bytes(), &key, algorithm).unwrap();
        let token = format!("{input}.{signature}");
        assert_eq!(verify(&token), Err(TokenFault::Signature), "{algorithm:?}");
    }
}

#[test]
fn the_signature_is_proved_before_the_claims_are_looked_at() {
    let token = sign_parts(&base64url(HEADER), "not base64url!", "another secret");
    assert_eq!(verify(&token), Err(TokenFault::Signature));
}
