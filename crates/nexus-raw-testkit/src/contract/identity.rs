//! The contract of [`IdentityVerifier`].

use std::{error::Error, sync::Arc};

use async_trait::async_trait;
use nexus_raw::{
    ports::{IdentityError, IdentityVerifier},
    tenancy::Principal,
};

/// The harness of a verifier.
#[async_trait]
pub trait IdentityHarness: Send + Sync {
    /// The verifier.
    async fn open(&self) -> Arc<dyn IdentityVerifier>;

    /// Returns a valid token, and its principal.
    fn genuine(&self) -> (String, Principal);

    /// Returns invalid tokens: forged, expired, for another audience, each with its fault.
    fn forgeries(&self) -> Vec<(&'static str, String)>;
}

/// Runs the contract suite of `IdentityVerifier`. Takes an expression that returns a new
/// [`IdentityHarness`](crate::contract::identity::IdentityHarness).
#[macro_export]
macro_rules! identity_contract {
    ($harness:expr) => {
        $crate::contract_tests!(
            identity,
            $harness,
            [
                a_genuine_token_proves_exactly_its_principal,
                a_forged_token_is_invalid,
                a_text_that_is_not_a_token_is_invalid,
                a_token_changed_in_any_character_is_invalid,
                a_token_with_anything_added_or_removed_is_invalid,
                an_error_contains_no_part_of_the_token,
                a_verifier_that_can_verify_is_ready,
            ]
        );
    };
}

/// Returns the refusal of `token`, which must be invalid.
async fn refusal(verifier: &Arc<dyn IdentityVerifier>, token: &str, fault: &str) -> IdentityError {
    match verifier.verify(token).await {
        Err(invalid @ IdentityError::Invalid(_)) => invalid,
        Err(other) => panic!("expected: Invalid, for {fault}\n    came: {other:?}"),
        Ok(principal) => panic!("expected: Invalid, for {fault}\n    came: {principal:?}"),
    }
}

/// User, memberships and roles are exact, also on a repeat.
pub async fn a_genuine_token_proves_exactly_its_principal(harness: &impl IdentityHarness) {
    let verifier = harness.open().await;
    let (token, principal) = harness.genuine();
    for _ in 0..2 {
        assert_eq!(verifier.verify(&token).await.unwrap(), principal);
    }
}

/// A verifier that accepts a valid token is ready.
pub async fn a_verifier_that_can_verify_is_ready(harness: &impl IdentityHarness) {
    let verifier = harness.open().await;
    let (token, _) = harness.genuine();
    verifier.verify(&token).await.unwrap();
    verifier.ready().await.unwrap();
}

/// For every fault.
pub async fn a_forged_token_is_invalid(harness: &impl IdentityHarness) {
    let verifier = harness.open().await;
    let forgeries = harness.forgeries();
    assert!(!forgeries.is_empty());
    for (fault, token) in forgeries {
        refusal(&verifier, &token, fault).await;
    }
}

/// Empty, random and very long texts.
pub async fn a_text_that_is_not_a_token_is_invalid(harness: &impl IdentityHarness) {
    let verifier = harness.open().await;
    let long = "a".repeat(1 << 20);
    let dots = ".".repeat(10_000);
    for noise in [
        "",
        " ",
        ".",
        "..",
        "...",
        "null",
        "{}",
        "\0",
        "\u{1f511}",
        "a.b.c",
        "e30.e30.e30",
        &long,
        &dots,
    ] {
        let shown: String = noise.chars().take(20).collect();
        refusal(&verifier, noise, &shown).await;
    }
}

/// Every character of a token counts.
pub async fn a_token_changed_in_any_character_is_invalid(harness: &impl IdentityHarness) {
    let verifier = harness.open().await;
    let (token, _) = harness.genuine();
    for (at, kept) in token.char_indices() {
        for other in ['A', 'b', '.'].into_iter().filter(|other| *other != kept) {
            let mut changed = token.clone();
            changed.replace_range(at..at + kept.len_utf8(), &other.to_string());
            let fault = format!("{other:?} at {at}");
            refusal(&verifier, &changed, &fault).await;
        }
    }
}

/// A valid token has no extra or missing part.
pub async fn a_token_with_anything_added_or_removed_is_invalid(harness: &impl IdentityHarness) {
    let verifier = harness.open().await;
    let (token, _) = harness.genuine();
    for (fault, changed) in [
        ("cut at the end", token[..token.len() - 1].to_owned()),
        ("cut at the start", token[1..].to_owned()),
        ("space before", format!(" {token}")),
        ("space after", format!("{token} ")),
        ("line end after", format!("{token}\n")),
        ("padding", format!("{token}=")),
        ("one more part", format!("{token}.e30")),
        ("twice", format!("{token},{token}")),
        ("with its scheme", format!("Bearer {token}")),
    ] {
        refusal(&verifier, &changed, fault).await;
    }
}

/// The whole chain of an error is logged, so it must contain no part of the token.
pub async fn an_error_contains_no_part_of_the_token(harness: &impl IdentityHarness) {
    const PIECE: usize = 8;
    let verifier = harness.open().await;
    let (genuine, _) = harness.genuine();
    let mut tokens = harness.forgeries();
    tokens.push(("cut", genuine[..genuine.len() - 1].to_owned()));
    for (fault, token) in tokens {
        let error = refusal(&verifier, &token, fault).await;
        let printed = printed(&error);
        let characters: Vec<char> = token.chars().collect();
        for piece in characters.windows(PIECE) {
            let piece = String::from_iter(piece);
            assert!(!printed.contains(&piece), "{fault}: {printed}");
        }
    }
}

/// Returns an error as a log could have it: its debug form, and its chain.
fn printed(error: &IdentityError) -> String {
    let mut lines = vec![format!("{error:?}")];
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        lines.push(error.to_string());
        next = error.source();
    }
    lines.join("\n")
}
