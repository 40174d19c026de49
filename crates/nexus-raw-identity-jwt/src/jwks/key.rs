use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use strict_json::Json;

use super::{
    JwksAlgorithm,
    algorithm::{MAX_RSA_BITS, MIN_RSA_BITS},
    fault::KeyFault,
};
use crate::keys::is_key_id;

/// The library's maximum: 33 bits.
const MAX_EXPONENT_BYTES: usize = 5;
/// The length of a coordinate of P-256, and of a public key of Ed25519 (RFC 8037).
const COORDINATE_BYTES: usize = 32;

/// A public key that may verify tokens.
pub(crate) struct UsableKey {
    /// The `kid`, by which tokens select it.
    pub(crate) id: Option<String>,
    pub(crate) key: DecodingKey,
}

impl UsableKey {
    /// Reads a JWK (RFC 7517, section 4). A member that is `null` counts as absent, since some
    /// issuers' libraries write every member.
    ///
    /// # Errors
    /// When it must not verify signatures of `algorithm`.
    pub(crate) fn read(jwk: &Json, algorithm: JwksAlgorithm) -> Result<Self, KeyFault> {
        if !matches!(jwk, Json::Object(_)) {
            return Err(KeyFault::NotAnObject);
        }
        // a key with a published private half is compromised
        if member(jwk, "d").is_some() {
            return Err(KeyFault::Private);
        }
        check_meant_for(jwk, algorithm)?;
        let id = id(jwk)?.map(str::to_owned);
        let key = match algorithm {
            JwksAlgorithm::Rs256 => rsa(jwk),
            JwksAlgorithm::Es256 => p256(jwk),
            JwksAlgorithm::EdDsa => ed25519(jwk),
        }?;
        Ok(Self { id, key })
    }
}

/// Returns the `kid`, if present.
pub(crate) fn id(jwk: &Json) -> Result<Option<&str>, KeyFault> {
    member(jwk, "kid")
        .map(|id| {
            id.as_str()
                .filter(|id| is_key_id(id))
                .ok_or(KeyFault::KeyId)
        })
        .transpose()
}

fn member<'a>(jwk: &'a Json, name: &str) -> Option<&'a Json> {
    jwk.get(name).filter(|value| **value != Json::Null)
}

/// Checks that `use`, `key_ops` and `alg`, if present, allow verification with `algorithm`.
fn check_meant_for(jwk: &Json, algorithm: JwksAlgorithm) -> Result<(), KeyFault> {
    if member(jwk, "use").is_some() {
        check(jwk, "use", "sig")?;
    }
    match member(jwk, "key_ops") {
        None => {}
        Some(Json::Array(operations))
            if operations.iter().any(|it| it.as_str() == Some("verify")) => {}
        Some(_) => return Err(KeyFault::Operations),
    }
    match member(jwk, "alg") {
        Some(alg) if !alg.as_str().is_some_and(|alg| algorithm.is_named(alg)) => {
            Err(KeyFault::Other {
                name: "alg",
                wanted: algorithm.name(),
            })
        }
        _ => Ok(()),
    }
}

/// RFC 7518, section 6.3.1.
fn rsa(jwk: &Json) -> Result<DecodingKey, KeyFault> {
    check(jwk, "kty", "RSA")?;
    let modulus = without_leading_zeros(bytes(jwk, "n")?);
    let exponent = without_leading_zeros(bytes(jwk, "e")?);
    let unused = modulus.first().map_or(0, |byte| byte.leading_zeros());
    let bits = modulus.len() * 8 - usize::try_from(unused).unwrap_or(0);
    if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
        return Err(KeyFault::Bits(bits));
    }
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    // with the exponent 1, every signature would be its own message
    if !is_odd(&modulus) || !is_odd(&exponent) || exponent == [1] {
        return Err(KeyFault::NotRsa);
    }
    if exponent.len() > MAX_EXPONENT_BYTES {
        return Err(KeyFault::Exponent);
    }
    Ok(DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

/// RFC 7518, section 6.2.1: a point that is on the curve.
fn p256(jwk: &Json) -> Result<DecodingKey, KeyFault> {
    check(jwk, "kty", "EC")?;
    check(jwk, "crv", "P-256")?;
    // an uncompressed point (SEC 1, section 2.3.3)
    let point = [vec![4], coordinate(jwk, "x")?, coordinate(jwk, "y")?].concat();
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).map_err(|_| KeyFault::NotOnCurve)?;
    Ok(DecodingKey::from_ec_der(&point))
}

