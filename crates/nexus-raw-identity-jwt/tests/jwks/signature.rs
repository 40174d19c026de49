use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use nexus_raw_identity_jwt::{
    DroppedKey, JwksAlgorithm, JwksFault, JwtSettingsError, KeyFault, TokenFault,
};
use serde_json::{Value, json};

use crate::{
    file::KeyFile,
    forge::{Key, claims, judge, set, sign},
};

#[tokio::test]
async fn an_rsa_public_key_is_no_secret_of_hs256() {
    let key = Key::rsa();
    let verifier = KeyFile::of(&set(&[&key])).verifier(key.algorithm).unwrap();
    assert_eq!(judge(&verifier, &key.token()).await, None);
    let public = key.public();
    let modulus = public["n"].as_str().unwrap();
    // any spelling of the public key that the library could take for a secret
    for secret in [
        modulus.as_bytes().to_vec(),
        URL_SAFE_NO_PAD.decode(modulus).unwrap(),
        public.to_string().into_bytes(),
    ] {
        let secret = EncodingKey::from_secret(&secret);
        for (alg, fault) in [
            ("HS256", TokenFault::Algorithm),
            ("RS256", TokenFault::Signature),
        ] {
            let header = json!({"alg": alg, "kid": key.id});
            let token = sign(&header, &claims(), &secret, Algorithm::HS256);
            assert_eq!(judge(&verifier, &token).await, Some(fault), "{alg}");
        }
    }
}

#[tokio::test]
async fn only_the_configured_algorithm_is_taken() {
    let keys = Key::of_each_algorithm();
    let file = KeyFile::of(&set(&keys.iter().collect::<Vec<_>>()));
    for key in &keys {
        let verifier = file.verifier(key.algorithm).unwrap();
        assert_eq!(judge(&verifier, &key.token()).await, None);
        for other in keys.iter().filter(|other| other.id != key.id) {
            assert_eq!(
                judge(&verifier, &other.token()).await,
                Some(TokenFault::Algorithm)
            );
            // the right name over the wrong key
            let header = json!({"alg": key.alg(), "kid": other.id});
            assert_eq!(
                judge(&verifier, &other.sign(&header, &claims())).await,
                Some(TokenFault::UnknownKey)
            );
        }
        let header = json!({"alg": "none", "kid": key.id});
        assert_eq!(
            judge(&verifier, &key.sign(&header, &claims())).await,
            Some(TokenFault::Algorithm)
        );
    }
}

/// RFC 9864, section 2.2: libraries that know it sign with `Ed25519` where others say `EdDSA`.
#[tokio::test]
async fn a_token_by_ed25519_may_name_the_algorithm_by_either_name() {
    let (key, other) = (Key::ed25519(), Key::p256());
    let mut jwk = key.public();
    jwk["alg"] = json!("Ed25519");
    let file = KeyFile::of(&json!({ "keys": [jwk, other.public()] }).to_string());
    let verifier = file.verifier(key.algorithm).unwrap();
    for alg in ["EdDSA", "Ed25519"] {
        let token = key.sign(&json!({"alg": alg, "kid": key.id}), &claims());
        assert_eq!(judge(&verifier, &token).await, None, "{alg}");
    }
    for alg in ["Ed448", "ed25519", "ES256"] {
        let token = key.sign(&json!({"alg": alg, "kid": key.id}), &claims());
        assert_eq!(judge(&verifier, &token).await, Some(TokenFault::Algorithm));
    }
    let verifier = file.verifier(other.algorithm).unwrap();
    let token = other.sign(&json!({"alg": "Ed25519", "kid": other.id}), &claims());
    assert_eq!(judge(&verifier, &token).await, Some(TokenFault::Algorithm));
}

#[tokio::test]
async fn a_signature_by_another_digest_of_the_family_is_refused() {
    let key = Key::rsa();
    let verifier = KeyFile::of(&set(&[&key])).verifier(key.algorithm).unwrap();
    let header = json!({"alg": "RS256", "kid": key.id});
    let token = sign(&header, &claims(), &key.private, Algorithm::RS256);
    assert_eq!(judge(&verifier, &token).await, None);
    for alg in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        let token = sign(&header, &claims(), &key.private, alg);
        let answer = judge(&verifier, &token).await;
        assert_eq!(answer, Some(TokenFault::Signature), "{alg:?}");
    }
}

#[tokio::test]
async fn a_signature_of_zeros_is_refused_in_each_algorithm() {
    for key in Key::of_each_algorithm() {
        let verifier = KeyFile::of(&set(&[&key])).verifier(key.algorithm).unwrap();
        let token = key.token();
        assert_eq!(judge(&verifier, &token).await, None);
        let (input, _) = token.rsplit_once('.').unwrap();
        for length in [0, 1, 32, 64, 256] {
            let zeros = URL_SAFE_NO_PAD.encode(vec![0; length]);
            assert_eq!(
                judge(&verifier, &format!("{input}.{zeros}")).await,
                Some(TokenFault::Signature),
                "{}, {length} bytes",
                key.id
            );
        }
    }
}

#[tokio::test]
async fn another_key_under_the_same_name_is_refused() {
    let (key, other) = (Key::p256(), Key::other_p256());
    let file = KeyFile::of(&set(&[&key]));
    let verifier = file.verifier(JwksAlgorithm::Es256).unwrap();
    let header = json!({"alg": "ES256", "kid": key.id});
    assert_eq!(judge(&verifier, &key.sign(&header, &claims())).await, None);
    assert_eq!(
        judge(&verifier, &other.sign(&header, &claims())).await,
        Some(TokenFault::Signature)
    );
}

/// It is no key at all, and a file with no other one is refused at the start.
#[tokio::test]
async fn a_key_whose_point_is_not_on_the_curve_is_none() {
    let (key, other) = (Key::p256(), Key::other_p256());
    let started = |jwk: &Value| {
        let set = json!({ "keys": [jwk, other.public()] }).to_string();
        KeyFile::of(&set).verifier(key.algorithm).unwrap()
    };
    let mut jwk = key.public();
    assert_eq!(judge(&started(&jwk), &key.token()).await, None);
    jwk["y"] = jwk["x"].clone();
    assert_eq!(
        judge(&started(&jwk), &key.token()).await,
        Some(TokenFault::UnknownKey)
    );
    let alone = KeyFile::of(&json!({ "keys": [jwk] }).to_string());
    assert_eq!(
        alone.verifier(key.algorithm).err(),
        Some(JwtSettingsError::Jwks(JwksFault::NoUsableKey(vec![
            DroppedKey {
                position: 1,
                id: jwk["kid"].as_str().map(str::to_owned),
                fault: KeyFault::NotOnCurve,
            }
        ])))
    );
}
