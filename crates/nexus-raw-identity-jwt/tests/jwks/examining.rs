//! What an operator is told of the issuer's keys.

use nexus_raw::checkup::{CheckVerdict, Examined};
use serde_json::json;

use crate::{
    forge::{Key, set},
    issuer::{Answer, Issuer},
};

async fn examined(answer: Answer) -> Vec<(CheckVerdict, String)> {
    let issuer = Issuer::start(answer).await;
    let all = issuer.verifier().examine().await;
    assert!(all.iter().all(|it| it.check == "issuer.keys"));
    let of = |it: Examined| {
        assert_eq!(it.verdict.asks_for_action(), it.mend.is_some());
        (it.verdict, it.found)
    };
    all.into_iter().map(of).collect()
}

#[tokio::test]
async fn keys_are_counted() {
    let keys = [&Key::p256(), &Key::other_p256()];
    assert_eq!(
        examined(Answer::Body(set(&keys))).await,
        [(CheckVerdict::Sound, "2 public keys for ES256".to_owned())]
    );
}

#[tokio::test]
async fn a_published_private_key_is_a_fault_and_a_malformed_one_a_note() {
    let mut private = Key::other_p256().public();
    private["d"] = json!("AAAA");
    let mut malformed = Key::other_p256().public();
    malformed["x"] = json!("!");
    let of_others = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"});
    let body = json!({"keys": [Key::p256().public(), private, malformed, of_others]});
    let found = examined(Answer::Body(body.to_string())).await;
    let verdicts: Vec<_> = found.iter().map(|it| it.0).collect();
    assert_eq!(
        verdicts,
        [CheckVerdict::Sound, CheckVerdict::Fault, CheckVerdict::Note],
        "{found:?}"
    );
    assert!(
        found[1].1.ends_with("it contains its private key, d"),
        "{found:?}"
    );
    assert!(found[2].1.contains("it is ignored"), "{found:?}");
}

#[tokio::test]
async fn an_issuer_without_fitting_keys_is_a_fault_and_an_absent_one_unknown() {
    let none = json!({"keys": []}).to_string();
    assert_eq!(examined(Answer::Body(none)).await[0].0, CheckVerdict::Fault);
    let found = examined(Answer::Status("503 Service Unavailable", String::new())).await;
    assert_eq!(
        found,
        [(
            CheckVerdict::Unknown,
            "the JWKS request returned status 503".to_owned()
        )]
    );
}
