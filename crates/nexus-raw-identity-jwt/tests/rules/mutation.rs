use proptest::prelude::*;

use crate::forge::{HEADER, good, sign, verify};

#[test]
fn no_other_byte_anywhere_leaves_a_token_valid() {
    let good = good();
    for at in 0..good.len() {
        for byte in 0..=127_u8 {
            let mut bytes = good.clone().into_bytes();
            if std::mem::replace(&mut bytes[at], byte) != byte {
                let token = String::from_utf8(bytes).unwrap();
                assert!(verify(&token).is_err(), "byte {at} as {byte}");
            }
        }
    }
}

#[test]
fn a_token_with_a_byte_more_or_less_is_refused() {
    let good = good();
    for at in 0..good.len() {
        let (before, after) = good.split_at(at);
        assert!(verify(&format!("{before}{}", &after[1..])).is_err(), "{at}");
        assert!(verify(&format!("{before}A{after}")).is_err(), "{at}");
    }
}

#[test]
fn no_fault_shows_anything_of_the_token() {
    let claims = r#"{"iss":"hush-issuer","aud":"hush","sub":"hush","iat":1,"exp":2}"#;
    for token in [
        sign(HEADER, claims),
        sign(r#"{"alg":"hush"}"#, claims),
        sign(r#"{"alg":"HS256","kid":"/hush"}"#, claims),
        sign(HEADER, r#"{"hush":1,"hush":2}"#),
        "hush.hush.hush".to_owned(),
    ] {
        let fault = verify(&token).unwrap_err();
        let shown = format!("{fault} {fault:?}");
        assert!(!shown.contains("hush"), "{shown}");
    }
}

proptest! {
    #[test]
    fn no_text_panics_the_verifier(token in "\\PC{0,200}") {
        prop_assert!(verify(&token).is_err());
    }

    #[test]
    fn no_text_with_dots_panics_the_verifier(token in "[A-Za-z0-9_=+/-]{0,40}(\\.[A-Za-z0-9_=+/-]{0,40}){0,4}") {
        prop_assert!(verify(&token).is_err());
    }

    #[test]
    fn no_signed_claims_panic_the_verifier(claims in "\\{(\"[a-z_]{1,10}\":[\\[\\]{}:,\"a-z0-9.e-]{0,10},?){0,6}\\}") {
        let _ = verify(&sign(HEADER, &claims));
    }
}
