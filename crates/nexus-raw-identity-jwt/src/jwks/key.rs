use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use nexus_raw::json::Json;

use super::JwksAlgorithm;
use crate::keys::is_key_id;

/// RFC 7518, section 3.3.
const MIN_RSA_BITS: usize = 2048;
/// What the library verifies with; larger ones would be a way to keep it busy.
const MAX_RSA_BITS: usize = 8192;
/// As the library has it: 33 bits.
const MAX_EXPONENT_BYTES: usize = 5;
/// The length of a coordinate of P-256, and of a public key of Ed25519 (RFC 8037).
const COORDINATE_BYTES: usize = 32;

/// A public key that may verify tokens.
pub(crate) struct UsableKey {
    /// `kid`, by which tokens name it.
    pub(crate) id: Option<String>,
    pub(crate) key: DecodingKey,
}

impl UsableKey {
    /// Reads a JWK (RFC 7517, section 4); `None` where it is not meant to verify signatures of
    /// `algorithm`, is too weak for it, or is malformed.
    pub(crate) fn read(jwk: &Json, algorithm: JwksAlgorithm) -> Option<Self> {
        // whose private half is public is nobody's key any more
        if jwk.get("d").is_some() || !is_for(jwk, algorithm) {
            return None;
        }
        let id = match jwk.get("kid") {
            None => None,
            Some(id) => Some(id.as_str().filter(|id| is_key_id(id))?.to_owned()),
        };
        let key = match algorithm {
            JwksAlgorithm::Rs256 => rsa(jwk),
            JwksAlgorithm::Es256 => p256(jwk),
            JwksAlgorithm::EdDsa => ed25519(jwk),
        }?;
        Some(Self { id, key })
    }
}

/// Whether `use`, `key_ops` and `alg`, where present, have the key verify with `algorithm`.
fn is_for(jwk: &Json, algorithm: JwksAlgorithm) -> bool {
    let says = |name, wanted| {
        jwk.get(name)
            .is_none_or(|value| value.as_str() == Some(wanted))
    };
    let verifies = match jwk.get("key_ops") {
        None => true,
        Some(Json::Array(operations)) => operations
            .iter()
            .any(|operation| operation.as_str() == Some("verify")),
        Some(_) => false,
    };
    says("use", "sig") && says("alg", algorithm.name()) && verifies
}

/// RFC 7518, section 6.3.1.
fn rsa(jwk: &Json) -> Option<DecodingKey> {
    is(jwk, "kty", "RSA")?;
    let modulus = without_leading_zeros(bytes(jwk, "n")?);
    let exponent = without_leading_zeros(bytes(jwk, "e")?);
    let bits = modulus.len() * 8 - usize::try_from(modulus.first()?.leading_zeros()).ok()?;
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    let fits = (MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits)
        && is_odd(&modulus)
        && (1..=MAX_EXPONENT_BYTES).contains(&exponent.len())
        && is_odd(&exponent)
        // by 1, every signature would be its own message
        && exponent != [1];
    fits.then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

/// RFC 7518, section 6.2.1: a point that is on the curve.
fn p256(jwk: &Json) -> Option<DecodingKey> {
    is(jwk, "kty", "EC")?;
    is(jwk, "crv", "P-256")?;
    // an uncompressed point (SEC 1, section 2.3.3)
    let point = [vec![4], coordinate(jwk, "x")?, coordinate(jwk, "y")?].concat();
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).ok()?;
    Some(DecodingKey::from_ec_der(&point))
}

/// RFC 8037, section 2.
fn ed25519(jwk: &Json) -> Option<DecodingKey> {
    is(jwk, "kty", "OKP")?;
    is(jwk, "crv", "Ed25519")?;
    Some(DecodingKey::from_ed_der(&coordinate(jwk, "x")?))
}

fn is(jwk: &Json, name: &str, wanted: &str) -> Option<()> {
    (jwk.get(name)?.as_str()? == wanted).then_some(())
}

fn bytes(jwk: &Json, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok()
}

fn coordinate(jwk: &Json, name: &str) -> Option<Vec<u8>> {
    bytes(jwk, name).filter(|bytes| bytes.len() == COORDINATE_BYTES)
}

fn without_leading_zeros(number: Vec<u8>) -> Vec<u8> {
    number.into_iter().skip_while(|byte| *byte == 0).collect()
}

