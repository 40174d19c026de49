//! Signed uploads of parts.

use std::{collections::BTreeSet, time::Duration};

use aws_credential_types::Credentials;
use nexus_raw::{
    asset::{BucketName, ByteSize, DeclaredPart, PartNumber, Sha256Digest, UploadId},
    ports::{OpenUpload, PartTerms, RawStorageRepository, StorageError},
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
use crate::{S3Settings, ServerSideEncryption};

fn upload(bucket: &BucketName, filename: &str) -> OpenUpload {
    let id = UploadId::parse("an+id/of=the.store").unwrap();
    OpenUpload::of(&intent(bucket, filename), id)
}

fn terms(upload: &OpenUpload) -> PartTerms<'_> {
    PartTerms {
        upload,
        now: now(),
        ttl: Duration::from_mins(15),
        not_after: now().saturating_add(Duration::from_hours(24)),
    }
}

fn part(number: u64, size_bytes: u64) -> DeclaredPart {
    DeclaredPart {
        number: PartNumber::parse(number).unwrap(),
        size_bytes: ByteSize::parse(size_bytes).unwrap(),
        sha256: Sha256Digest::of(b"abc"),
    }
}

#[tokio::test]
async fn a_part_binds_upload_number_length_and_digest() {
    let settings = settings();
    let upload = upload(&settings.bucket, "a.jpg");
    let repository = signing_repository(settings, static_credentials()).await;
    let parts = [part(7, 8_388_608), part(8, 1)];
    let signed = repository.presign_parts(terms(&upload), &parts).await;
    let signed = signed.unwrap();
    assert_eq!(signed.len(), 2);
    for (signed, number) in signed.iter().zip(["7", "8"]) {
        assert_eq!(signed.method, "PUT");
        let url = Url::parse(signed.url.expose()).unwrap();
        let mut parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        assert_eq!(parameters.pop().unwrap().0, "X-Amz-Signature");
        let expected = [
            ("x-id", "UploadPart"),
            ("partNumber", number),
            ("uploadId", "an+id/of=the.store"),
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            (
                "X-Amz-Credential",
                "AKIACANARYCANARY/20261124/eu-central-1/s3/aws4_request",
            ),
            ("X-Amz-Date", "20261124T010000Z"),
            ("X-Amz-Expires", "900"),
            (
                "X-Amz-SignedHeaders",
                "content-length;host;x-amz-checksum-sha256",
            ),
        ];
        assert_eq!(parameters, expected.map(owned));
        let headers = [(
            "x-amz-checksum-sha256",
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
        )];
        assert_eq!(signed.headers, headers.map(owned));
        assert_eq!(signed.expires_at, at("2026-11-24T01:15:00Z"));
    }
}

#[tokio::test]
async fn a_part_names_the_owner_of_the_bucket_and_no_encryption() {
    let settings = S3Settings {
        server_side_encryption: ServerSideEncryption::S3,
        expected_bucket_owner: Some("123456789012".to_owned()),
        ..settings()
    };
    let upload = upload(&settings.bucket, "a.jpg");
    let repository = signing_repository(settings, static_credentials()).await;
    let signed = repository
        .presign_parts(terms(&upload), &[part(1, 1)])
        .await;
    let signed = &signed.unwrap()[0];
    let names: Vec<_> = signed
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        ["x-amz-checksum-sha256", "x-amz-expected-bucket-owner"]
    );
}

#[tokio::test]
async fn a_part_ends_with_the_first_of_its_time_to_live_the_intent_and_the_credentials() {
    for (not_after, credentials_end, expires_at) in [
        ("2026-11-25T01:00:00Z", None, "2026-11-24T01:15:00Z"),
        ("2026-11-24T01:00:09.9Z", None, "2026-11-24T01:00:09Z"),
        (
            "2026-11-25T01:00:00Z",
            Some("2026-11-24T01:05:00.5Z"),
            "2026-11-24T01:05:00Z",
        ),
    ] {
        let settings = settings();
        let upload = upload(&settings.bucket, "a");
        let expiry = credentials_end.map(|end| crate::time::system_time(at(end)));
        let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, None, expiry, "tests");
        let repository = signing_repository(settings, credentials).await;
        let terms = PartTerms {
            not_after: at(not_after),
            ..terms(&upload)
        };
        let signed = repository.presign_parts(terms, &[part(1, 1)]).await;
        assert_eq!(signed.unwrap()[0].expires_at, at(expires_at));
    }
}

#[tokio::test]
async fn parts_of_another_bucket_are_not_signed() {
    let upload = upload(&BucketName::parse("another").unwrap(), "a");
    let repository = signing_repository(settings(), static_credentials()).await;
    let signed = repository
        .presign_parts(terms(&upload), &[part(1, 1)])
        .await;
    assert!(matches!(signed, Err(StorageError::ForeignBucket)));
}

#[tokio::test]
async fn all_parts_of_an_upload_are_signed_in_one_call() {
    let settings = settings();
    let upload = upload(&settings.bucket, "a.jpg");
    let repository = signing_repository(settings, static_credentials()).await;
    let parts: Vec<_> = (1..=10_000).map(|number| part(number, 1)).collect();
    let signed = repository.presign_parts(terms(&upload), &parts).await;
    let signed = signed.unwrap();
    let urls: BTreeSet<_> = signed.iter().map(|it| it.url.expose()).collect();
    assert_eq!(urls.len(), 10_000);
}

/// What the SDK itself makes of the same part.
async fn presigned_by_sdk(
    settings: &S3Settings,
    credentials: Credentials,
    upload: &OpenUpload,
    part: DeclaredPart,
    life: Duration,
) -> String {
    let (client, presigning) = sdk(settings, credentials, now(), life);
    let presigned = client
        .upload_part()
        .bucket(settings.bucket.as_str())
        .key(upload.address.key.as_str())
        .part_number(part.number.get().into())
        .upload_id(upload.upload_id.as_str())
        .content_length(i64::try_from(part.size_bytes.get()).unwrap())
        .checksum_sha256(part.sha256.to_base64())
        .set_expected_bucket_owner(settings.expected_bucket_owner.clone())
        .presigned(presigning)
        .await
        .unwrap();
    presigned.uri().to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_url_of_a_part_is_byte_for_byte_what_the_sdk_presigns(
        settings in any_settings(),
        filename in any_filename(),
        id in "[ -~]{1,60}",
        number in 1_u64..=10_000,
        size in 1_u64..=5_368_709_120,
        life in 1_u64..=604_800,
        token in any::<bool>(),
    ) {
        let intent = intent(&settings.bucket, filename.as_str());
        let upload = OpenUpload::of(&intent, UploadId::parse(&id).unwrap());
        let token = token.then(|| SESSION_TOKEN.to_owned());
        let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, token, None, "tests");
        let life = Duration::from_secs(life);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let part = part(number, size);
            let by_sdk =
                presigned_by_sdk(&settings, credentials.clone(), &upload, part, life).await;
            let repository = signing_repository(settings, credentials).await;
            let terms = PartTerms {
                ttl: life,
                not_after: now().saturating_add(Duration::from_hours(24 * 365)),
                ..terms(&upload)
            };
            let signed = repository.presign_parts(terms, &[part]).await.unwrap();
            prop_assert_eq!(signed[0].url.expose(), by_sdk);
            Ok::<(), TestCaseError>(())
        })?;
    }
}
