use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use nexus_raw::ports::{IdentityError, IdentityVerifier as _};
use nexus_raw_identity_jwt::{Part, TokenFault};
use nexus_raw_testkit::behind_a_dead_proxy;
use tokio::{
    task::yield_now,
    time::{Instant, advance, pause, resume},
};

use crate::{
    forge::{Key, NOW, judge, set},
    issuer::{Answer, Issuer},
};

/// Lets time pass without anything happening in it.
async fn pass(time: Duration) {
    pause();
    advance(time).await;
    resume();
}

const UNKNOWN: Option<TokenFault> = Some(TokenFault::UnknownKey);
const NO_KEYS: Option<TokenFault> = Some(TokenFault::NoKeys);

#[tokio::test]
async fn keys_are_fetched_when_the_first_token_comes_once_for_all_who_wait() {
    let key = Key::p256();
    let issuer = Issuer::start(Answer::Body(set(&[&key]))).await;
    let verifier = issuer.verifier();
    assert_eq!(issuer.requests(), 0);
    let token = key.token();
    let answers = join_all((0..50).map(|_| judge(&verifier, &token))).await;
    assert_eq!(answers, vec![None; 50]);
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn a_rotation_refuses_no_good_token_and_costs_one_fetch() {
    let (old, new) = (Key::p256(), Key::other_p256());
    let issuer = Issuer::start(Answer::Body(set(&[&old]))).await;
    let verifier = issuer.verifier();
    assert_eq!(judge(&verifier, &old.token()).await, None);
    pass(Duration::from_secs(30)).await;
    issuer.answer_with(Answer::Body(set(&[&old, &new])));
    let (old, new) = (old.token(), new.token());
    let tokens = (0..50).map(|turn| if turn % 2 == 0 { &old } else { &new });
    let answers = join_all(tokens.map(|token| judge(&verifier, token))).await;
    assert_eq!(answers, vec![None; 50]);
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test]
async fn unknown_keys_make_one_fetch_per_cool_down_however_many_they_are() {
    let (key, unknown) = (Key::p256(), Key::other_p256());
    let issuer = Issuer::start(Answer::Body(set(&[&key]))).await;
    let verifier = issuer.verifier();
    for round in 1..=3 {
        let token = unknown.token();
        let answers = join_all((0..50).map(|_| judge(&verifier, &token))).await;
        assert_eq!(answers, vec![UNKNOWN; 50]);
        assert_eq!(judge(&verifier, &token).await, UNKNOWN);
        assert_eq!(issuer.requests(), round);
        pass(Duration::from_secs(30)).await;
    }
}

#[tokio::test]
async fn a_key_id_that_is_no_name_and_a_forged_signature_fetch_nothing() {
    let (key, other) = (Key::p256(), Key::other_p256());
    let issuer = Issuer::start(Answer::Body(set(&[&key]))).await;
    let verifier = issuer.verifier();
    assert_eq!(judge(&verifier, &key.token()).await, None);
    pass(Duration::from_secs(30)).await;
    for (kid, fault) in [
        ("../../dev/null", TokenFault::KeyId),
        ("x' OR '1'='1", TokenFault::KeyId),
        (key.id, TokenFault::Signature),
    ] {
        let header = serde_json::json!({"alg": "ES256", "kid": kid});
        let token = other.sign(&header, &crate::forge::claims());
        assert_eq!(judge(&verifier, &token).await, Some(fault));
    }
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn a_token_that_brings_keys_or_addresses_of_keys_has_nothing_fetched() {
    let (key, own) = (Key::p256(), Key::other_p256());
    let issuer = Issuer::start(Answer::Body(set(&[&key]))).await;
    let bearers = Issuer::start(Answer::Body(set(&[&own]))).await;
    let verifier = issuer.verifier();
    let brought = [
        ("jwk", own.public()),
        ("jku", serde_json::json!(bearers.url().as_str())),
        ("x5u", serde_json::json!(bearers.url().as_str())),
        ("x5c", serde_json::json!(["AAAA"])),
    ];
    // before there are any keys, and once there are: by an unknown key, and by the right one
    for fetched in [0, 1] {
        for (name, value) in &brought {
            for by in [&own, &key] {
                let header = serde_json::json!({"alg": "ES256", "kid": by.id, *name: value});
                let token = by.sign(&header, &crate::forge::claims());
                let fault = TokenFault::HeaderForbidden { name };
                assert_eq!(judge(&verifier, &token).await, Some(fault));
            }
        }
        assert_eq!((issuer.requests(), bearers.requests()), (fetched, 0));
        assert_eq!(judge(&verifier, &key.token()).await, None);
        pass(Duration::from_secs(30)).await;
    }
}

#[tokio::test]
async fn a_set_of_five_minutes_is_renewed_while_no_caller_waits() {
    let key = Key::p256();
    let issuer = Issuer::start(Answer::Body(set(&[&key]))).await;
    let verifier = issuer.verifier();
    assert_eq!(judge(&verifier, &key.token()).await, None);
    issuer.answer_with(Answer::Silence);
    pass(Duration::from_secs(299)).await;
    assert_eq!(judge(&verifier, &key.token()).await, None);
    assert_eq!(issuer.requests(), 1);
    pass(Duration::from_secs(1)).await;
    let began = Instant::now();
    assert_eq!(judge(&verifier, &key.token()).await, None);
    // a silent issuer is given up after seconds
    assert!(began.elapsed() < Duration::from_secs(1));
    while issuer.requests() < 2 {
        yield_now().await;
    }
}

#[tokio::test]
async fn the_last_keys_stay_while_the_issuer_answers_badly() {
    let key = Key::p256();
    let good = set(&[&key]);
    let issuer = Issuer::start(Answer::Body(good.clone())).await;
    let verifier = issuer.verifier();
    assert_eq!(judge(&verifier, &key.token()).await, None);
    let bad = [
        Answer::Status("500 Internal Server Error", good.clone()),
        Answer::Status("302 Found", good.clone()),
        Answer::Body("<html>".to_owned()),
        Answer::Body(r#"{"keys":[]}"#.to_owned()),
        Answer::Endless,
        Answer::Cut(good),
    ];
    for (round, answer) in bad.into_iter().enumerate() {
        issuer.answer_with(answer);
        // so long that the token waits for the attempt
        pass(Duration::from_mins(11)).await;
        assert_eq!(judge(&verifier, &key.token()).await, None, "{round}");
        // a redirect that was followed would count too
        assert_eq!(issuer.requests(), round + 2);
    }
}

#[tokio::test]
async fn without_keys_no_token_is_judged_until_the_issuer_answers_well() {
    let key = Key::p256();
    let good = set(&[&key]);
    let issuer = Issuer::start(Answer::Status("500 Internal Server Error", good.clone())).await;
    let verifier = issuer.verifier();
    for answer in [
        Answer::Status("500 Internal Server Error", good.clone()),
        Answer::Status("307 Temporary Redirect", good.clone()),
        Answer::Status("206 Partial Content", good.clone()),
        Answer::Body(" ".repeat(256 * 1024 + 1)),
        Answer::Endless,
        Answer::Cut(good.clone()),
        Answer::Silence,
    ] {
        issuer.answer_with(answer);
        assert_eq!(judge(&verifier, &key.token()).await, NO_KEYS);
        let ready = verifier.ready().await;
        assert!(matches!(ready, Err(IdentityError::Unavailable(_))));
        pass(Duration::from_secs(5)).await;
    }
    assert_eq!(issuer.requests(), 7, "no redirect was followed");
    issuer.answer_with(Answer::Body(good));
    assert_eq!(judge(&verifier, &key.token()).await, None);
    verifier.ready().await.unwrap();
}

#[tokio::test]
async fn while_there_are_no_keys_they_are_fetched_every_5_s_without_any_token() {
    let key = Key::p256();
    let good = set(&[&key]);
    let issuer = Issuer::start(Answer::Status("500 Internal Server Error", good.clone())).await;
    let verifier = Arc::new(issuer.verifier());
    let coming = Arc::clone(&verifier);
    let coming = tokio::spawn(async move { coming.wait_for_keys().await });
    for round in 1..=4 {
        // one that is silent is given up in time
        if round == 3 {
            issuer.answer_with(Answer::Silence);
        }
        let began = std::time::Instant::now();
        while issuer.requests() < round {
            assert!(began.elapsed() < Duration::from_secs(3), "no request came");
            yield_now().await;
        }
        assert!(!coming.is_finished());
        pass(Duration::from_secs(5)).await;
    }
    issuer.answer_with(Answer::Body(good));
    pass(Duration::from_secs(5)).await;
    coming.await.unwrap();
    verifier.ready().await.unwrap();
    let before = issuer.requests();
    assert_eq!(judge(&verifier, &key.token()).await, None);
    assert_eq!(issuer.requests(), before);
}

#[tokio::test]
async fn a_fault_that_needs_no_key_is_reported_without_fetching_keys() {
    let key = Key::p256();
    let issuer = Issuer::start(Answer::Silence).await;
    let verifier = issuer.verifier();
    let header = serde_json::json!({"alg": "ES256", "kid": key.id});
    let with = |name: &str, value: serde_json::Value| {
        let mut claims = crate::forge::claims();
        claims[name] = value;
        key.sign(&header, &claims)
    };
    let token = key.token();
    let (input, signature) = token.rsplit_once('.').unwrap();
    for (token, fault) in [
        ("", TokenFault::NotThreeParts),
        ("a.b.c", TokenFault::Base64(Part::Header)),
        (&Key::rsa().token(), TokenFault::Algorithm),
        (
            &key.sign(
                &serde_json::json!({"alg": "ES256", "kid": "../x"}),
                &crate::forge::claims(),
            ),
            TokenFault::KeyId,
        ),
        (&format!("{input}."), TokenFault::Signature),
        (
            &format!("{input}.{}", &signature[2..]),
            TokenFault::Signature,
        ),
        (
            &format!("{input}.{signature}="),
            TokenFault::Base64(Part::Signature),
        ),
        (&with("exp", (NOW - 60).into()), TokenFault::Expired),
        (
            &with("iss", "https://other.test".into()),
            TokenFault::Issuer,
        ),
        (&with("aud", "other".into()), TokenFault::Audience),
        (
            &with("tenant_ids", "t_a".into()),
            TokenFault::ClaimType {
                name: "tenant_ids".to_owned(),
            },
        ),
    ] {
        assert_eq!(judge(&verifier, token).await, Some(fault), "{token}");
    }
    assert_eq!(issuer.requests(), 0);
}

#[tokio::test]
async fn no_proxy_is_used() {
    if behind_a_dead_proxy("url::no_proxy_is_used") {
        let key = Key::p256();
        let issuer = Issuer::start(Answer::Body(set(&[&key]))).await;
        assert_eq!(judge(&issuer.verifier(), &key.token()).await, None);
    }
}
