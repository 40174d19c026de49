//! One signer over days and renewed credentials.

use std::time::Duration;

use aws_credential_types::Credentials;
use nexus_raw::{asset::UploadIntent, time::Timestamp};
use proptest::{prelude::*, test_runner::TestCaseError};

use super::{
    presigning::{any_settings, presigned_by_sdk},
    support::{
        ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, at, intent, now, settings, static_credentials,
    },
};
use crate::{
    S3Settings, ServerSideEncryption,
    endpoint::BucketUrl,
    signing::{Lifetime, Signer, Upload},
};

const LIFE: Duration = Duration::from_mins(15);

/// Any two differ in one value alone.
fn any_credentials() -> impl Strategy<Value = Credentials> {
    let token = prop_oneof![Just(None), Just(Some("")), Just(Some(SESSION_TOKEN))];
    let id = prop_oneof![Just(ACCESS_KEY), Just("AKIA+OTHER/ID")];
    let secret = prop_oneof![Just(SECRET_KEY), Just("another")];
    (id, secret, token).prop_map(|(id, secret, token)| {
        Credentials::new(id, secret, token.map(str::to_owned), None, "tests")
    })
}

/// Times around two midnights, and any other.
fn any_time() -> impl Strategy<Value = Timestamp> {
    let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000).unwrap();
    prop_oneof![
        Just(super::support::at("2028-02-28T23:59:59.999999Z")),
        Just(super::support::at("2028-02-29T00:00:00Z")),
        Just(super::support::at("2028-02-29T23:59:59Z")),
        Just(super::support::at("2028-03-01T00:00:00.5Z")),
        (0_i64..4_000_000_000).prop_map(at),
    ]
}

async fn signer(settings: &S3Settings) -> Signer {
    Signer::new(BucketUrl::resolve(settings).await.unwrap(), settings)
}

fn signed(
    signer: &Signer,
    intent: &UploadIntent,
    credentials: &Credentials,
    now: Timestamp,
) -> Option<String> {
    let terms = super::support::terms(intent);
    let lifetime = Lifetime::from_now(now, LIFE);
    let upload = signer.sign_upload(Upload::of(&terms), lifetime, credentials);
    Some(upload.ok()?.url.expose().to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_signature_is_by_the_key_of_its_own_day_and_credentials(
        settings in any_settings(),
        steps in proptest::collection::vec((any_credentials(), any_time()), 1..8),
    ) {
        let intent = intent(&settings.bucket, "a b.jpg");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let signer = signer(&settings).await;
            for (credentials, now) in steps {
                let by_sdk =
                    presigned_by_sdk(&settings, credentials.clone(), &intent, now, LIFE).await;
                prop_assert_eq!(signed(&signer, &intent, &credentials, now), Some(by_sdk));
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}

#[tokio::test]
async fn the_day_begins_at_midnight_in_utc() {
    let settings = settings();
    let intent = intent(&settings.bucket, "a");
    let signer = signer(&settings).await;
    for (text, date) in [
        ("2026-11-25T00:59:59+01:00", "20261124T235959Z"),
        ("2026-11-25T01:00:00+01:00", "20261125T000000Z"),
        ("2026-11-24T23:59:59.999Z", "20261124T235959Z"),
        ("2028-02-29T12:34:56Z", "20280229T123456Z"),
    ] {
        let url = signed(&signer, &intent, &static_credentials(), at(text)).unwrap();
        let (day, _) = date.split_once('T').unwrap();
        let scope = format!("%2F{day}%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Date={date}&");
        assert!(url.contains(&scope), "{url}");
    }
}

fn encrypted_by(key_id: &str) -> S3Settings {
    S3Settings {
        server_side_encryption: ServerSideEncryption::Kms {
            key_id: Some(key_id.to_owned()),
        },
        ..settings()
    }
}

#[tokio::test]
async fn a_value_that_no_header_can_have_is_not_signed() {
    for key_id in ["a\nx-amz-acl:private", "a\r", "\0", "\u{7f}"] {
        let settings = encrypted_by(key_id);
        let intent = intent(&settings.bucket, "a");
        let signer = signer(&settings).await;
        let url = signed(&signer, &intent, &static_credentials(), now());
        assert_eq!(url, None, "{key_id:?}");
    }
}

#[tokio::test]
async fn a_value_is_signed_with_the_spaces_that_the_sdk_leaves() {
    for key_id in ["a b", "a  b", "  a   b  ", "a\tb", "\t \t", "\u{e9}"] {
        let settings = encrypted_by(key_id);
        let intent = intent(&settings.bucket, "a");
        let credentials = static_credentials();
        let by_sdk = presigned_by_sdk(&settings, credentials.clone(), &intent, now(), LIFE).await;
        let signer = signer(&settings).await;
        let url = signed(&signer, &intent, &credentials, now());
        assert_eq!(url, Some(by_sdk), "{key_id:?}");
    }
}
