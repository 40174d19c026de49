//! The printed configuration.

use nexus_raw_config::{Sources, load};
use tempfile::TempDir;

use crate::support::{embedded, loaded, sources, write};

#[test]
fn every_key_is_printed_with_its_value_and_origin() {
    let directory = TempDir::new().unwrap();
    let path = write(
        &directory,
        "nexus.toml",
        "[storage]\nregion = \"eu-west-1\"\npresign_ttl_seconds = 600\n",
    );
    let more = [
        ("storage.access_key_id", "canary"),
        ("storage.secret_access_key", "canary"),
        ("catalog.url", "postgres://app:canary@db.example.com/nexus"),
        ("tenancy.environments", "['dev']"),
    ];
    let sources = Sources {
        config_file: Some(path.clone()),
        ..sources(&["storage.region", "catalog.url"], &more)
    };
    let expected = r#"[http]
bind = "127.0.0.1:8080" # default
cors_origins = [] # default
cors_headers = ["tracestate", "baggage", "sentry-trace"] # default
drain_seconds = 0 # default
request_timeout_seconds = 10 # default
shutdown_timeout_seconds = 30 # default

[storage]
bucket = "nexus-raw-test" # NEXUS_RAW_STORAGE__BUCKET
region = "eu-west-1" # FILE
# endpoint is not set
force_path_style = false # default
access_key_id = "[redacted]" # NEXUS_RAW_STORAGE__ACCESS_KEY_ID
secret_access_key = "[redacted]" # NEXUS_RAW_STORAGE__SECRET_ACCESS_KEY
presign_ttl_seconds = 600 # FILE
intent_ttl_seconds = 86400 # default
max_object_bytes = 5368709120 # default
sync_hash_max_bytes = 67108864 # default
# expected_bucket_owner is not set
sse = "none" # default
# sse_kms_key_id is not set
require_versioning = false # default
allow_unsigned_headers = false # default
startup_timeout_seconds = 30 # default

[catalog]
url = "postgres://app:[redacted]@db.example.com/nexus" # NEXUS_RAW_CATALOG__URL
max_connections = 10 # default

[identity]
issuer = "https://login.example.com/" # NEXUS_RAW_IDENTITY__ISSUER
audience = "nexus-raw" # NEXUS_RAW_IDENTITY__AUDIENCE
hs256_secret = "[redacted]" # NEXUS_RAW_IDENTITY__HS256_SECRET
# hs256_previous_secret is not set
# jwks_file is not set
# jwks_url is not set
# algorithm is not set
leeway_seconds = 60 # default
max_lifetime_seconds = 86400 # default
tenant_ids_claim = "tenant_ids" # default
role_map_claim = "role_map" # default

[tenancy]
environments = ["dev"] # NEXUS_RAW_TENANCY__ENVIRONMENTS

[limits]
requests_per_second = 0 # default
burst = 0 # default

[events]
sinks = ["log"] # default
max_lag_seconds = 900 # default

[events.nats]
# url is not set
encoding = "native" # default

[events.http]
# url is not set
encoding = "cloudevents" # default
# hmac_secret is not set

[metrics]
bind = "127.0.0.1:9464" # default

[log]
format = "auto" # default
level = "info" # default

[embedded]
# s3_bind is not set
"#;
    let printed = load(&sources).unwrap().effective_toml();
    assert_eq!(printed, expected.replace("FILE", path.to_str().unwrap()));
}

#[test]
fn what_is_printed_is_toml_for_any_values() {
    let settings = loaded(&[
        ("identity.issuer", "a \"quoted\" \\ 'one' # not a comment"),
        ("identity.audience", "größe"),
    ]);
    let table: toml::Table = settings.effective_toml().parse().unwrap();
    assert_eq!(
        table["identity"]["issuer"].as_str(),
        Some("a \"quoted\" \\ 'one' # not a comment")
    );
    assert_eq!(table["identity"]["audience"].as_str(), Some("größe"));
}

#[test]
fn embedded_values_say_that_they_are() {
    let directory = TempDir::new().unwrap();
    let printed = load(&embedded(directory.path(), &[]))
        .unwrap()
        .effective_toml();
    for line in [
        "bucket = \"nexus-raw\" # embedded mode",
        "endpoint = \"http://127.0.0.1:9000\" # embedded mode",
        "hs256_secret = \"[redacted]\" # embedded mode",
        "s3_bind = \"127.0.0.1:9000\" # embedded mode",
    ] {
        assert!(
            printed.lines().any(|printed| printed == line),
            "{line}\n{printed}"
        );
    }
}

#[test]
fn what_is_printed_is_the_same_each_time() {
    assert_eq!(loaded(&[]).effective_toml(), loaded(&[]).effective_toml());
}
