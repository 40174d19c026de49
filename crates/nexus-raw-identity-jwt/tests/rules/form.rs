use nexus_raw_identity_jwt::{Part, TokenFault};
use serde_json::{Value, json};
use strict_json::JsonError;

use crate::forge::{HEADER, SECRET, base64url, claims, good, sign, sign_parts, verify, with};

#[test]
fn a_good_token_proves_its_bearer() {
    assert_eq!(verify(&good()).unwrap().user().as_str(), "u_demo");
}

#[test]
fn a_token_has_exactly_three_parts() {
    let good = good();
    let two = good.rsplit_once('.').unwrap().0;
    for token in [
        String::new(),
        ".".to_owned(),
        two.to_owned(),
        format!("{good}.AAAA"),
        format!("{good}.AAAA.AAAA"),
        format!("{good}."),
        format!(".{good}"),
    ] {
        assert_eq!(verify(&token), Err(TokenFault::NotThreeParts), "{token}");
    }
}

#[test]
fn a_token_of_8_kib_is_read_and_no_longer_one() {
    // `jti` is nobody's business, and long enough to make up any length
    let of_length = |length: usize| {
        let shortest = with("jti", json!("")).len();
        (0..4)
            .map(|more| with("jti", json!("j".repeat((length - shortest) * 3 / 4 + more))))
            .find(|token| token.len() == length)
            .unwrap()
    };
    assert!(verify(&of_length(8192)).is_ok());
    for token in [of_length(8193), "a".repeat(10_000_000)] {
        assert_eq!(
            verify(&token),
            Err(TokenFault::TooLong { limit: 8192 }),
            "{}",
            token.len()
        );
    }
}

#[test]
fn padding_the_standard_alphabet_and_white_space_are_refused_in_every_part() {
    let good = good();
    let (input, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = input.split_once('.').unwrap();
    for bad in ["=", "==", "+", "/", " ", "\n", "\0", "\u{e9}"] {
        assert_eq!(
            verify(&sign_parts(&format!("{header}{bad}"), claims, SECRET)),
            Err(TokenFault::Base64(Part::Header)),
            "{bad:?}"
        );
        assert_eq!(
            verify(&sign_parts(header, &format!("{claims}{bad}"), SECRET)),
            Err(TokenFault::Base64(Part::Claims)),
            "{bad:?}"
        );
        assert_eq!(
            verify(&format!("{input}.{signature}{bad}")),
            Err(TokenFault::Signature),
            "{bad:?}"
        );
    }
}

#[test]
fn spare_bits_are_refused_in_every_part() {
    // `{}` is `e30`; `e31` decodes to the same two bytes where spare bits are let pass
    let header = base64url(HEADER);
    assert_eq!(
        verify(&sign_parts("e31", &base64url("{}"), SECRET)),
        Err(TokenFault::Base64(Part::Header))
    );
    assert_eq!(
        verify(&sign_parts(&header, "e31", SECRET)),
        Err(TokenFault::Base64(Part::Claims))
    );
    // 32 bytes of signature leave two spare bits in their 43rd character
    let good = good();
    let (rest, last) = good.split_at(good.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let value = alphabet.find(last).unwrap();
    for spare in 1..4 {
        let other = &alphabet[value + spare..=value + spare];
        assert_eq!(
            verify(&format!("{rest}{other}")),
            Err(TokenFault::Signature)
        );
    }
}

#[test]
fn header_and_claims_are_json_objects() {
    for text in ["[]", "\"HS256\"", "1", "null", "true"] {
        assert_eq!(
            verify(&sign(text, "{}")),
            Err(TokenFault::NotAnObject(Part::Header)),
            "{text}"
        );
        assert_eq!(
            verify(&sign(HEADER, text)),
            Err(TokenFault::NotAnObject(Part::Claims)),
            "{text}"
        );
    }
}

#[test]
fn header_and_claims_are_strict_json() {
    let claims = Value::Object(claims()).to_string();
    let deep = format!(
        "{{\"alg\":\"HS256\",\"x\":{}{}}}",
        "[".repeat(40),
        "]".repeat(40)
    );
    for (header, part) in [
        ("", Part::Header),
        ("{", Part::Header),
        ("{\"alg\":\"HS256\"}x", Part::Header),
        ("\u{feff}{\"alg\":\"HS256\"}", Part::Header),
        ("{'alg':'HS256'}", Part::Header),
        (&deep, Part::Header),
    ] {
        let source = JsonError::Malformed;
        assert_eq!(
            verify(&sign(header, &claims)),
            Err(TokenFault::Json { part, source }),
            "{header}"
        );
    }
    let (open, _) = claims.rsplit_once('}').unwrap();
    let deep = format!("{open},\"x\":{}{}}}", "[".repeat(40), "]".repeat(40));
    let trailing = format!("{claims}{claims}");
    let comma = format!("{open},}}");
    let nan = format!("{open},\"x\":NaN}}");
    let surrogate = format!("{open},\"x\":\"\\ud800\"}}");
    for text in ["", "{", open, &deep, &trailing, &comma, &nan, &surrogate] {
        assert_eq!(
            verify(&sign(HEADER, text)),
            Err(TokenFault::Json {
                part: Part::Claims,
                source: JsonError::Malformed
            }),
            "{text}"
        );
    }
}

#[test]
fn bytes_that_are_no_utf8_are_refused() {
    let token = sign_parts(
        &base64url(HEADER),
        &base64url(b"{\"sub\":\"\xff\"}"),
        SECRET,
    );
    assert_eq!(
        verify(&token),
        Err(TokenFault::Json {
            part: Part::Claims,
            source: JsonError::Malformed
        })
    );
}

#[test]
fn a_repeated_name_is_refused_at_any_depth_escapes_resolved() {
    let claims = Value::Object(claims()).to_string();
    let repeated = |part| {
        Err(TokenFault::Json {
            part,
            source: JsonError::RepeatedKey,
        })
    };
    for header in [
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","\u0061lg":"HS256"}"#,
        r#"{"alg":"HS256","x":[{"y":1,"y":1}]}"#,
    ] {
        assert_eq!(
            verify(&sign(header, &claims)),
            repeated(Part::Header),
            "{header}"
        );
    }
    let (open, _) = claims.rsplit_once('}').unwrap();
    for more in [
        r#""sub":"u_demo""#,
        r#""sub":"u_other""#,
        r#""\u0073ub":"u_other""#,
        r#""x":{"y":1,"y":1}"#,
    ] {
        let claims = format!("{open},{more}}}");
        assert_eq!(
            verify(&sign(HEADER, &claims)),
            repeated(Part::Claims),
            "{more}"
        );
    }
}
