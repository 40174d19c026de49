use std::time::Duration;

use aws_credential_types::Credentials;
use nexus_raw::{
    asset::{
        ContentType, Disposition, Integrity, IntegrityLevel, Provenance, RawAsset, RawAssetParts,
        UploadIntent,
    },
    ports::{DownloadTerms, RawStorageRepository, StorageError},
};
use proptest::{prelude::*, test_runner::TestCaseError};
use url::Url;

use super::{
    presigning::{any_filename, any_settings, owned, sdk},
    support::{
        ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, at, intent, now, settings, signing_repository,
        static_credentials,
    },
};
use crate::S3Settings;

/// The record of an intent, of this version.
fn record(intent: &UploadIntent, version_id: Option<String>) -> RawAsset {
    RawAsset::from_parts(RawAssetParts {
        asset_id: intent.asset_id,
        scope: intent.scope.clone(),
        address: intent.address.clone(),
        facts: intent
            .facts
            .clone()
            .with_sha256(intent.facts.sha256.unwrap()),
        provenance: Provenance::default(),
        imported_at: now(),
        registered_by: intent.requested_by.clone(),
        integrity: Integrity {
            level: IntegrityLevel::S3Sha256,
            version_id,
            etag: "e".to_owned(),
            parts: None,
        },
    })
}

fn download_terms(asset: &RawAsset, ttl: Duration) -> DownloadTerms<'_> {
    DownloadTerms {
        asset,
        disposition: Disposition::Attachment,
        now: now(),
        ttl,
        not_after: None,
    }
}

/// What the SDK itself makes of the same download.
async fn download_by_sdk(
    settings: &S3Settings,
    credentials: Credentials,
    terms: &DownloadTerms<'_>,
) -> String {
    let (client, presigning) = sdk(settings, credentials, now(), terms.ttl);
    let asset = terms.asset;
    let presigned = client
        .get_object()
        .bucket(settings.bucket.as_str())
        .key(asset.address().key.as_str())
        .set_version_id(asset.integrity().version_id.clone())
        .response_content_type(asset.facts().content_type.as_str())
        .response_content_disposition(terms.disposition.header(&asset.facts().filename))
        .response_cache_control("private, no-store")
        .presigned(presigning)
        .await
        .unwrap();
    assert_eq!(presigned.headers().count(), 0);
    presigned.uri().to_owned()
}

#[tokio::test]
async fn a_download_binds_key_version_type_name_and_cache_rule() {
    let settings = settings();
    let asset = record(
        &intent(&settings.bucket, "a \"b\".jpg"),
        Some("v+1".to_owned()),
    );
    let repository = signing_repository(settings, static_credentials()).await;
    let terms = download_terms(&asset, Duration::from_mins(15));
    let download = repository.presign_download(terms).await.unwrap();
    let url = Url::parse(download.url.expose()).unwrap();
    assert_eq!((download.method, url.scheme()), ("GET", "https"));
    assert!(url.path().ends_with("/a%20%22b%22.jpg"), "{}", url.path());
    let mut parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    assert_eq!(parameters.pop().unwrap().0, "X-Amz-Signature");
    let expected = [
        ("x-id", "GetObject"),
        ("response-cache-control", "private, no-store"),
        (
            "response-content-disposition",
            "attachment; filename=\"a _b_.jpg\"; filename*=UTF-8''a%20%22b%22.jpg",
        ),
        ("response-content-type", "image/jpeg"),
        ("versionId", "v+1"),
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        (
            "X-Amz-Credential",
            "AKIACANARYCANARY/20261124/eu-central-1/s3/aws4_request",
        ),
        ("X-Amz-Date", "20261124T010000Z"),
        ("X-Amz-Expires", "900"),
        ("X-Amz-SignedHeaders", "host"),
    ];
    assert_eq!(parameters, expected.map(owned));
    assert_eq!(download.expires_at, at("2026-11-24T01:15:00Z"));
}

#[tokio::test]
async fn a_download_ends_with_the_credentials_and_not_at_all_shortly_before() {
    let settings = settings();
    let asset = record(&intent(&settings.bucket, "a"), None);
    for (end, expected) in [
        ("2026-11-24T01:05:00.5Z", Some("2026-11-24T01:05:00Z")),
        ("2026-11-24T01:00:59Z", None),
    ] {
        let expiry = Some(crate::time::system_time(at(end)));
        let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, None, expiry, "tests");
        let repository = signing_repository(settings.clone(), credentials).await;
        let terms = download_terms(&asset, Duration::from_mins(15));
        match (repository.presign_download(terms).await, expected) {
            (Ok(download), Some(expected)) => assert_eq!(download.expires_at, at(expected)),
            (Err(StorageError::CredentialsEnding), None) => {}
            (other, _) => panic!("{other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_url_of_a_download_is_byte_for_byte_what_the_sdk_presigns(
        settings in any_settings(),
        filename in any_filename(),
        content_type in prop_oneof![Just("image/jpeg"), Just("text/plain; charset=\"a b\"")],
        version_id in proptest::option::of("[!-~]{1,32}"),
        inline in any::<bool>(),
        life in 1_u64..=604_800,
        token in any::<bool>(),
    ) {
        let mut intent = intent(&settings.bucket, filename.as_str());
        intent.facts.content_type = ContentType::parse(content_type).unwrap();
        let asset = record(&intent, version_id);
        let token = token.then(|| SESSION_TOKEN.to_owned());
        let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, token, None, "tests");
        let mut terms = download_terms(&asset, Duration::from_secs(life));
        if inline {
            terms.disposition = Disposition::Inline;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let by_sdk = download_by_sdk(&settings, credentials.clone(), &terms).await;
            let repository = signing_repository(settings, credentials).await;
            let download = repository.presign_download(terms).await.unwrap();
            prop_assert_eq!(download.url.expose(), by_sdk);
            Ok::<(), TestCaseError>(())
        })?;
    }
}
