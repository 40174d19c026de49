//! What is empty or not there.

use std::time::Duration;

use crate::support::{errors_in, fault, loaded, refused, sources};
use nexus_raw_config::{LogFormat, LogLevel, TokenAlgorithm};

#[test]
fn an_empty_value_is_no_value() {
    for key in [
        "http.bind",
        "storage.bucket",
        "catalog.url",
        "identity.issuer",
        "identity.hs256_secret",
        "log.level",
    ] {
        assert_eq!(
            errors_in(&sources(&[key], &[(key, "")])),
            fault(key, "must not be empty; omit the key instead")
        );
    }
}

#[test]
fn what_nobody_sets_has_the_documented_default() {
    let settings = loaded(&[]);
    assert_eq!(settings.http.bind.to_string(), "127.0.0.1:8080");
    assert!(settings.http.cors_origins.is_empty());
    assert_eq!(settings.http.drain, Duration::ZERO);
    assert_eq!(settings.http.request_timeout, Duration::from_secs(10));
    assert_eq!(settings.http.shutdown_timeout, Duration::from_secs(30));
    assert_eq!(settings.storage.endpoint, None);
    assert!(!settings.storage.force_path_style);
    assert!(settings.storage.credentials.is_none());
    assert_eq!(settings.storage.presign_ttl, Duration::from_mins(15));
    assert_eq!(settings.storage.intent_ttl, Duration::from_hours(24));
    assert_eq!(
        settings.storage.max_object_bytes.get(),
        5 * 1024 * 1024 * 1024
    );
    assert_eq!(settings.storage.sync_hash_max_bytes.get(), 64 * 1024 * 1024);
    assert_eq!(settings.storage.expected_bucket_owner, None);
    assert!(!settings.storage.require_versioning);
    assert!(!settings.storage.allow_unsigned_headers);
    assert_eq!(settings.storage.startup_timeout, Duration::from_secs(30));
    assert_eq!(settings.identity.algorithm, TokenAlgorithm::Hs256);
    assert_eq!(settings.identity.leeway, Duration::from_mins(1));
    assert_eq!(settings.identity.max_lifetime, Duration::from_hours(24));
    assert_eq!(settings.identity.tenant_ids_claim, "tenant_ids");
    assert_eq!(settings.identity.role_map_claim, "role_map");
    let environments: Vec<_> = settings
        .tenancy
        .environments
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(environments, ["dev", "staging", "prod"]);
    assert_eq!(settings.limits.rate, None);
    assert_eq!(settings.events.max_lag, Duration::from_mins(15));
    assert_eq!(settings.metrics.bind.to_string(), "127.0.0.1:9464");
    assert_eq!(
        (settings.log.format, settings.log.level),
        (LogFormat::Auto, LogLevel::Info)
    );
    assert!(settings.embedded.is_none());
}

#[test]
fn what_is_required_is_missed_by_name_all_at_once() {
    let faults: Vec<_> = refused(&nexus_raw_config::Sources::default())
        .faults()
        .iter()
        .map(ToString::to_string)
        .collect();
    let missing = |key: &str| {
        format!(
            "{key}: is required: set it in the file or as {}",
            crate::support::variable(key)
        )
    };
    assert_eq!(
        faults,
        [
            missing("storage.bucket"),
            missing("storage.region"),
            missing("catalog.url"),
            missing("identity.issuer"),
            missing("identity.audience"),
            "identity.hs256_secret: is required, or one of identity.jwks_file and identity.jwks_url instead".to_owned(),
        ]
    );
}
