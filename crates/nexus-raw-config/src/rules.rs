//! Rules between keys.

use figment::Figment;
use figment::value::Value;
use nexus_raw::net::is_loopback_ip;

use crate::faults::Faults;
use crate::keys;
use crate::leaves::origin;
use crate::sections::{Sections, events::SinkName, identity::TokenAlgorithm, storage::Sse};

/// Environments with which the documentation's example secrets are refused.
const PRODUCTION: [&str; 2] = ["prod", "production"];

/// Adds a fault for each broken rule. A key that is faulty by itself is skipped.
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
    /// Adds a fault for a key if a rule is `broken`.
    fn refuse(&mut self, broken: bool, name: &str, reason: &str) {
        if broken && !self.faults.has(name) {
            self.faults.add(name, reason, origin(self.figment, name));
        }
    }

    /// Returns the configured text, valid or not; `None` if it is empty.
    fn text(&self, name: &str) -> Option<String> {
        let text = self.figment.find_value(name).ok()?.into_string();
        text.filter(|text| !text.is_empty())
    }

    fn listeners(&mut self, embedded: bool) {
        let Sections { http, metrics, .. } = self.sections;
        let s3_bind = self.sections.embedded.s3_bind;
        let only = "is allowed only in embedded mode";
        self.refuse(!embedded && s3_bind.is_some(), "embedded.s3_bind", only);
        for (name, bind) in [
            ("http.bind", http.bind),
            ("metrics.bind", metrics.bind),
            ("embedded.s3_bind", s3_bind),
        ] {
            let is_open = bind.is_some_and(|bind| !is_loopback_ip(bind.ip()));
            let reason = "must be a loopback address in embedded mode";
            self.refuse(embedded && is_open, name, reason);
        }
    }

    fn credentials(&mut self) {
        let (id, key) = ("storage.access_key_id", "storage.secret_access_key");
        let [has_id, has_key] = [id, key].map(|name| self.text(name).is_some());
        self.refuse(has_id && !has_key, key, &format!("is required with {id}"));
        self.refuse(has_key && !has_id, id, &format!("is required with {key}"));
    }

    fn lifetimes(&mut self) {
        let storage = &self.sections.storage;
        let (url, intent) = (storage.presign_ttl_seconds, storage.intent_ttl_seconds);
        let ends_early = url.zip(intent).is_some_and(|(url, intent)| intent < url)
            && !self.faults.has("storage.presign_ttl_seconds");
        let reason = "must not be below storage.presign_ttl_seconds";
        self.refuse(ends_early, "storage.intent_ttl_seconds", reason);
    }

    fn encryption(&mut self) {
        let storage = &self.sections.storage;
        let (name, has_key) = ("storage.sse_kms_key_id", storage.sse_kms_key_id.is_some());
        if self.faults.has("storage.sse") {
            return;
        }
        let by_kms = storage.sse == Some(Sse::Kms);
        let required = "is required with storage.sse = \"kms\"";
        self.refuse(by_kms && !has_key, name, required);
        let only = "is allowed only with storage.sse = \"kms\"";
        self.refuse(!by_kms && has_key, name, only);
    }

    fn token_keys(&mut self) {
        let identity = &self.sections.identity;
        let secret = "identity.hs256_secret";
        let mut given = vec![
            (secret, identity.hs256_secret.is_some()),
            ("identity.jwks_file", identity.jwks_file.is_some()),
            ("identity.jwks_url", identity.jwks_url.is_some()),
        ];
        // an invalid one counts as well
        given.retain(|(name, is_good)| *is_good || self.faults.has(name));
        let none = "is required, or one of identity.jwks_file and identity.jwks_url instead";
        self.refuse(given.is_empty(), secret, none);
        if let [(one, _)] = given[..] {
            self.algorithm(one == secret);
        }
        let only = "must be the only one of identity.hs256_secret, identity.jwks_file and identity.jwks_url";
        for (name, _) in &given {
            self.refuse(given.len() > 1, name, only);
        }
        // without a secret an algorithm is required, whichever JWKS remains
        let has_jwks = identity.jwks_file.is_some() || identity.jwks_url.is_some();
        if given.len() > 1 && has_jwks && self.text(secret).is_none() {
            self.faults.need("identity.algorithm", identity.algorithm);
        }
        let previous = "identity.hs256_previous_secret";
        if identity.hs256_previous_secret.is_some() && !self.faults.has(secret) {
            let alone = identity.hs256_secret.is_none();
            self.refuse(
                alone,
                previous,
                "is allowed only with identity.hs256_secret",
            );
            let same = self.text(previous) == self.text(secret);
            self.refuse(same, previous, "must differ from identity.hs256_secret");
        }
    }

    fn algorithm(&mut self, by_secret: bool) {
        let broken = match self.sections.identity.algorithm {
            None => (!by_secret).then_some("is required with a JWKS: RS256, ES256 or EdDSA"),
            Some(TokenAlgorithm::Hs256) => {
                (!by_secret).then_some("must be RS256, ES256 or EdDSA with a JWKS")
            }
            Some(_) => by_secret.then_some("must be HS256 with identity.hs256_secret"),
        };
        let reason = broken.unwrap_or_default();
        self.refuse(broken.is_some(), "identity.algorithm", reason);
    }

    fn claims(&mut self) {
        let identity = &self.sections.identity;
        let registered = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];
        let (tenants, roles) = (&identity.tenant_ids_claim, &identity.role_map_claim);
        for (name, claim) in [
            ("identity.tenant_ids_claim", tenants),
            ("identity.role_map_claim", roles),
        ] {
            let is_registered = claim.as_deref().is_some_and(|it| registered.contains(&it));
            let reason = "must not be a registered claim of RFC 7519";
            self.refuse(is_registered, name, reason);
        }
        let same = tenants.is_some() && tenants == roles;
        let reason = "must differ from identity.tenant_ids_claim";
        self.refuse(same, "identity.role_map_claim", reason);
    }

    fn limits(&mut self) {
        let limits = &self.sections.limits;
        let has_burst = limits.burst.is_some_and(|burst| burst > 0);
        let reason = "is allowed only with limits.requests_per_second";
        let unlimited =
            limits.requests_per_second == Some(0) && !self.faults.has("limits.requests_per_second");
        self.refuse(unlimited && has_burst, "limits.burst", reason);
    }

    fn sinks(&mut self) {
        let (nats, http) = (&self.sections.events_nats, &self.sections.events_http);
        if self.faults.has("events.sinks") {
            return;
        }
        let named = |sink| {
            self.sections
                .events
                .sinks
                .iter()
                .flatten()
                .any(|it| *it == sink)
        };
        let (to_http, to_nats) = (named(SinkName::Http), named(SinkName::Nats));
        for (is_named, given, name, sink) in [
            (to_http, http.url.is_some(), "events.http.url", "http"),
            (to_nats, nats.url.is_some(), "events.nats.url", "nats"),
        ] {
            let required = format!("is required with the sink {sink}");
            self.refuse(is_named && !given, name, &required);
            let only = format!("is allowed only with the sink {sink}");
            self.refuse(given && !is_named, name, &only);
        }
        let alone = http.hmac_secret.is_some() && !to_http;
        self.refuse(
            alone,
            "events.http.hmac_secret",
            "is allowed only with the sink http",
        );
    }

    /// Refuses the documentation's example secrets, which are public, with a production
    /// environment.
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
            let example = keys::find(name).map(|key| key.example);
            let is_copied = example.is_some() && self.text(name).as_deref() == example;
            let reason =
                "is the example of the documentation and not allowed with a production environment";
            self.refuse(is_copied, name, reason);
        }
    }
}
