use std::time::Duration;

use nexus_raw_identity_jwt::TokenFault;
use serde_json::{Value, json};

use crate::forge::{AUDIENCE, ISSUER, settings, verify, verify_by, with, without};

fn wrong_type(name: &str) -> TokenFault {
    TokenFault::ClaimType {
        name: name.to_owned(),
    }
}

/// A value of each JSON type but that of `but`.
fn values_of_other_types(but: &Value) -> Vec<Value> {
    [
        json!(null),
        json!(true),
        json!(7),
        json!("7"),
        json!([7]),
        json!({"a": 7}),
    ]
    .into_iter()
    .filter(|value| std::mem::discriminant(value) != std::mem::discriminant(but))
    .collect()
}

#[test]
fn every_required_claim_must_be_there() {
    for name in ["exp", "iat", "iss", "aud", "sub"] {
        assert_eq!(
            verify(&without(name)),
            Err(TokenFault::ClaimMissing { name })
        );
    }
}

#[test]
fn every_claim_must_have_its_type() {
    for (name, right) in [
        ("exp", json!(0)),
        ("iat", json!(0)),
        ("nbf", json!(0)),
        ("iss", json!("")),
        ("sub", json!("")),
        ("tenant_ids", json!([])),
        ("role_map", json!({})),
    ] {
        for value in values_of_other_types(&right) {
            assert_eq!(
                verify(&with(name, value.clone())),
                Err(wrong_type(name)),
                "{name}: {value}"
            );
        }
    }
}

#[test]
fn the_issuer_is_exactly_ours() {
    for issuer in [
        "",
        "https://issuer.test/",
        "https://ISSUER.test",
        "https://issuer.test ",
    ] {
        assert_eq!(
            verify(&with("iss", json!(issuer))),
            Err(TokenFault::Issuer),
            "{issuer}"
        );
    }
    assert_eq!(
        verify(&with("iss", json!([ISSUER]))),
        Err(wrong_type("iss"))
    );
}

#[test]
fn the_audience_is_ours_or_an_array_of_strings_with_ours() {
    for audience in [
        json!(AUDIENCE),
        json!([AUDIENCE]),
        json!(["other", AUDIENCE]),
    ] {
        assert!(verify(&with("aud", audience.clone())).is_ok(), "{audience}");
    }
    for audience in [
        json!(""),
        json!("other"),
        json!("nexus-raw-2"),
        json!("Nexus-Raw"),
        json!("other nexus-raw"),
        json!([]),
        json!(["other"]),
        json!([""]),
    ] {
        assert_eq!(
            verify(&with("aud", audience.clone())),
            Err(TokenFault::Audience),
            "{audience}"
        );
    }
    for audience in [
        json!(null),
        json!(1),
        json!({"nexus-raw": true}),
        json!([AUDIENCE, 1]),
        json!([AUDIENCE, null]),
        json!([[AUDIENCE]]),
    ] {
        assert_eq!(
            verify(&with("aud", audience.clone())),
            Err(wrong_type("aud")),
            "{audience}"
        );
    }
}

#[test]
fn the_subject_is_a_user_id() {
    for subject in [
        "u",
        "user@example.test",
        "Jos\u{e9} 1",
        "realm/group\\user\u{a0}1",
        "\u{645}\u{6cc}\u{200c}\u{62e}",
        &"\u{e9}".repeat(255),
    ] {
        let principal = verify(&with("sub", json!(subject))).unwrap();
        assert_eq!(principal.user().as_str(), subject);
    }
    for subject in [
        "",
        "a\u{0}",
        "a\nb",
        "a\u{85}",
        "a\u{202e}b",
        "a\u{2028}b",
        "a\u{200d}b",
        "a\u{ffff}b",
        &"u".repeat(256),
    ] {
        assert_eq!(
            verify(&with("sub", json!(subject))),
            Err(TokenFault::Subject),
            "{subject:?}"
        );
    }
}

#[test]
fn a_token_that_is_bound_to_a_key_is_refused() {
    for bound in [
        json!({"jkt": "a"}),
        json!({"x5t#S256": "a"}),
        json!({}),
        json!(null),
    ] {
        assert_eq!(
            verify(&with("cnf", bound.clone())),
            Err(TokenFault::ClaimForbidden { name: "cnf" }),
            "{bound}"
        );
    }
}

#[test]
fn other_claims_are_ignored() {
    assert!(verify(&with("scope", json!({"any": ["thing", 1e300]}))).is_ok());
}

#[test]
fn claims_of_tenants_and_roles_are_found_by_their_configured_names() {
    let mut settings = settings();
    settings.tenant_ids_claim = "https://nexus.test/tenants".to_owned();
    settings.role_map_claim = "roles".to_owned();
    for name in ["https://nexus.test/tenants", "roles"] {
        let token = with(name, json!("t_a"));
        assert_eq!(
            verify_by(settings.clone(), Duration::ZERO, &token),
            Err(wrong_type(name))
        );
    }
    let token = with("tenant_ids", json!("not looked at"));
    assert!(verify_by(settings, Duration::ZERO, &token).is_ok());
}
