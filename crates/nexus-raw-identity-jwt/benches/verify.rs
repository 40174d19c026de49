//! What a token costs: it is verified before anything else of every request.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up must fail"
)]

#[expect(dead_code, reason = "tests need more of it")]
#[path = "../tests/jwks/forge.rs"]
mod forge;

use std::{fs, hint::black_box, sync::Arc, time::Duration};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use forge::{Key, claims, set};
use futures_util::FutureExt as _;
use nexus_raw::{
    ports::{Clock, IdentityVerifier},
    tenancy::{Role, TenantId, UserId},
    time::Timestamp,
};
use nexus_raw_identity_jwt::{
    JwtIdentityVerifier, JwtSettings, KeySettings, TokenIssuer, TokenRequest,
};
use serde_json::json;

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_795_521_600_000_000).unwrap()
    }
}

fn settings(secret: &str) -> JwtSettings {
    let keys = KeySettings::Hs256 {
        secret: secret.into(),
        previous: Some("the previous secret, over 32 bytes".into()),
    };
    JwtSettings::new("https://issuer.test", "nexus-raw", keys)
}

fn token(secret: &str, tenants: usize) -> String {
    let memberships = (0..tenants)
        .map(|number| {
            let tenant = TenantId::parse(&format!("t_tenant-{number}")).unwrap();
            (tenant, Some(Role::Owner))
        })
        .collect();
    let issuer = TokenIssuer::new(settings(secret), Arc::new(Noon)).unwrap();
    issuer
        .issue(&TokenRequest {
            user: UserId::parse("u_demo").unwrap(),
            memberships,
            ttl: Duration::from_hours(1),
        })
        .unwrap()
}

/// More tokens than a verifier remembers, each of another user.
const UNKNOWN: usize = 20_000;

/// Tokens that the verifier has not seen before.
fn unremembered(
    criterion: &mut Criterion,
    name: &str,
    verifier: &dyn IdentityVerifier,
    tokens: &[String],
) {
    for token in [&tokens[0], &tokens[tokens.len() - 1]] {
        assert!(verifier.verify(token).now_or_never().unwrap().is_ok());
    }
    let mut turn = tokens.iter().cycle();
    criterion.bench_function(name, |bencher| {
        bencher.iter_batched(
            || turn.next().unwrap(),
            |token| verifier.verify(black_box(token)).now_or_never(),
            BatchSize::SmallInput,
        );
    });
}

fn unremembered_hs256(criterion: &mut Criterion) {
    let secret = "the current secret, over 32 bytes";
    let verifier = JwtIdentityVerifier::new(settings(secret), Arc::new(Noon)).unwrap();
    let issuer = TokenIssuer::new(settings(secret), Arc::new(Noon)).unwrap();
    let token = |number: usize| {
        issuer
            .issue(&TokenRequest {
                user: UserId::parse(&format!("u_{number}")).unwrap(),
                memberships: [(TenantId::parse("t_demo").unwrap(), Some(Role::Owner))].into(),
                ttl: Duration::from_hours(1),
            })
            .unwrap()
    };
    let tokens: Vec<_> = (0..UNKNOWN).map(token).collect();
    unremembered(criterion, "HS256, unremembered", &verifier, &tokens);
}

fn unremembered_es256(criterion: &mut Criterion) {
    let key = Key::p256();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jwks.json");
    fs::write(&path, set(&[&key])).unwrap();
    // the keys are read again from time to time
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let verifier = forge::verifier(KeySettings::JwksFile {
        path,
        algorithm: key.algorithm,
    })
    .unwrap();
    let header = json!({"alg": key.alg(), "kid": key.id});
    let token = |number: usize| {
        let mut claims = claims();
        claims["sub"] = json!(format!("u_{number}"));
        key.sign(&header, &claims)
    };
    let tokens: Vec<_> = (0..UNKNOWN).map(token).collect();
    unremembered(criterion, "ES256, unremembered", &verifier, &tokens);
}

fn verify(criterion: &mut Criterion) {
    let secret = "the current secret, over 32 bytes";
    let verifier = JwtIdentityVerifier::new(settings(secret), Arc::new(Noon)).unwrap();
    let mut answer = |name: &str, token: &str, valid: bool| {
        assert_eq!(
            verifier.verify(token).now_or_never().unwrap().is_ok(),
            valid
        );
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| verifier.verify(black_box(token)).now_or_never());
        });
    };
    answer("one tenant", &token(secret, 1), true);
    answer("a hundred tenants", &token(secret, 100), true);
    answer(
        "previous secret",
        &token("the previous secret, over 32 bytes", 1),
        true,
    );
    answer(
        "forged",
        &token("another secret, of over 32 bytes.", 1),
        false,
    );
}

criterion_group!(benches, verify, unremembered_hs256, unremembered_es256);
criterion_main!(benches);
