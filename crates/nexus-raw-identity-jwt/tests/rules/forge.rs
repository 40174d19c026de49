//! Tokens of every kind, good and bad, and what the verifier makes of them.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::FutureExt as _;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use nexus_raw::{
    ports::{IdentityError, IdentityVerifier},
    tenancy::Principal,
    time::Timestamp,
};
use nexus_raw_identity_jwt::{JwtIdentityVerifier, JwtSettings, KeySettings, TokenFault};
use nexus_raw_testkit::FixedClock;
use serde_json::{Map, Value, json};

pub(crate) const ISSUER: &str = "https://issuer.test";
pub(crate) const AUDIENCE: &str = "nexus-raw";
pub(crate) const SECRET: &str = "the current secret, over 32 bytes";
pub(crate) const PREVIOUS: &str = "the previous secret, over 32 bytes";
pub(crate) const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// 2026-11-24T00:00:00Z, which is now.
pub(crate) const NOW: i64 = 1_795_478_400;

/// A clock fixed at this long after now.
pub(crate) fn clock(after: Duration) -> Arc<FixedClock> {
    let now = Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(NOW.cast_unsigned()));
    Arc::new(FixedClock::at(now.saturating_add(after)))
}

pub(crate) fn settings() -> JwtSettings {
    let keys = KeySettings::Hs256 {
        secret: SECRET.into(),
        previous: Some(PREVIOUS.into()),
    };
    JwtSettings::new(ISSUER, AUDIENCE, keys)
}

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signs two encoded parts, valid or not.
pub(crate) fn sign_parts(header: &str, claims: &str, secret: &str) -> String {
    let input = format!("{header}.{claims}");
    let key = EncodingKey::from_secret(secret.as_bytes());
    let signature = crypto::sign(input.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{input}.{signature}")
}

/// A token of these JSON texts, signed with the current secret.
pub(crate) fn sign(header: &str, claims: &str) -> String {
    sign_parts(&base64url(header), &base64url(claims), SECRET)
}

/// Good claims: valid for an hour from now.
pub(crate) fn claims() -> Map<String, Value> {
    let Value::Object(claims) = json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "u_demo",
        "iat": NOW,
        "exp": NOW + 3600,
        "tenant_ids": ["t_a", "t_b"],
        "role_map": {"t_a": "owner", "t_b": "viewer"},
    }) else {
        unreachable!()
    };
    claims
}

/// A token of good claims but for one.
pub(crate) fn with(name: &str, value: Value) -> String {
    let mut claims = claims();
    claims.insert(name.to_owned(), value);
    sign(HEADER, &Value::Object(claims).to_string())
}

/// A token of good claims but for one, whose value is this text.
pub(crate) fn with_text(name: &str, text: &str) -> String {
    let mut claims = claims();
    claims.insert(name.to_owned(), json!("\u{1}"));
    let claims = Value::Object(claims).to_string();
    sign(HEADER, &claims.replace(r#""\u0001""#, text))
}

/// A token of good claims but for one that is missing.
pub(crate) fn without(name: &str) -> String {
    let mut claims = claims();
    claims.remove(name).unwrap();
    sign(HEADER, &Value::Object(claims).to_string())
}

/// A token of good claims.
pub(crate) fn good() -> String {
    sign(HEADER, &Value::Object(claims()).to_string())
}

/// What a verifier with `settings` says to `token`, so long after now.
pub(crate) fn verify_by(
    settings: JwtSettings,
    after: Duration,
    token: &str,
) -> Result<Principal, TokenFault> {
    let verifier = JwtIdentityVerifier::new(settings, clock(after)).unwrap();
    let answer = verifier.verify(token).now_or_never().unwrap();
    answer.map_err(|error| match error {
        IdentityError::Invalid(source) => *source.downcast::<TokenFault>().unwrap(),
        other => unreachable!("{other}"),
    })
}

/// What the verifier says to `token` now.
pub(crate) fn verify(token: &str) -> Result<Principal, TokenFault> {
    verify_by(settings(), Duration::ZERO, token)
}
