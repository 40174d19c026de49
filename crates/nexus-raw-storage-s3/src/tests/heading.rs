//! The HEAD that is sent without the SDK.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4::SigningParams,
};
use proptest::{prelude::*, test_runner::TestCaseError};

use super::{
    presigning::{any_filename, any_settings},
    scripted::{Answer, Scripted, Seen},
    support::{
        ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, intent, now, settings, static_credentials, store_on,
    },
};
use crate::{S3Settings, deadlines::Deadlines, endpoint::BucketUrl, signing::Signer};

fn found() -> Answer {
    Answer::status(200)
        .with("content-length", "3")
        .with("etag", "\"e\"")
}

/// What the SDK's signer makes of the same request.
fn signed_by_sdk(
    settings: &S3Settings,
    credentials: Credentials,
    url: &str,
    at: Duration,
) -> Vec<(String, String)> {
    let mut headers = vec![("x-amz-checksum-mode", "ENABLED")];
    let owner = settings.expected_bucket_owner.as_deref();
    headers.extend(owner.map(|owner| ("x-amz-expected-bucket-owner", owner)));
    let mut signing = SigningSettings::default();
    signing.percent_encoding_mode = PercentEncodingMode::Single;
    signing.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    signing.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let identity = credentials.into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(&settings.region)
        .name("s3")
        .time(UNIX_EPOCH + at)
        .settings(signing)
        .build()
        .unwrap()
        .into();
    let body = SignableBody::Bytes(b"");
    let request = SignableRequest::new("HEAD", url, headers.iter().copied(), body).unwrap();
    let (instructions, _) = sign(request, &params).unwrap().into_parts();
    let mut all: Vec<_> = headers
        .into_iter()
        .chain(instructions.headers())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_head_is_signed_as_the_sdk_signs_it(
        settings in any_settings(),
        filename in any_filename(),
        token in any::<bool>(),
        at in 0_u64..4_000_000_000,
    ) {
        let token = token.then(|| SESSION_TOKEN.to_owned());
        let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, token, None, "tests");
        let intent = intent(&settings.bucket, filename.as_str());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bucket = BucketUrl::resolve(&settings).await.unwrap();
            let signer = Signer::new(bucket, &settings);
            let head = signer.sign_head(intent.address.key.as_str(), at, &credentials).unwrap();
            let at = Duration::from_secs(at);
            let by_sdk = signed_by_sdk(&settings, credentials, &head.url, at);
            let mut headers: Vec<_> = head
                .headers
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect();
            headers.sort();
            prop_assert_eq!(headers, by_sdk);
            Ok::<(), TestCaseError>(())
        })?;
    }
}

/// What the store sees of a HEAD that it answers so, and what is made of the answers.
async fn seen(
    script: impl Fn(usize) -> Option<Answer> + Send + Sync + 'static,
) -> (Vec<Seen>, String) {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let scripted =
        Scripted::saying(move |_| script(count.fetch_add(1, std::sync::atomic::Ordering::SeqCst)));
    let settings = S3Settings {
        expected_bucket_owner: Some("123456789012".to_owned()),
        ..settings()
    };
    let key = intent(&settings.bucket, "a b").address.key;
    let connector = scripted.connector();
    let deadlines = Deadlines::default();
    let store = store_on(settings, static_credentials(), connector, deadlines).await;
    let outcome = match store.head(key.as_str()).await {
        Ok(found) => format!("{:?}", found.map(|head| head.content_length)),
        Err(failure) => failure.to_string(),
    };
    (scripted.seen(), outcome)
}

#[tokio::test(start_paused = true)]
async fn one_attempt_is_enough_where_the_store_answers() {
    for (status, outcome) in [
        (200, "Some(Some(3))"),
        (404, "None"),
        (403, "HeadObject returned status 403"),
        (301, "HeadObject returned status 301"),
        (501, "HeadObject returned status 501"),
    ] {
        let answer = move |_| match status {
            200 => Some(found()),
            _ => Some(Answer::status(status)),
        };
        let (seen, told) = seen(answer).await;
        assert_eq!((seen.len(), told.as_str()), (1, outcome));
        // the SDK would say so
        assert_eq!(seen[0].header("amz-sdk-request"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn the_sdk_makes_the_other_attempts() {
    for first in [Some(500), Some(503), None] {
        let answer = move |count| match count {
            0 => first.map(Answer::status),
            _ => Some(found()),
        };
        let (seen, told) = seen(answer).await;
        assert_eq!(told, "Some(Some(3))", "{first:?}");
        let [first, second] = &seen[..] else {
            panic!("{seen:?}");
        };
        assert!(second.header("amz-sdk-request").is_some());
        for name in [
            "x-amz-checksum-mode",
            "x-amz-content-sha256",
            "x-amz-expected-bucket-owner",
        ] {
            assert!(first.header(name).is_some(), "{name}");
            assert_eq!(first.header(name), second.header(name), "{name}");
        }
        assert_eq!(
            (&first.method, &first.path, &first.query),
            (&second.method, &second.path, &second.query)
        );
        let signed_at = now().to_string().replace(['-', ':'], "");
        let (second_of_it, _) = signed_at.split_once('.').unwrap();
        assert_eq!(
            first.header("x-amz-date"),
            Some(format!("{second_of_it}Z").as_str())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn all_attempts_are_three() {
    let (seen, told) = seen(|_| Some(Answer::status(503))).await;
    assert_eq!(
        (seen.len(), told.as_str()),
        (3, "HeadObject returned status 503")
    );
}

#[tokio::test(start_paused = true)]
async fn the_sdk_reads_what_is_not_plain() {
    for (name, value) in [
        ("content-length", "3"),
        ("content-length", "three"),
        ("x-amz-missing-meta", "many"),
        ("x-amz-delete-marker", "yes"),
    ] {
        let answer = move |_| Some(found().with(name, value));
        let (seen, told) = seen(answer).await;
        assert_eq!(
            (seen.len(), told.as_str()),
            (
                2,
                "HeadObject returned a malformed response: cannot be parsed"
            )
        );
    }
}
