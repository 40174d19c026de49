//! Values of the libraries that an engine team embeds.

use std::{fmt::Debug, sync::Arc};

use nexus_raw::asset::BucketName;
use nexus_raw_catalog_sql::{ObjectStoreIdentity, SqlCatalogSettings};
use nexus_raw_config::EmbeddedMode;
use nexus_raw_embedded_s3::{Credentials, Settings};
use nexus_raw_identity_jwt::{JwtIdentityVerifier, JwtSettings, KeySettings, TokenIssuer};
use nexus_raw_server::system::SystemClock;
use nexus_raw_storage_s3::{S3Settings, ServerSideEncryption, StaticCredentials};
use nexus_raw_testkit::Canaries;

use crate::{
    exits::DATABASE,
    running::{PREVIOUS, SECRET, SECRET_KEY},
};

fn assert_not_told(value: &impl Debug) {
    let mut canaries = Canaries::new();
    for secret in [SECRET, PREVIOUS, SECRET_KEY, DATABASE] {
        canaries.add(secret, secret);
    }
    canaries.assert_none_in("Debug", format!("{value:?} {value:#?}"));
}

#[test]
fn no_value_that_holds_a_secret_prints_it() {
    let keys = KeySettings::Hs256 {
        secret: SECRET.into(),
        previous: Some(PREVIOUS.into()),
    };
    assert_not_told(&keys);
    let settings = JwtSettings::new("https://issuer.example", "nexus-raw", keys);
    assert_not_told(&settings);
    let clock = Arc::new(SystemClock);
    assert_not_told(&TokenIssuer::new(settings.clone(), clock.clone()).unwrap());
    assert_not_told(&JwtIdentityVerifier::new(settings, clock).unwrap());

    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: SECRET_KEY.into(),
    };
    assert_not_told(&credentials);
    assert_not_told(&Settings::new("data", credentials));

    let credentials = StaticCredentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: SECRET_KEY.into(),
    };
    assert_not_told(&credentials);
    assert_not_told(&S3Settings {
        bucket: BucketName::parse("nexus-raw").unwrap(),
        region: "eu-central-1".to_owned(),
        endpoint: None,
        force_path_style: false,
        credentials: Some(credentials),
        server_side_encryption: ServerSideEncryption::None,
        expected_bucket_owner: None,
        require_versioning: false,
        allow_unsigned_headers: false,
    });
    assert_not_told(&SqlCatalogSettings {
        url: format!("postgres://nexus:{DATABASE}@127.0.0.1/nexus"),
        max_connections: SqlCatalogSettings::MAX_CONNECTIONS,
        object_store: ObjectStoreIdentity {
            endpoint: None,
            region: "eu-central-1".to_owned(),
            bucket: BucketName::parse("nexus-raw").unwrap(),
        },
    });
}

#[test]
fn a_data_directory_prints_none_of_its_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let mode = EmbeddedMode::prepare(directory.path()).unwrap();
    let mut canaries = Canaries::new();
    for name in crate::running::SECRET_FILES {
        let secret = std::fs::read_to_string(directory.path().join(name)).unwrap();
        canaries.add(name, secret.trim_end());
    }
    canaries.assert_none_in("Debug", format!("{mode:?} {:#?}", mode.secrets()));
}
