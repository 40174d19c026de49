//! The store and the catalogue.

use nexus_raw_config::{CatalogLocation, ServerSideEncryption, load};
use secrecy::ExposeSecret;

use super::holds;
use crate::support::{errors, errors_in, fault, loaded, sources};

#[test]
fn a_bucket_has_a_name_by_the_rules_of_aws() {
    let longest = "a".repeat(63);
    let too_long = "a".repeat(64);
    holds(
        "storage.bucket",
        "a bucket name by AWS's rules (3 to 63 of a-z, 0-9, dot and hyphen)",
        &["abc", "a-b.c-1", "123", "1.2.3", &longest],
        &[
            "ab",
            &too_long,
            "Abc",
            "a_b",
            "-abc",
            "abc-",
            ".abc",
            "abc.",
            "a..b",
            "192.168.5.4",
            "999.999.999.999",
            "xn--abc",
            "sthree-abc",
            "amzn-s3-demo-abc",
            "abc-s3alias",
            "abc--ol-s3",
            "abc.mrap",
            "abc--x-s3",
            "abc--table-s3",
            "a b",
            "a/b",
            "bücket",
            "abc\n",
        ],
    );
}

#[test]
fn a_region_is_up_to_32_of_lower_case_digits_and_hyphen() {
    let longest = "r".repeat(32);
    let too_long = "r".repeat(33);
    holds(
        "storage.region",
        "1 to 32 of a-z, 0-9 and hyphen",
        &["eu-central-1", "auto", "r", &longest],
        &[&too_long, "EU", "eu_1", "eu 1", "eu/1", "é"],
    );
}

#[test]
fn an_endpoint_is_https_or_loopback_and_names_no_user_path_or_metadata_address() {
    holds(
        "storage.endpoint",
        "an https URL of scheme, host and port (http only to loopback), without user, path or query, and not a metadata or unspecified address",
        &[
            "https://s3.example.com",
            "https://s3.example.com:9000/",
            "http://127.0.0.1:8333",
            "http://localhost",
            "http://[::1]:1",
        ],
        &[
            "http://s3.example.com",
            "https://u:p@s3.example.com",
            "https://s3.example.com/path",
            "https://s3.example.com?a",
            "https://s3.example.com#a",
            "https://169.254.169.254",
            "http://169.254.170.2",
            "https://[fd00:ec2::254]",
            "https://0.0.0.0",
            "s3.example.com",
            "ftp://s3.example.com",
            "https://",
            "s3://bucket",
        ],
    );
}

#[test]
fn a_bucket_owner_is_an_account_id() {
    let key = "storage.expected_bucket_owner";
    // a number for figment's own reader, and another one without its zeros
    assert_eq!(
        loaded(&[(key, "000122223333")])
            .storage
            .expected_bucket_owner
            .as_deref(),
        Some("000122223333")
    );
    holds(
        key,
        "an AWS account id of 12 digits",
        &[],
        &[
            "11112222333",
            "1111222233334",
            "11112222333x",
            "1111-2222-333",
        ],
    );
}

#[test]
fn server_side_encryption_is_none_s3_or_kms_with_its_key() {
    holds(
        "storage.sse",
        "none, s3 or kms",
        &["none", "s3"],
        &["KMS", "aws:kms", "AES256", "true"],
    );
    assert_eq!(loaded(&[]).storage.encryption, ServerSideEncryption::None);
    assert_eq!(
        loaded(&[("storage.sse", "s3")]).storage.encryption,
        ServerSideEncryption::S3
    );
    let kms = loaded(&[
        ("storage.sse", "kms"),
        ("storage.sse_kms_key_id", "alias/raw"),
    ]);
    assert_eq!(
        kms.storage.encryption,
        ServerSideEncryption::Kms {
            key_id: "alias/raw".to_owned()
        }
    );
    assert_eq!(
        errors(&[("storage.sse", "kms"), ("storage.sse_kms_key_id", "a b")]),
        fault(
            "storage.sse_kms_key_id",
            "must be a KMS key id or ARN of 1 to 2048 visible ASCII characters"
        )
    );
}

#[test]
fn storage_credentials_are_visible_ascii() {
    let with = |id: &str, key: &str| {
        sources(
            &[],
            &[
                ("storage.access_key_id", id),
                ("storage.secret_access_key", key),
            ],
        )
    };
    let settings = load(&with("0123456789", "a+/b=000")).unwrap();
    let pair = settings.storage.credentials.unwrap();
    assert_eq!(pair.access_key_id.expose_secret(), "0123456789");
    assert_eq!(pair.secret_access_key.expose_secret(), "a+/b=000");
    for bad in ["a/b", "a b", "é"] {
        assert_eq!(
            errors_in(&with(bad, "key")),
            fault(
                "storage.access_key_id",
                "must be 1 to 128 visible ASCII characters without a slash"
            )
        );
    }
    for bad in ["a b", "a\n", "é"] {
        assert_eq!(
            errors_in(&with("id", bad)),
            fault(
                "storage.secret_access_key",
                "must be 1 to 256 visible ASCII characters"
            )
        );
    }
}

#[test]
fn a_catalogue_is_a_file_of_sqlite_or_a_postgres_url() {
    holds(
        "catalog.url",
        "sqlite:PATH to a file, or a postgres:// URL",
        &[
            "sqlite:a.sqlite",
            "sqlite:/var/lib/a.sqlite",
            "postgres://u:p@h/d",
            "postgresql://h/d",
        ],
        &[
            "a.sqlite",
            "sqlite:",
            "sqlite::memory:",
            "sqlite:a?mode=memory",
            "mysql://h/d",
            "postgres",
            "file:a",
        ],
    );
    let CatalogLocation::Sqlite(path) = loaded(&[]).catalog.location else {
        panic!()
    };
    assert_eq!(path.to_str(), Some("catalog.sqlite"));
}
