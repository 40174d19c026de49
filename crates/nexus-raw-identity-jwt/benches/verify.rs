//! What a token costs: it is verified before anything else of every request.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up must fail"
)]

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use nexus_raw::{
    ports::{Clock, IdentityVerifier},
    tenancy::{Role, TenantId, UserId},
    time::Timestamp,
};
use nexus_raw_identity_jwt::{
    JwtIdentityVerifier, JwtSettings, KeySettings, TokenIssuer, TokenRequest,
};

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

criterion_group!(benches, verify);
criterion_main!(benches);
