use nexus_raw_identity_jwt::TokenFault;
use serde_json::{Value, json};

use crate::forge::{base64url, claims, sign, verify};

fn verify_with_header(header: &str) -> Result<String, TokenFault> {
    let claims = Value::Object(claims()).to_string();
    verify(&sign(header, &claims)).map(|principal| principal.user().to_string())
}

#[test]
fn alg_none_is_refused_in_every_spelling_with_and_without_signature() {
    let claims = base64url(Value::Object(claims()).to_string());
    for alg in ["none", "None", "NONE", "nOnE", "none ", ""] {
        let header = json!({ "alg": alg }).to_string();
        assert_eq!(
            verify_with_header(&header),
            Err(TokenFault::Algorithm),
            "{alg}"
        );
        let unsigned = format!("{}.{claims}.", base64url(&header));
        assert_eq!(verify(&unsigned), Err(TokenFault::Algorithm), "{alg}");
    }
}

#[test]
fn alg_missing_or_no_string_is_refused() {
    for header in [
        json!({}),
        json!({"typ": "JWT"}),
        json!({"alg": null}),
        json!({"alg": 256}),
        json!({"alg": ["HS256"]}),
        json!({"alg": {"HS256": true}}),
    ] {
        assert_eq!(
            verify_with_header(&header.to_string()),
            Err(TokenFault::Algorithm),
            "{header}"
        );
    }
}

#[test]
fn another_algorithm_is_refused_of_the_same_family_too() {
    for alg in [
        "HS384", "HS512", "RS256", "RS512", "PS256", "ES256", "EdDSA", "hs256", "HS256 ", "HS-256",
        "dir", "A256KW",
    ] {
        let header = json!({"alg": alg, "typ": "JWT"}).to_string();
        assert_eq!(
            verify_with_header(&header),
            Err(TokenFault::Algorithm),
            "{alg}"
        );
    }
}

#[test]
fn keys_urls_chains_and_extensions_in_the_header_are_refused() {
    for (name, value) in [
        ("jwk", json!({"kty": "oct", "k": "AAAA"})),
        ("jku", json!("https://keys.test/jwks.json")),
        ("x5u", json!("https://keys.test/chain.pem")),
        ("x5c", json!(["AAAA"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("jwk", json!(null)),
    ] {
        let header = json!({"alg": "HS256", name: value}).to_string();
        assert_eq!(
            verify_with_header(&header),
            Err(TokenFault::HeaderForbidden { name }),
            "{header}"
        );
    }
}

#[test]
fn a_token_of_another_type_is_refused() {
    assert_eq!(
        verify_with_header(r#"{"alg":"HS256"}"#),
        Ok("u_demo".to_owned())
    );
    let verify_of =
        |typ: &str| verify_with_header(&json!({"alg": "HS256", "typ": typ}).to_string());
    for typ in [
        "JWT",
        "jwt",
        "Jwt",
        "at+jwt",
        "AT+JWT",
        "application/jwt",
        "Application/JWT",
        "application/at+jwt",
        "APPLICATION/AT+JWT",
    ] {
        assert_eq!(verify_of(typ), Ok("u_demo".to_owned()), "{typ}");
    }
    for typ in [
        "",
        " JWT",
        "JWT ",
        "logout+jwt",
        "dpop+jwt",
        "refresh+jwt",
        "application/logout+jwt",
        "secevent+jwt",
        "JWS",
        "JOSE",
        "at",
        "+jwt",
        "at+jwt+jwt",
        "application/",
        "application/application/jwt",
        "text/jwt",
        "/jwt",
        "jwt;a=b",
        "\u{ff2a}WT",
    ] {
        assert_eq!(verify_of(typ), Err(TokenFault::Type), "{typ:?}");
    }
    assert_eq!(
        verify_with_header(r#"{"alg":"HS256","typ":1}"#),
        Err(TokenFault::HeaderType { name: "typ" })
    );
}

#[test]
fn kid_is_a_plain_name_and_chooses_no_secret() {
    for kid in ["1", "2026-11", "no-such-key", "Zm9v+w=="] {
        let header = json!({"alg": "HS256", "kid": kid}).to_string();
        assert_eq!(
            verify_with_header(&header),
            Ok("u_demo".to_owned()),
            "{kid}"
        );
    }
    for kid in [
        "",
        "../../../../dev/null",
        "/dev/null",
        "..\\..\\key",
        "file:///dev/null",
        "x' UNION SELECT 'secret' --",
        "x;id",
        "$(id)",
        "a b",
        "a\u{0}",
        "a\r\nb",
        "\u{202e}a",
        &"k".repeat(129),
        &"k".repeat(4000),
    ] {
        let header = json!({"alg": "HS256", "kid": kid}).to_string();
        assert_eq!(
            verify_with_header(&header),
            Err(TokenFault::KeyId),
            "{kid:?}"
        );
    }
    for kid in [json!(null), json!(1), json!(["1"]), json!({})] {
        let header = json!({"alg": "HS256", "kid": kid}).to_string();
        assert_eq!(
            verify_with_header(&header),
            Err(TokenFault::HeaderType { name: "kid" }),
            "{header}"
        );
    }
}

#[test]
fn parameters_that_bring_no_key_are_ignored() {
    let header = json!({"alg": "HS256", "x5t": "AAAA", "cty": "json", "nonce": 7}).to_string();
    assert_eq!(verify_with_header(&header), Ok("u_demo".to_owned()));
}
