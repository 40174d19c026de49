use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use nexus_raw::{
    ports::IdentityVerifier,
    tenancy::{Principal, Role, TenantId, UserId},
};
use nexus_raw_identity_jwt::JwtIdentityVerifier;
use nexus_raw_testkit::{contract::identity::IdentityHarness, identity_contract};
use serde_json::{Value, json};

use crate::forge::{
    HEADER, NOW, base64url, claims, clock, good, settings, sign, sign_parts, with, without,
};

struct Jwt;

#[async_trait]
impl IdentityHarness for Jwt {
    async fn open(&self) -> Arc<dyn IdentityVerifier> {
        Arc::new(JwtIdentityVerifier::new(settings(), clock(Duration::ZERO)).unwrap())
    }

    fn genuine(&self) -> (String, Principal) {
        let memberships = BTreeMap::from([
            (TenantId::parse("t_a").unwrap(), Some(Role::Owner)),
            (TenantId::parse("t_b").unwrap(), Some(Role::Viewer)),
        ]);
        let user = UserId::parse("u_demo").unwrap();
        (good(), Principal::from_verified(user, memberships))
    }

    fn forgeries(&self) -> Vec<(&'static str, String)> {
        let claims = Value::Object(claims()).to_string();
        let other_secret = "somebody else's secret, over 32 bytes";
        vec![
            (
                "another secret",
                sign_parts(&base64url(HEADER), &base64url(&claims), other_secret),
            ),
            ("no algorithm", sign(r#"{"alg":"none"}"#, &claims)),
            (
                "a key in the header",
                sign(r#"{"alg":"HS256","jku":"https://keys.test"}"#, &claims),
            ),
            ("expired", with("exp", json!(NOW - 60))),
            ("not yet valid", with("nbf", json!(NOW + 3600))),
            (
                "from another issuer",
                with("iss", json!("https://other-issuer.test")),
            ),
            ("for another audience", with("aud", json!("other-audience"))),
            ("of nobody", without("sub")),
        ]
    }
}

identity_contract!(Jwt);
