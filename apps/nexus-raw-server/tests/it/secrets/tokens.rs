use std::{sync::Arc, time::Duration};

use nexus_raw::{
    ports::Clock,
    system::SystemClock,
    tenancy::{Role, TenantId, UserId},
};
use nexus_raw_identity_jwt::{JwtSettings, KeySettings, TokenIssuer, TokenRequest};
use nexus_raw_testkit::{FixedClock, sample};

/// An issuer of tokens, and their audience.
#[derive(Clone, Copy)]
pub(crate) struct Issuer<'a> {
    pub(crate) name: &'a str,
    pub(crate) audience: &'a str,
    pub(crate) secret: &'a str,
}

/// Tokens of every kind; each is a secret, also where it is good for nothing.
pub(crate) struct Tokens {
    pub(crate) owner: String,
    pub(crate) viewer: String,
    pub(crate) bad: Vec<(&'static str, String)>,
}

impl Issuer<'_> {
    fn issue(&self, role: Role, clock: Arc<dyn Clock>) -> String {
        let keys = KeySettings::Hs256 {
            secret: self.secret.into(),
            previous: None,
        };
        let settings = JwtSettings::new(self.name, self.audience, keys);
        let request = TokenRequest {
            user: UserId::parse("u_demo").unwrap(),
            memberships: vec![(TenantId::parse("t_demo").unwrap(), Some(role))],
            ttl: Duration::from_hours(1),
        };
        let issuer = TokenIssuer::new(settings, clock).unwrap();
        issuer.issue(&request).unwrap()
    }

    pub(crate) fn tokens(&self) -> Tokens {
        let now = || Arc::new(SystemClock);
        let owner = self.issue(Role::Owner, now());
        let long_ago = Arc::new(FixedClock::at(sample::now()));
        let another = Issuer {
            secret: "another-secret-of-another-identity-provider",
            ..*self
        };
        let bad = vec![
            ("expired", self.issue(Role::Owner, long_ago)),
            ("forged", another.issue(Role::Owner, now())),
            ("cut", owner[..owner.len() - 9].to_owned()),
            ("changed", owner.replace('.', "._")),
            ("too long", format!("{owner}{}", "A".repeat(9000))),
            ("no token", "no-token-at-all-but-secret".to_owned()),
        ];
        Tokens {
            owner,
            viewer: self.issue(Role::Viewer, now()),
            bad,
        }
    }
}

impl Tokens {
    /// Each part that is secret, by a name. The first part of a token is the same everywhere.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (String, &str)> {
        let good = [("owner", &self.owner), ("viewer", &self.viewer)];
        let bad = self.bad.iter().map(|(name, token)| (*name, token));
        good.into_iter().chain(bad).flat_map(|(name, token)| {
            let parts = token.split('.').enumerate();
            let parts = parts.filter(|(at, part)| *at > 0 || !part.starts_with("eyJ"));
            parts.map(move |(at, part)| (format!("part {at} of token `{name}`"), part))
        })
    }
}
