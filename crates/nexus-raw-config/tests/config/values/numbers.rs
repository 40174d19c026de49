//! Numbers and switches.

use std::time::Duration;

use super::holds;
use crate::support::{errors, fault, loaded};

const NO_INTEGERS: [&str; 12] = [
    "",
    " ",
    "x",
    "1.0",
    "1e3",
    "true",
    "\"1\"",
    "[1]",
    "1\n[x]",
    "-9223372036854775808",
    "9223372036854775808",
    "99999999999999999999999999999999999999999",
];

fn integer(key: &str, from: i64, to: i64) {
    let [low, high, below, above] = [from, to, from - 1, to + 1].map(|value| value.to_string());
    let mut bad = vec![below.as_str(), above.as_str()];
    bad.extend(NO_INTEGERS);
    holds(
        key,
        &format!("an integer from {from} to {to}"),
        &[&low, &high],
        &bad,
    );
}

#[test]
fn integers_have_the_documented_ranges() {
    const WEEK: i64 = 604_800;
    const FIVE_GIB: i64 = 5 * 1024 * 1024 * 1024;
    integer("http.drain_seconds", 0, 300);
    integer("http.request_timeout_seconds", 1, 300);
    integer("http.shutdown_timeout_seconds", 1, 3600);
    integer("storage.max_object_bytes", 1, 1024 * FIVE_GIB);
    integer("storage.sync_hash_max_bytes", 1, FIVE_GIB);
    integer("storage.startup_timeout_seconds", 1, 3600);
    integer("catalog.max_connections", 1, 1000);
    integer("identity.leeway_seconds", 0, 60);
    integer("identity.max_lifetime_seconds", 1, 31_536_000);
    integer("limits.requests_per_second", 0, 1_000_000);
    integer("events.max_lag_seconds", 1, WEEK);
}

#[test]
fn times_to_live_go_from_a_second_to_a_week() {
    let rule = "must be an integer from 1 to 604800";
    for bad in ["0", "604801", "-1"] {
        assert_eq!(
            errors(&[("storage.presign_ttl_seconds", bad)]),
            fault("storage.presign_ttl_seconds", rule)
        );
        assert_eq!(
            errors(&[("storage.intent_ttl_seconds", bad)]),
            fault("storage.intent_ttl_seconds", rule)
        );
    }
    for (presign, intent) in [("1", "1"), ("1", "604800"), ("604800", "604800")] {
        let settings = loaded(&[
            ("storage.presign_ttl_seconds", presign),
            ("storage.intent_ttl_seconds", intent),
        ]);
        assert_eq!(
            settings.storage.presign_ttl,
            Duration::from_secs(presign.parse().unwrap())
        );
        assert_eq!(
            settings.storage.intent_ttl,
            Duration::from_secs(intent.parse().unwrap())
        );
    }
}

#[test]
fn booleans_are_true_or_false_and_nothing_else() {
    for key in [
        "storage.force_path_style",
        "storage.require_versioning",
        "storage.allow_unsigned_headers",
    ] {
        holds(
            key,
            "true or false",
            &["true", "false"],
            &["", "yes", "1", "TRUE", "True", "\"true\"", "tru"],
        );
    }
}
