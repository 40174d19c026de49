//! What must hold between keys.

use nexus_raw_config::{RateLimit, load};

use crate::support::{SECRET, errors, errors_in, fault, loaded, refused, sources};

#[test]
fn an_intent_never_ends_before_its_url() {
    assert_eq!(
        errors(&[
            ("storage.presign_ttl_seconds", "901"),
            ("storage.intent_ttl_seconds", "900")
        ]),
        fault(
            "storage.intent_ttl_seconds",
            "must not be below storage.presign_ttl_seconds"
        )
    );
    assert_eq!(
        errors(&[("storage.presign_ttl_seconds", "86401")]),
        "storage.intent_ttl_seconds: must not be below storage.presign_ttl_seconds (default)"
    );
}

#[test]
fn half_a_pair_of_storage_credentials_is_refused() {
    assert_eq!(
        errors(&[("storage.access_key_id", "id")]),
        "storage.secret_access_key: is required with storage.access_key_id"
    );
    assert_eq!(
        errors(&[("storage.secret_access_key", "key")]),
        "storage.access_key_id: is required with storage.secret_access_key"
    );
}

#[test]
fn a_kms_key_goes_with_kms_and_kms_with_a_key() {
    assert_eq!(
        errors(&[("storage.sse", "kms")]),
        "storage.sse_kms_key_id: is required with storage.sse = \"kms\""
    );
    for sse in ["none", "s3"] {
        assert_eq!(
            errors(&[("storage.sse", sse), ("storage.sse_kms_key_id", "k")]),
            fault(
                "storage.sse_kms_key_id",
                "is allowed only with storage.sse = \"kms\""
            )
        );
    }
}

#[test]
fn token_keys_come_from_exactly_one_source() {
    let only =
        "must be the only one of identity.hs256_secret, identity.jwks_file and identity.jwks_url";
    assert_eq!(
        errors(&[
            ("identity.jwks_file", "keys.json"),
            ("identity.jwks_url", "https://login.example.com/keys")
        ]),
        [
            fault("identity.hs256_secret", only),
            fault("identity.jwks_file", only),
            fault("identity.jwks_url", only),
        ]
        .join("\n")
    );
    assert_eq!(
        errors_in(&sources(&["identity.hs256_secret"], &[])),
        "identity.hs256_secret: is required, or one of identity.jwks_file and identity.jwks_url instead"
    );
}

#[test]
fn an_algorithm_is_missed_only_where_a_jwks_is_left() {
    let keys = |secret: &str| {
        let sources = sources(
            &["identity.hs256_secret"],
            &[
                ("identity.hs256_secret", secret),
                ("identity.jwks_file", "keys.json"),
            ],
        );
        let faults = refused(&sources);
        let keys = faults.faults().iter().map(|fault| fault.key().to_owned());
        keys.collect::<Vec<_>>()
    };
    let both = ["identity.hs256_secret", "identity.jwks_file"];
    assert_eq!(keys(SECRET), both);
    assert_eq!(keys("short"), both);
    assert_eq!(keys(""), [both[0], both[1], "identity.algorithm"]);
}

#[test]
fn the_algorithm_fits_the_keys() {
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        assert_eq!(
            errors(&[("identity.algorithm", algorithm)]),
            fault(
                "identity.algorithm",
                "must be HS256 with identity.hs256_secret"
            )
        );
    }
    let jwks = |more: &[(&str, &str)]| {
        let mut keys = vec![("identity.jwks_file", "keys.json")];
        keys.extend(more);
        errors_in(&sources(&["identity.hs256_secret"], &keys))
    };
    assert_eq!(
        jwks(&[]),
        "identity.algorithm: is required with a JWKS: RS256, ES256 or EdDSA"
    );
    assert_eq!(
        jwks(&[("identity.algorithm", "HS256")]),
        fault(
            "identity.algorithm",
            "must be RS256, ES256 or EdDSA with a JWKS"
        )
    );
}

#[test]
fn the_previous_secret_goes_with_another_present_one() {
    let key = "identity.hs256_previous_secret";
    let previous = "canary-of-the-secret-before-the-last-rotation";
    loaded(&[(key, previous)]);
    assert_eq!(
        errors(&[(key, SECRET)]),
        fault(key, "must differ from identity.hs256_secret")
    );
    assert_eq!(
        errors(&[(key, "short")]),
        fault(key, "must be text of 32 to 4096 bytes")
    );
    let jwks = [
        ("identity.jwks_file", "k"),
        ("identity.algorithm", "RS256"),
        (key, previous),
    ];
    assert_eq!(
        errors_in(&sources(&["identity.hs256_secret"], &jwks)),
        fault(key, "is allowed only with identity.hs256_secret")
    );
}

