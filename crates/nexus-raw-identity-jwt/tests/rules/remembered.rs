use std::{sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use nexus_raw::{
    ports::{Clock as _, IdentityError, IdentityVerifier as _},
    tenancy::{Environment, Principal, Scope, TenantId},
};
use nexus_raw_identity_jwt::{JwtIdentityVerifier, TokenFault};
use nexus_raw_testkit::FixedClock;
use serde_json::json;

use crate::forge::{NOW, PREVIOUS, clock, good, settings, sign_parts, with};

/// One verifier, which may remember, and its clock.
struct Door {
    verifier: JwtIdentityVerifier,
    clock: Arc<FixedClock>,
}

impl Door {
    fn new() -> Self {
        let clock = clock(Duration::ZERO);
        Self {
            verifier: JwtIdentityVerifier::new(settings(), Arc::clone(&clock) as _).unwrap(),
            clock,
        }
    }

    fn verify(&self, token: &str) -> Result<Principal, TokenFault> {
        let answer = self.verifier.verify(token).now_or_never().unwrap();
        answer.map_err(|error| match error {
            IdentityError::Invalid(source) => *source.downcast::<TokenFault>().unwrap(),
            other => unreachable!("{other}"),
        })
    }

    /// Verifies twice, so that the second answer may be a remembered one.
    fn twice(&self, token: &str) -> Option<TokenFault> {
        let first = self.verify(token);
        assert_eq!(self.verify(token), first);
        first.err()
    }
}

#[test]
fn a_token_that_was_taken_is_refused_once_it_has_expired() {
    let door = Door::new();
    let token = with("exp", json!(NOW + 30));
    assert_eq!(door.twice(&token), None);
    // within the minute, at the end and the leeway
    door.clock.advance(Duration::from_secs(59));
    assert_eq!(door.twice(&token), None);
    door.clock.advance(Duration::from_secs(30));
    assert_eq!(door.twice(&token), None);
    door.clock.advance(Duration::from_secs(1));
    assert_eq!(door.twice(&token), Some(TokenFault::Expired));
}

#[test]
fn a_token_that_was_taken_is_refused_by_a_clock_that_was_set_back() {
    let door = Door::new();
    assert_eq!(door.twice(&good()), None);
    let now = door.clock.now();
    door.clock.set(nexus_raw::time::Timestamp::UNIX_EPOCH);
    assert_eq!(door.twice(&good()), Some(TokenFault::IssuedInFuture));
    door.clock.set(now);
    assert_eq!(door.twice(&good()), None);
}

#[test]
fn a_token_that_was_refused_is_taken_once_it_is_valid() {
    let door = Door::new();
    let token = with("nbf", json!(NOW + 90));
    assert_eq!(door.twice(&token), Some(TokenFault::NotYetValid));
    door.clock.advance(Duration::from_secs(30));
    assert_eq!(door.twice(&token), None);
}

#[test]
fn what_begins_or_ends_like_a_token_that_was_taken_is_another() {
    let door = Door::new();
    let token = good();
    assert_eq!(door.twice(&token), None);
    let (input, _) = token.rsplit_once('.').unwrap();
    let (header, claims) = input.split_once('.').unwrap();
    let by_another_key = sign_parts(header, claims, "another secret, of over 32 bytes.");
    for other in [
        &token[..token.len() - 1],
        &token[1..],
        &format!("{token}A"),
        &format!("{input}."),
        &by_another_key,
    ] {
        assert!(door.twice(other).is_some(), "{other}");
    }
    // the same claims under another good key are another token too
    assert_eq!(door.twice(&sign_parts(header, claims, PREVIOUS)), None);
    assert_eq!(door.twice(&token), None);
}

#[test]
fn each_token_has_the_rights_of_its_own_claims() {
    let door = Door::new();
    let tokens = ["t_a", "t_b", "t_c"].map(|tenant| (tenant, with("tenant_ids", json!([tenant]))));
    for _ in 0..3 {
        for (tenant, token) in &tokens {
            let caller = door.verify(token).unwrap();
            for (of, _) in &tokens {
                let scope = Scope {
                    tenant: TenantId::parse(of).unwrap(),
                    environment: Environment::parse("dev").unwrap(),
                };
                assert_eq!(caller.authorize_read(&scope).is_ok(), tenant == of);
                let writes = tenant == of && *of == "t_a";
                assert_eq!(caller.authorize_write(&scope).is_ok(), writes);
            }
        }
    }
}
