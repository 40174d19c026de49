//! What must hold between keys.

use figment::Figment;
use figment::value::Value;
use nexus_raw::net::is_loopback_ip;

use crate::faults::Faults;
use crate::keys;
use crate::leaves::origin;
use crate::sections::{Sections, events::SinkName, identity::TokenAlgorithm, storage::Sse};

/// Environments in whose presence the documentation's own secrets are refused.
const PRODUCTION: [&str; 2] = ["prod", "production"];

/// Notes what the values say against each other. A key that is faulty by itself is left out.
pub(crate) fn check(sections: &Sections, embedded: bool, figment: &Figment, faults: &mut Faults) {
    let mut rules = Rules {
        sections,
        figment,
        faults,
    };
    rules.listeners(embedded);
    rules.credentials();
    rules.lifetimes();
    rules.encryption();
    rules.token_keys();
    rules.claims();
    rules.limits();
    rules.sinks();
    rules.examples_in_production();
}

struct Rules<'a> {
    sections: &'a Sections,
    figment: &'a Figment,
    faults: &'a mut Faults,
}

impl Rules<'_> {
    fn refuse(&mut self, name: &str, reason: &str) {
        if !self.faults.has(name) {
            self.faults.add(name, reason, origin(self.figment, name));
        }
    }

    /// A text as it is given, whether or not it is a good one; none where it is empty.
    fn text(&self, name: &str) -> Option<String> {
        let text = self.figment.find_value(name).ok()?.into_string();
        text.filter(|text| !text.is_empty())
    }

    fn listeners(&mut self, embedded: bool) {
        let sections = self.sections;
        let binds = [
            ("http.bind", sections.http.bind),
            ("metrics.bind", sections.metrics.bind),
            ("embedded.s3_bind", sections.embedded.s3_bind),
        ];
        if embedded {
            for (name, bind) in binds {
                if bind.is_some_and(|bind| !is_loopback_ip(bind.ip())) {
                    self.refuse(name, "must be a loopback address in embedded mode");
                }
            }
        } else if sections.embedded.s3_bind.is_some() {
            self.refuse("embedded.s3_bind", "is for embedded mode only");
        }
    }

    fn credentials(&mut self) {
        let pair = ["storage.access_key_id", "storage.secret_access_key"];
        let given = pair.map(|name| self.text(name).is_some());
        if given[0] != given[1] {
            let (missing, there) = if given[0] {
                (pair[1], pair[0])
            } else {
                (pair[0], pair[1])
            };
            self.refuse(missing, &format!("is required with {there}"));
        }
    }

    fn lifetimes(&mut self) {
        let storage = &self.sections.storage;
        if self.faults.has("storage.presign_ttl_seconds") {
            return;
        }
        if let (Some(url), Some(intent)) = (storage.presign_ttl_seconds, storage.intent_ttl_seconds)
            && intent < url
        {
            self.refuse(
                "storage.intent_ttl_seconds",
                "must not be below storage.presign_ttl_seconds",
            );
        }
    }

    fn encryption(&mut self) {
        let storage = &self.sections.storage;
        if self.faults.has("storage.sse") {
            return;
        }
        match (storage.sse, &storage.sse_kms_key_id) {
            (Some(Sse::Kms), None) => self.refuse(
                "storage.sse_kms_key_id",
                "is required with storage.sse = \"kms\"",
            ),
            (Some(Sse::Kms), Some(_)) | (_, None) => {}
            (_, Some(_)) => self.refuse(
                "storage.sse_kms_key_id",
                "is for storage.sse = \"kms\" only",
            ),
        }
    }

    fn token_keys(&mut self) {
        let identity = &self.sections.identity;
        let sources = [
            ("identity.hs256_secret", identity.hs256_secret.is_some()),
            ("identity.jwks_file", identity.jwks_file.is_some()),
            ("identity.jwks_url", identity.jwks_url.is_some()),
        ];
        let meant = |(name, is_some): &(&str, bool)| *is_some || self.faults.has(name);
        let given: Vec<&str> = sources
            .iter()
            .filter(|source| meant(source))
            .map(|(name, _)| *name)
            .collect();
        match given[..] {
            [] => self.refuse(
                sources[0].0,
                "is required, or one of identity.jwks_file and identity.jwks_url in its place",
            ),
            [one] => self.algorithm_of(one),
            _ => {
                for name in given {
                    self.refuse(name, "must be the only one of identity.hs256_secret, identity.jwks_file and identity.jwks_url");
                }
            }
        }
        self.previous_secret();
    }

    fn algorithm_of(&mut self, source: &str) {
        let by_secret = source == "identity.hs256_secret";
        match self.sections.identity.algorithm {
            None if !by_secret => self.refuse(
                "identity.algorithm",
                "is required with a JWKS: RS256, ES256 or EdDSA",
            ),
            Some(other) if by_secret && other != TokenAlgorithm::Hs256 => {
                self.refuse(
                    "identity.algorithm",
                    "must be HS256 with identity.hs256_secret",
                );
            }
            Some(TokenAlgorithm::Hs256) if !by_secret => self.refuse(
                "identity.algorithm",
                "must be RS256, ES256 or EdDSA with a JWKS",
            ),
            _ => {}
        }
    }

    fn previous_secret(&mut self) {
        let identity = &self.sections.identity;
        if identity.hs256_previous_secret.is_none() || self.faults.has("identity.hs256_secret") {
            return;
        }
        if identity.hs256_secret.is_none() {
            self.refuse(
                "identity.hs256_previous_secret",
                "is for use with identity.hs256_secret only",
            );
        } else if self.text("identity.hs256_previous_secret") == self.text("identity.hs256_secret")
        {
            self.refuse(
                "identity.hs256_previous_secret",
                "must differ from identity.hs256_secret",
            );
        }
    }

    fn claims(&mut self) {
        let identity = &self.sections.identity;
        let registered = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];
        let claims = [
            ("identity.tenant_ids_claim", &identity.tenant_ids_claim),
            ("identity.role_map_claim", &identity.role_map_claim),
        ];
        for (name, claim) in claims {
            if claim
                .as_deref()
                .is_some_and(|claim| registered.contains(&claim))
            {
                self.refuse(name, "must not be a registered claim of RFC 7519");
            }
        }
        if identity.tenant_ids_claim.is_some()
            && identity.tenant_ids_claim == identity.role_map_claim
        {
            self.refuse(
                "identity.role_map_claim",
                "must differ from identity.tenant_ids_claim",
            );
        }
    }

    fn limits(&mut self) {
        let limits = &self.sections.limits;
        let unlimited =
            limits.requests_per_second == Some(0) && !self.faults.has("limits.requests_per_second");
        if unlimited && limits.burst.is_some_and(|burst| burst > 0) {
            self.refuse(
                "limits.burst",
                "is for use with limits.requests_per_second only",
            );
        }
    }

    fn sinks(&mut self) {
        let sections = self.sections;
        if self.faults.has("events.sinks") {
            return;
        }
        let named = |sink| {
            sections
                .events
                .sinks
                .iter()
                .flatten()
                .any(|name| *name == sink)
        };
        let (http, nats) = (named(SinkName::Http), named(SinkName::Nats));
        let (to_http, to_nats) = (&sections.events_http, &sections.events_nats);
        let needed = [
            (http, to_http.url.is_some(), "events.http.url", "http"),
            (nats, to_nats.url.is_some(), "events.nats.url", "nats"),
        ];
        for (named, given, key, sink) in needed {
            if named && !given {
                self.refuse(key, &format!("is required with the sink {sink}"));
            }
            if given && !named {
                self.refuse(key, &format!("is for the sink {sink} only"));
            }
        }
        if to_http.hmac_secret.is_some() && !http {
            self.refuse("events.http.hmac_secret", "is for the sink http only");
        }
    }

    /// Development settings with a production environment: whoever copied the examples of the
    /// documentation has secrets that everyone can read.
    fn examples_in_production(&mut self) {
        let environments = self.figment.find_value("tenancy.environments");
        let environments = environments.ok().and_then(Value::into_array);
        let is_production = |name: &Value| name.as_str().is_some_and(|it| PRODUCTION.contains(&it));
        if !environments.is_some_and(|names| names.iter().any(is_production)) {
            return;
        }
        for name in [
            "storage.access_key_id",
            "storage.secret_access_key",
            "identity.hs256_secret",
            "identity.hs256_previous_secret",
            "events.http.hmac_secret",
        ] {
            let (given, example) = (self.text(name), keys::find(name).map(|key| key.example));
            if given.is_some() && given.as_deref() == example {
                self.refuse(
                    name,
                    "is the example of the documentation: not with a production environment",
                );
            }
        }
    }
}