/// RFC 8037, section 2.
fn ed25519(jwk: &Json) -> Result<DecodingKey, KeyFault> {
    check(jwk, "kty", "OKP")?;
    check(jwk, "crv", "Ed25519")?;
    Ok(DecodingKey::from_ed_der(&coordinate(jwk, "x")?))
}

fn check(jwk: &Json, name: &'static str, wanted: &'static str) -> Result<(), KeyFault> {
    if member(jwk, name).and_then(Json::as_str) == Some(wanted) {
        Ok(())
    } else {
        Err(KeyFault::Other { name, wanted })
    }
}

fn bytes(jwk: &Json, name: &'static str) -> Result<Vec<u8>, KeyFault> {
    member(jwk, name)
        .and_then(Json::as_str)
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .ok_or(KeyFault::Bytes { name })
}

fn coordinate(jwk: &Json, name: &'static str) -> Result<Vec<u8>, KeyFault> {
    let bytes = bytes(jwk, name)?;
    if bytes.len() == COORDINATE_BYTES {
        Ok(bytes)
    } else {
        Err(KeyFault::Length { name })
    }
}

fn without_leading_zeros(number: Vec<u8>) -> Vec<u8> {
    number.into_iter().skip_while(|byte| *byte == 0).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn fault(jwk: &Value, algorithm: JwksAlgorithm) -> Option<KeyFault> {
        let jwk = strict_json::read(jwk.to_string().as_bytes()).unwrap();
        UsableKey::read(&jwk, algorithm).err()
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

    fn okp() -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": encode(&[1; 32])})
    }

    fn with(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk[name] = value;
        jwk
    }

    fn other(name: &'static str, wanted: &'static str) -> KeyFault {
        KeyFault::Other { name, wanted }
    }

    #[test]
    fn a_key_of_another_use_operation_or_algorithm_is_passed_over() {
        let operations = Some(KeyFault::Operations);
        for (name, value, dropped) in [
            ("use", json!("sig"), None),
            ("use", json!("enc"), Some(other("use", "sig"))),
            ("use", json!(1), Some(other("use", "sig"))),
            ("key_ops", json!(["sign", "verify"]), None),
            ("key_ops", json!(["encrypt"]), operations),
            ("key_ops", json!([]), operations),
            ("key_ops", json!("verify"), operations),
            ("alg", json!("ES256"), None),
            ("alg", json!("ES384"), Some(other("alg", "ES256"))),
            ("alg", json!("HS256"), Some(other("alg", "ES256"))),
            ("alg", json!("Ed25519"), Some(other("alg", "ES256"))),
            ("kid", json!("2026-11"), None),
            ("kid", json!("../../dev/null"), Some(KeyFault::KeyId)),
            ("kid", json!(1), Some(KeyFault::KeyId)),
            ("kty", json!("RSA"), Some(other("kty", "EC"))),
            ("crv", json!("P-384"), Some(other("crv", "P-256"))),
            ("crv", json!("secp256k1"), Some(other("crv", "P-256"))),
            (
                "x",
                json!(encode(&[1; 31])),
                Some(KeyFault::Length { name: "x" }),
            ),
            (
                "y",
                json!(encode(&[1; 33])),
                Some(KeyFault::Length { name: "y" }),
            ),
            ("y", json!("!"), Some(KeyFault::Bytes { name: "y" })),
            ("y", json!(null), Some(KeyFault::Bytes { name: "y" })),
            ("d", json!(encode(&[3; 32])), Some(KeyFault::Private)),
            ("x5c", json!(["AAAA"]), None),
        ] {
            let jwk = with(ec(), name, value);
            assert_eq!(fault(&jwk, JwksAlgorithm::Es256), dropped, "{jwk}");
        }
        assert_eq!(
            fault(&ec(), JwksAlgorithm::Rs256),
            Some(other("kty", "RSA"))
        );
        assert_eq!(
            fault(&ec(), JwksAlgorithm::EdDsa),
            Some(other("kty", "OKP"))
        );
        for jwk in [json!(1), json!("EC"), json!([]), json!(null)] {
            let dropped = fault(&jwk, JwksAlgorithm::Es256);
            assert_eq!(dropped, Some(KeyFault::NotAnObject), "{jwk}");
        }
    }

    #[test]
    fn a_null_member_of_a_key_counts_as_absent() {
        for name in ["use", "key_ops", "alg", "kid", "d", "x5c", "x5t", "exp"] {
            let jwk = with(ec(), name, json!(null));
            assert_eq!(fault(&jwk, JwksAlgorithm::Es256), None, "{jwk}");
        }
        for (name, wanted) in [("kty", "EC"), ("crv", "P-256")] {
            let jwk = with(ec(), name, json!(null));
            assert_eq!(fault(&jwk, JwksAlgorithm::Es256), Some(other(name, wanted)));
        }
    }

    #[test]
    fn a_key_of_ed25519_may_name_the_algorithm_by_its_old_name_or_its_own() {
        for (alg, dropped) in [
            ("EdDSA", None),
            ("Ed25519", None), // RFC 9864, section 2.2
            ("Ed448", Some(other("alg", "EdDSA"))),
            ("ed25519", Some(other("alg", "EdDSA"))),
        ] {
            let jwk = with(okp(), "alg", json!(alg));
            assert_eq!(fault(&jwk, JwksAlgorithm::EdDsa), dropped, "{alg}");
        }
    }

    /// With an invalid point, the library's arithmetic might allow forged signatures.
    #[test]
    fn a_point_is_on_the_curve() {
        assert_eq!(fault(&ec(), JwksAlgorithm::Es256), None);
        for (x, y) in [
            (X, X),
            (Y, X),
            (X, &encode(&[0; 32])),
            (&encode(&[0; 32]), &encode(&[0; 32])),
            (&encode(&[0xff; 32]), Y),
        ] {
            let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
            let dropped = fault(&jwk, JwksAlgorithm::Es256);
            assert_eq!(dropped, Some(KeyFault::NotOnCurve), "{jwk}");
        }
    }

    #[test]
    fn a_symmetric_key_is_never_usable() {
        let jwk = json!({"kty": "oct", "k": encode(&[1; 32])});
        for (algorithm, kty) in [
            (JwksAlgorithm::Rs256, "RSA"),
            (JwksAlgorithm::Es256, "EC"),
            (JwksAlgorithm::EdDsa, "OKP"),
        ] {
            assert_eq!(fault(&jwk, algorithm), Some(other("kty", kty)));
        }
    }

    #[test]
    fn an_rsa_key_has_2048_to_8192_bits_and_an_odd_exponent_over_one() {
        let modulus = |first, length| {
            let mut modulus = vec![0xff; length];
            modulus[0] = first;
            modulus
        };
        let even = [vec![0xff; 255], vec![0xfe]].concat();
        let f4 = &[1, 0, 1][..];
        for (n, e, dropped) in [
            (modulus(0x80, 256), f4, None),
            (modulus(0x7f, 256), f4, Some(KeyFault::Bits(2047))),
            (modulus(0xff, 128), f4, Some(KeyFault::Bits(1024))),
            (modulus(0x00, 257), f4, None), // a zero in front does not count
            (modulus(0x00, 256), f4, Some(KeyFault::Bits(2040))),
            (modulus(0xff, 1024), f4, None),
            (modulus(0x01, 1025), f4, Some(KeyFault::Bits(8193))),
            (vec![], f4, Some(KeyFault::Bits(0))),
            (vec![0; 256], f4, Some(KeyFault::Bits(0))),
            (even, f4, Some(KeyFault::NotRsa)),
            (modulus(0xff, 256), &[3], None),
            (modulus(0xff, 256), &[1], Some(KeyFault::NotRsa)),
            (modulus(0xff, 256), &[0, 0], Some(KeyFault::NotRsa)),
            (modulus(0xff, 256), &[2], Some(KeyFault::NotRsa)),
            (modulus(0xff, 256), &[1; 6], Some(KeyFault::Exponent)),
        ] {
            let jwk = json!({"kty": "RSA", "n": encode(&n), "e": encode(e)});
            assert_eq!(fault(&jwk, JwksAlgorithm::Rs256), dropped, "{jwk}");
        }
    }
}
