use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use nexus_raw::{
    ports::IdentityVerifier,
    tenancy::{Principal, Role, TenantId, UserId},
};
use nexus_raw_testkit::{contract::identity::IdentityHarness, identity_contract};
use serde_json::{Value, json};

use crate::{
    file::KeyFile,
    forge::{Key, NOW, claims, set},
};

struct Jwks(Key);

impl Jwks {
    fn with(&self, name: &str, value: Value) -> String {
        let mut claims = claims();
        claims[name] = value;
        self.0
            .sign(&json!({"alg": self.0.alg(), "kid": self.0.id}), &claims)
    }
}

#[async_trait]
impl IdentityHarness for Jwks {
    async fn open(&self) -> Arc<dyn IdentityVerifier> {
        let file = KeyFile::of(&set(&[&self.0]));
        Arc::new(file.verifier(self.0.algorithm).unwrap())
    }

    fn genuine(&self) -> (String, Principal) {
        let tenant = TenantId::parse("t_a").unwrap();
        let memberships = BTreeMap::from([(tenant, Some(Role::Owner))]);
        let user = UserId::parse("u_demo").unwrap();
        (self.0.token(), Principal::from_verified(user, memberships))
    }

    fn forgeries(&self) -> Vec<(&'static str, String)> {
        let unknown = json!({"alg": self.0.alg(), "kid": "no-such-key"});
        let none = json!({"alg": "none", "kid": self.0.id});
        vec![
            ("an unknown key", self.0.sign(&unknown, &claims())),
            ("no algorithm", self.0.sign(&none, &claims())),
            ("expired", self.with("exp", json!(NOW - 60))),
            (
                "for another audience",
                self.with("aud", json!("other-audience")),
            ),
        ]
    }
}

mod rs256 {
    use super::*;
    identity_contract!(Jwks(Key::rsa()));
}

mod es256 {
    use super::*;
    identity_contract!(Jwks(Key::p256()));
}

mod eddsa {
    use super::*;
    identity_contract!(Jwks(Key::ed25519()));
}