#[test]
fn the_two_claims_are_apart_from_each_other_and_from_registered_ones() {
    assert_eq!(
        errors(&[("identity.role_map_claim", "tenant_ids")]),
        fault(
            "identity.role_map_claim",
            "must differ from identity.tenant_ids_claim"
        )
    );
    for registered in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"] {
        assert_eq!(
            errors(&[("identity.tenant_ids_claim", registered)]),
            fault(
                "identity.tenant_ids_claim",
                "must not be a registered claim of RFC 7519"
            )
        );
    }
}

#[test]
fn a_burst_needs_a_rate_and_defaults_to_it() {
    assert_eq!(
        errors(&[("limits.burst", "5")]),
        fault(
            "limits.burst",
            "is allowed only with limits.requests_per_second"
        )
    );
    let rate = |more: &[(&str, &str)]| {
        let RateLimit {
            requests_per_second,
            burst,
            ..
        } = loaded(more).limits.rate.unwrap();
        (requests_per_second.get(), burst.get())
    };
    assert_eq!(rate(&[("limits.requests_per_second", "50")]), (50, 50));
    assert_eq!(
        rate(&[("limits.requests_per_second", "50"), ("limits.burst", "7")]),
        (50, 7)
    );
}

#[test]
fn the_secrets_of_the_documentation_do_not_serve_production() {
    let example = "an-example-of-32-bytes-or-more-not-to-be-used";
    let with = |environments: &str| {
        sources(
            &["identity.hs256_secret"],
            &[
                ("identity.hs256_secret", example),
                ("storage.access_key_id", "AKIAIOSFODNN7EXAMPLE"),
                (
                    "storage.secret_access_key",
                    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                ),
                ("tenancy.environments", environments),
            ],
        )
    };
    let reason =
        "is the example of the documentation and not allowed with a production environment";
    for production in [r#"["dev", "prod"]"#, r#"["production"]"#] {
        assert_eq!(
            errors_in(&with(production)),
            [
                fault("storage.access_key_id", reason),
                fault("storage.secret_access_key", reason),
                fault("identity.hs256_secret", reason),
            ]
            .join("\n")
        );
    }
    load(&with(r#"["dev", "staging"]"#)).unwrap();
}

#[test]
fn a_key_that_is_bad_by_itself_is_reported_once() {
    assert_eq!(
        errors(&[
            ("storage.presign_ttl_seconds", "0"),
            ("storage.access_key_id", "a b"),
            ("storage.secret_access_key", "key"),
            ("storage.sse", "x"),
            ("storage.sse_kms_key_id", "k"),
            ("identity.algorithm", "none"),
        ]),
        [
            fault(
                "storage.access_key_id",
                "must be 1 to 128 visible ASCII characters without a slash"
            ),
            fault(
                "storage.presign_ttl_seconds",
                "must be an integer from 1 to 604800"
            ),
            fault("storage.sse", "must be none, s3 or kms"),
            fault(
                "identity.algorithm",
                "must be HS256 with a secret, and RS256, ES256 or EdDSA with a JWKS"
            ),
        ]
        .join("\n")
    );
}

#[test]
fn the_keys_of_a_sink_stand_with_it() {
    assert_eq!(
        errors(&[("events.sinks", r#"["log", "http"]"#)]),
        "events.http.url: is required with the sink http"
    );
    assert_eq!(
        errors(&[
            ("events.http.url", "https://hooks.example.com/"),
            (
                "events.http.hmac_secret",
                "a-secret-of-the-receiver-of-32-bytes"
            ),
        ]),
        format!(
            "{}\n{}",
            fault("events.http.url", "is allowed only with the sink http"),
            fault(
                "events.http.hmac_secret",
                "is allowed only with the sink http"
            )
        )
    );
    assert_eq!(
        errors(&[("events.sinks", r#"["nats"]"#)]),
        "events.nats.url: is required with the sink nats"
    );
    assert_eq!(
        errors(&[("events.nats.url", "tls://nats.example.com")]),
        fault("events.nats.url", "is allowed only with the sink nats")
    );
}