#[cfg(test)]
mod tests {
    use nexus_raw::json;
    use serde_json::{Value, json};

    use super::*;

    fn is_usable(jwk: &Value, algorithm: JwksAlgorithm) -> bool {
        let jwk = json::read(jwk.to_string().as_bytes()).unwrap();
        UsableKey::read(&jwk, algorithm).is_some()
    }

    fn encode(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The base point of P-256 (FIPS 186-4, section D.1.2.3).
    const X: &str = "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY";
    const Y: &str = "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";

    fn ec() -> Value {
        json!({"kty": "EC", "crv": "P-256", "x": X, "y": Y})
    }

    fn with(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk[name] = value;
        jwk
    }

    #[test]
    fn a_key_of_another_use_operation_or_algorithm_is_passed_over() {
        for (name, value, usable) in [
            ("use", json!("sig"), true),
            ("use", json!("enc"), false),
            ("use", json!(1), false),
            ("key_ops", json!(["sign", "verify"]), true),
            ("key_ops", json!(["encrypt"]), false),
            ("key_ops", json!([]), false),
            ("key_ops", json!("verify"), false),
            ("alg", json!("ES256"), true),
            ("alg", json!("ES384"), false),
            ("alg", json!("HS256"), false),
            ("alg", json!(null), false),
            ("kid", json!("2026-11"), true),
            ("kid", json!("../../dev/null"), false),
            ("kid", json!(1), false),
            ("kty", json!("RSA"), false),
            ("crv", json!("P-384"), false),
            ("crv", json!("secp256k1"), false),
            ("x", json!(encode(&[1; 31])), false),
            ("y", json!(encode(&[1; 33])), false),
            ("y", json!("!"), false),
            ("d", json!(encode(&[3; 32])), false),
            ("x5c", json!(["AAAA"]), true),
        ] {
            let jwk = with(ec(), name, value);
            assert_eq!(is_usable(&jwk, JwksAlgorithm::Es256), usable, "{jwk}");
        }
        for other in [JwksAlgorithm::Rs256, JwksAlgorithm::EdDsa] {
            assert!(!is_usable(&ec(), other), "{other:?}");
        }
    }

    /// By one that is not, whoever knows the library's arithmetic might forge signatures.
    #[test]
    fn a_point_is_on_the_curve() {
        assert!(is_usable(&ec(), JwksAlgorithm::Es256));
        for (x, y) in [
            (X, X),
            (Y, X),
            (X, &encode(&[0; 32])),
            (&encode(&[0; 32]), &encode(&[0; 32])),
            (&encode(&[0xff; 32]), Y),
        ] {
            let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
            assert!(!is_usable(&jwk, JwksAlgorithm::Es256), "{jwk}");
        }
    }

    #[test]
    fn a_symmetric_key_is_never_usable() {
        let jwk = json!({"kty": "oct", "k": encode(&[1; 32])});
        for algorithm in [
            JwksAlgorithm::Rs256,
            JwksAlgorithm::Es256,
            JwksAlgorithm::EdDsa,
        ] {
            assert!(!is_usable(&jwk, algorithm));
        }
    }

    #[test]
    fn an_rsa_key_has_2048_to_8192_bits_and_an_odd_exponent_over_one() {
        let modulus = |first, length| {
            let mut modulus = vec![0xff; length];
            modulus[0] = first;
            modulus
        };
        let f4 = &[1, 0, 1][..];
        for (n, e, usable) in [
            (modulus(0x80, 256), f4, true),
            (modulus(0x7f, 256), f4, false), // 2047 bits
            (modulus(0xff, 128), f4, false),
            (modulus(0x00, 257), f4, true), // a zero in front does not count
            (modulus(0x00, 256), f4, false),
            (modulus(0xff, 1024), f4, true),
            (modulus(0x01, 1025), f4, false),
            (vec![], f4, false),
            (vec![0; 256], f4, false),
            (modulus(0xff, 256), &[3], true),
            (modulus(0xff, 256), &[1], false),
            (modulus(0xff, 256), &[0, 0], false),
            (modulus(0xff, 256), &[2], false),
            (modulus(0xff, 256), &[1; 6], false),
        ] {
            let jwk = json!({"kty": "RSA", "n": encode(&n), "e": encode(e)});
            assert_eq!(is_usable(&jwk, JwksAlgorithm::Rs256), usable, "{jwk}");
        }
    }
}
