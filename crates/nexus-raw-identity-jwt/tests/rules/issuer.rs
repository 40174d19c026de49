use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nexus_raw::tenancy::{Role, TenantId, UserId};
use nexus_raw_identity_jwt::{IssueError, KeySettings, TokenIssuer, TokenRequest};
use serde_json::{Value, json};

use crate::forge::{NOW, PREVIOUS, clock, settings, verify, verify_by};

fn request() -> TokenRequest {
    TokenRequest {
        user: UserId::parse("u_demo").unwrap(),
        memberships: vec![
            (TenantId::parse("t_a").unwrap(), Some(Role::Owner)),
            (TenantId::parse("t_b").unwrap(), None),
        ],
        ttl: Duration::from_hours(1),
    }
}

fn issue(request: &TokenRequest) -> Result<String, IssueError> {
    TokenIssuer::new(settings(), clock(Duration::from_millis(1500)))
        .unwrap()
        .issue(request)
}

fn part(token: &str, at: usize) -> Value {
    let text = token.split('.').nth(at).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

#[test]
fn an_issued_token_has_the_requested_claims() {
    let token = issue(&request()).unwrap();
    assert_eq!(part(&token, 0), json!({"alg": "HS256", "typ": "JWT"}));
    assert_eq!(
        part(&token, 1),
        json!({
            "iss": "https://issuer.test",
            "aud": "nexus-raw",
            "sub": "u_demo",
            "iat": NOW + 1,
            "exp": NOW + 3601,
            "tenant_ids": ["t_a", "t_b"],
            "role_map": {"t_a": "owner"},
        })
    );
}

#[test]
fn what_is_issued_is_taken_by_a_verifier_with_the_same_settings() {
    let principal = verify(&issue(&request()).unwrap()).unwrap();
    assert_eq!(principal.user().as_str(), "u_demo");
}

#[test]
fn what_is_issued_is_signed_with_the_current_secret() {
    let mut previous_only = settings();
    previous_only.keys = KeySettings::Hs256 {
        secret: PREVIOUS.into(),
        previous: None,
    };
    let token = issue(&request()).unwrap();
    assert!(verify_by(previous_only, Duration::ZERO, &token).is_err());
}

#[test]
fn a_time_to_live_is_one_second_to_the_longest_lifetime() {
    for (ttl, issued) in [
        (Duration::ZERO, false),
        (Duration::from_millis(999), false),
        (Duration::from_secs(1), true),
        (Duration::from_hours(24), true),
        (Duration::from_secs(86_401), false),
        (Duration::MAX, false),
    ] {
        let answer = issue(&TokenRequest { ttl, ..request() });
        match answer {
            Ok(token) => {
                assert!(issued, "{ttl:?}");
                assert!(verify(&token).is_ok(), "{ttl:?}");
            }
            Err(error) => {
                assert!(!issued, "{ttl:?}");
                assert_eq!(
                    error.to_string(),
                    "a token must be valid for 1 to 86400 seconds"
                );
            }
        }
    }
}

#[test]
fn a_token_that_no_verifier_would_read_is_not_issued() {
    let memberships = (0..400)
        .map(|number| {
            (
                TenantId::parse(&format!("t_{number}")).unwrap(),
                Some(Role::Admin),
            )
        })
        .collect();
    let answer = issue(&TokenRequest {
        memberships,
        ..request()
    });
    assert_eq!(
        answer.unwrap_err().to_string(),
        "a token must not be longer than 8192 bytes"
    );
}
