//! Keys of tests, the tokens that they sign, and what a verifier makes of them.

use std::{path::Path, sync::Arc, time::Duration};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use nexus_raw::{
    ports::{IdentityError, IdentityVerifier},
    tenancy::Principal,
    time::Timestamp,
};
use nexus_raw_identity_jwt::{
    JwksAlgorithm, JwtIdentityVerifier, JwtSettings, JwtSettingsError, KeySettings, TokenFault,
};
use nexus_raw_testkit::FixedClock;
use serde_json::{Value, json};

/// 2026-11-24T00:00:00Z, which is now.
pub(crate) const NOW: i64 = 1_795_478_400;

/// A private key of `tests/keys`, and what it is called.
pub(crate) struct Key {
    pub(crate) id: &'static str,
    pub(crate) algorithm: JwksAlgorithm,
    pub(crate) private: EncodingKey,
}

impl Key {
    fn read(id: &'static str, algorithm: JwksAlgorithm) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/keys/{id}.pem"));
        let pem = std::fs::read_to_string(path).unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(body).unwrap();
        let private = match algorithm {
            JwksAlgorithm::Rs256 => EncodingKey::from_rsa_der(&der),
            JwksAlgorithm::Es256 => EncodingKey::from_ec_der(&der),
            JwksAlgorithm::EdDsa => EncodingKey::from_ed_der(&der),
        };
        Self {
            id,
            algorithm,
            private,
        }
    }

    pub(crate) fn rsa() -> Self {
        Self::read("rsa-2048", JwksAlgorithm::Rs256)
    }

    pub(crate) fn p256() -> Self {
        Self::read("p256-1", JwksAlgorithm::Es256)
    }

    pub(crate) fn other_p256() -> Self {
        Self::read("p256-2", JwksAlgorithm::Es256)
    }

    pub(crate) fn ed25519() -> Self {
        Self::read("ed25519", JwksAlgorithm::EdDsa)
    }

    pub(crate) fn of_each_algorithm() -> [Self; 3] {
        [Self::rsa(), Self::p256(), Self::ed25519()]
    }

    /// `alg` of its tokens.
    pub(crate) fn alg(&self) -> Algorithm {
        match self.algorithm {
            JwksAlgorithm::Rs256 => Algorithm::RS256,
            JwksAlgorithm::Es256 => Algorithm::ES256,
            JwksAlgorithm::EdDsa => Algorithm::EdDSA,
        }
    }

    /// The public half, as issuers publish it.
    pub(crate) fn public(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.private, self.alg()).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = json!(self.id);
        jwk["use"] = json!("sig");
        jwk
    }

    /// A token of good claims that names the key.
    pub(crate) fn token(&self) -> String {
        self.sign(&json!({"alg": self.alg(), "kid": self.id}), &claims())
    }

    pub(crate) fn token_without_kid(&self) -> String {
        self.sign(&json!({"alg": self.alg()}), &claims())
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        sign(header, claims, &self.private, self.alg())
    }
}

pub(crate) fn sign(header: &Value, claims: &Value, key: &EncodingKey, alg: Algorithm) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let signature = crypto::sign(input.as_bytes(), key, alg).unwrap();
    format!("{input}.{signature}")
}

/// Good claims: valid for an hour from now.
pub(crate) fn claims() -> Value {
    json!({
        "iss": "https://issuer.test",
        "aud": "nexus-raw",
        "sub": "u_demo",
        "iat": NOW,
        "exp": NOW + 3600,
        "tenant_ids": ["t_a"],
        "role_map": {"t_a": "owner"},
    })
}

/// A JWKS of these keys.
pub(crate) fn set(keys: &[&Key]) -> String {
    let keys: Vec<Value> = keys.iter().map(|key| key.public()).collect();
    json!({ "keys": keys }).to_string()
}

pub(crate) fn verifier(keys: KeySettings) -> Result<JwtIdentityVerifier, JwtSettingsError> {
    let now = Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(NOW.cast_unsigned()));
    let settings = JwtSettings::new("https://issuer.test", "nexus-raw", keys);
    JwtIdentityVerifier::new(settings, Arc::new(FixedClock::at(now)))
}

pub(crate) fn fault(answer: Result<Principal, IdentityError>) -> Option<TokenFault> {
    match answer {
        Ok(_) => None,
        Err(IdentityError::Invalid(source)) => {
            let fault = *source.downcast().unwrap();
            assert_ne!(fault, TokenFault::NoKeys, "nothing is wrong with the token");
            Some(fault)
        }
        Err(IdentityError::Unavailable(source)) => {
            let fault = *source.downcast().unwrap();
            assert_eq!(fault, TokenFault::NoKeys);
            Some(fault)
        }
        Err(other) => unreachable!("{other}"),
    }
}

/// What is wrong with the token, says `verifier`.
pub(crate) async fn judge(verifier: &JwtIdentityVerifier, token: &str) -> Option<TokenFault> {
    fault(verifier.verify(token).await)
}
