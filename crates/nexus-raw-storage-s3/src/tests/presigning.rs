use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sdk_s3::{
    Client, Config,
    config::{BehaviorVersion, Region, ResponseChecksumValidation},
    presigning::PresigningConfig,
    types::ServerSideEncryption as SdkEncryption,
};
use nexus_raw::{
    asset::{BucketName, ByteSize, ContentType, Filename, Sha256Digest, UploadIntent},
    ports::{PresignedUpload, RawStorageRepository, StorageError},
    time::Timestamp,
};
use proptest::{prelude::*, test_runner::TestCaseError};
use url::Url;

use super::support::{
    ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, at, intent, now, settings, settings_for,
    signing_repository, static_credentials, terms,
};
use crate::{S3Settings, ServerSideEncryption};

#[tokio::test]
async fn an_upload_binds_key_length_type_digest_create_once_and_metadata() {
    let settings = settings();
    let intent = intent(&settings.bucket, "DSCN0010.jpg");
    let repository = signing_repository(settings, static_credentials()).await;
    let upload = repository.presign_upload(terms(&intent)).await.unwrap();
    let url = Url::parse(upload.url.expose()).unwrap();
    assert_eq!(upload.method, "PUT");
    assert_eq!(
        (url.scheme(), url.host_str(), url.path()),
        (
            "https",
            Some("nexus-raw.s3.eu-central-1.amazonaws.com"),
            "/tenants/t_demo/dev/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11/DSCN0010.jpg"
        )
    );
    let mut parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    assert_eq!(parameters.pop().unwrap().0, "X-Amz-Signature");
    let expected = [
        ("x-id", "PutObject"),
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        (
            "X-Amz-Credential",
            "AKIACANARYCANARY/20261124/eu-central-1/s3/aws4_request",
        ),
        ("X-Amz-Date", "20261124T010000Z"),
        ("X-Amz-Expires", "900"),
        (
            "X-Amz-SignedHeaders",
            "content-length;content-type;host;if-none-match;x-amz-checksum-sha256;\
             x-amz-meta-asset-id;x-amz-meta-env;x-amz-meta-tenant-id",
        ),
    ];
    assert_eq!(parameters, expected.map(owned));
    let headers = [
        ("content-type", "image/jpeg"),
        ("if-none-match", "*"),
        (
            "x-amz-checksum-sha256",
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
        ),
        (
            "x-amz-meta-asset-id",
            "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11",
        ),
        ("x-amz-meta-env", "dev"),
        ("x-amz-meta-tenant-id", "t_demo"),
    ];
    assert_eq!(upload.headers, headers.map(owned));
    assert_eq!(upload.expires_at, at("2026-11-24T01:15:00Z"));
}

#[tokio::test]
async fn encryption_and_owner_are_signed_and_returned_where_configured() {
    let settings = S3Settings {
        server_side_encryption: ServerSideEncryption::Kms {
            key_id: Some("alias/raw".to_owned()),
        },
        expected_bucket_owner: Some("123456789012".to_owned()),
        ..settings()
    };
    let intent = intent(&settings.bucket, "a");
    let repository = signing_repository(settings, static_credentials()).await;
    let upload = repository.presign_upload(terms(&intent)).await.unwrap();
    let names: Vec<_> = upload
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let signed = "content-length;content-type;host;if-none-match;x-amz-checksum-sha256;\
                  x-amz-expected-bucket-owner;x-amz-meta-asset-id;x-amz-meta-env;x-amz-meta-tenant-id;\
                  x-amz-server-side-encryption;x-amz-server-side-encryption-aws-kms-key-id";
    let url = Url::parse(upload.url.expose()).unwrap();
    let (_, signed_headers) = url
        .query_pairs()
        .find(|(name, _)| name == "X-Amz-SignedHeaders")
        .unwrap();
    assert_eq!(signed_headers, signed);
    let returned: Vec<_> = signed
        .split(';')
        .filter(|name| !matches!(*name, "host" | "content-length"))
        .collect();
    assert_eq!(names, returned);
    let expected = [
        ("x-amz-expected-bucket-owner", "123456789012"),
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", "alias/raw"),
    ];
    for header in expected.map(owned) {
        assert!(upload.headers.contains(&header), "{header:?}");
    }
}

#[tokio::test]
async fn a_bucket_is_named_in_the_host_on_aws_and_in_the_path_where_it_must_be() {
    let dotted = S3Settings {
        bucket: BucketName::parse("my.bucket").unwrap(),
        ..settings()
    };
    let forced = S3Settings {
        force_path_style: true,
        ..settings()
    };
    let china = S3Settings {
        region: "cn-north-1".to_owned(),
        ..settings()
    };
    let hosted = S3Settings {
        force_path_style: false,
        ..settings_for("https://store.example/")
    };
    for (settings, place) in [
        (
            dotted,
            "https://s3.eu-central-1.amazonaws.com/my.bucket/tenants/",
        ),
        (
            forced,
            "https://s3.eu-central-1.amazonaws.com/nexus-raw/tenants/",
        ),
        (
            china,
            "https://nexus-raw.s3.cn-north-1.amazonaws.com.cn/tenants/",
        ),
        (hosted, "https://nexus-raw.store.example/tenants/"),
        (
            settings_for("http://127.0.0.1:9000"),
            "http://127.0.0.1:9000/nexus-raw/tenants/",
        ),
        (
            settings_for("https://store.example/s3/"),
            "https://store.example/s3/nexus-raw/tenants/",
        ),
    ] {
        let intent = intent(&settings.bucket, "a");
        let repository = signing_repository(settings, static_credentials()).await;
        let upload = repository.presign_upload(terms(&intent)).await.unwrap();
        assert!(upload.url.expose().starts_with(place), "{place}");
    }
}

#[tokio::test]
async fn a_url_ends_with_the_first_of_its_time_to_live_the_intent_and_the_credentials() {
    for (ttl, intent_end, credentials_end, expires_at) in [
        (900, "2026-11-25T01:00:00Z", None, "2026-11-24T01:15:00Z"),
        (900, "2026-11-24T01:00:09.9Z", None, "2026-11-24T01:00:09Z"),
        (900, "2026-11-24T01:00:01Z", None, "2026-11-24T01:00:01Z"),
        (
            900,
            "2026-11-25T01:00:00Z",
            Some("2026-11-24T01:05:00.5Z"),
            "2026-11-24T01:05:00Z",
        ),
        (
            900,
            "2026-11-25T01:00:00Z",
            Some("2026-11-24T01:01:00.75Z"),
            "2026-11-24T01:01:00Z",
        ),
        (
            900,
            "2026-11-24T01:00:07Z",
            Some("2026-11-24T01:05:00Z"),
            "2026-11-24T01:00:07Z",
        ),
        (
            86_400_000,
            "2027-11-25T01:00:00Z",
            None,
            "2026-12-01T01:00:00Z",
        ),
    ] {
        let upload = presigned(ttl, intent_end, credentials_end).await.unwrap();
        assert_eq!(upload.expires_at, at(expires_at));
        let life = at(expires_at).since(at("2026-11-24T01:00:00Z")).as_secs();
        let parameter = format!("&X-Amz-Expires={life}&");
        assert!(upload.url.expose().contains(&parameter), "{parameter}");
    }
}

#[tokio::test]
async fn credentials_with_less_than_a_minute_left_sign_nothing() {
    for end in ["2026-11-24T01:01:00.5Z", "2026-11-24T00:00:00Z"] {
        let refused = presigned(900, "2026-11-25T01:00:00Z", Some(end)).await;
        assert!(
            matches!(refused, Err(StorageError::CredentialsEnding)),
            "{end}"
        );
    }
}

#[tokio::test]
async fn an_intent_without_a_second_left_is_not_signed() {
    for end in ["2026-11-24T01:00:00.9Z", "2026-11-24T00:00:00Z"] {
        let refused = presigned(900, end, None).await;
        let Err(StorageError::Unavailable(source)) = refused else {
            panic!("{end}");
        };
        assert_eq!(source.to_string(), "URL would expire in less than a second");
    }
}

#[tokio::test]
async fn an_object_of_another_bucket_is_neither_signed_nor_requested() {
    let intent = intent(&BucketName::parse("another").unwrap(), "a");
    let repository = signing_repository(settings(), static_credentials()).await;
    let signed = repository.presign_upload(terms(&intent)).await;
    assert!(matches!(signed, Err(StorageError::ForeignBucket)));
    let stat = repository.stat(&intent.address).await;
    assert!(matches!(stat, Err(StorageError::ForeignBucket)));
}

pub(super) fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

async fn presigned(
    ttl: u64,
    intent_end: &str,
    credentials_end: Option<&str>,
) -> Result<PresignedUpload, StorageError> {
    let settings = settings();
    let mut intent = intent(&settings.bucket, "a");
    intent.ends_at = at(intent_end);
    let expiry = credentials_end.map(|end| crate::time::system_time(at(end)));
    let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, None, expiry, "tests");
    let repository = signing_repository(settings, credentials).await;
    let mut terms = terms(&intent);
    terms.ttl = Duration::from_secs(ttl);
    repository.presign_upload(terms).await
}

/// The SDK's client for these settings, and how it is to presign.
pub(super) fn sdk(
    settings: &S3Settings,
    credentials: Credentials,
    now: Timestamp,
    life: Duration,
) -> (Client, PresigningConfig) {
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(settings.region.clone()))
        .force_path_style(settings.force_path_style)
        // else it would have the client of a download send a header
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .credentials_provider(credentials);
    if let Some(endpoint) = &settings.endpoint {
        config = config.endpoint_url(endpoint.as_url().as_str());
    }
    let start = UNIX_EPOCH + Duration::from_secs(now.as_unix_seconds().cast_unsigned());
    let presigning = PresigningConfig::builder()
        .start_time(start)
        .expires_in(life)
        .build()
        .unwrap();
    (Client::from_conf(config.build()), presigning)
}

/// What the SDK itself makes of the same upload.
pub(super) async fn presigned_by_sdk(
    settings: &S3Settings,
    credentials: Credentials,
    intent: &UploadIntent,
    now: Timestamp,
    life: Duration,
) -> String {
    let (client, presigning) = sdk(settings, credentials, now, life);
    let mut put = client
        .put_object()
        .bucket(settings.bucket.as_str())
        .key(intent.address.key.as_str())
        .content_length(i64::try_from(intent.facts.size_bytes.get()).unwrap())
        .content_type(intent.facts.content_type.as_str())
        .checksum_sha256(intent.facts.sha256.unwrap().to_base64())
        .if_none_match("*")
        .set_expected_bucket_owner(settings.expected_bucket_owner.clone());
    for (name, value) in intent.object_metadata() {
        put = put.metadata(name, value);
    }
    put = match &settings.server_side_encryption {
        ServerSideEncryption::None => put,
        ServerSideEncryption::S3 => put.server_side_encryption(SdkEncryption::Aes256),
        ServerSideEncryption::Kms { key_id } => put
            .server_side_encryption(SdkEncryption::AwsKms)
            .set_ssekms_key_id(key_id.clone()),
    };
    let presigned = put.presigned(presigning).await.unwrap();
    presigned.uri().to_owned()
}

pub(super) fn any_settings() -> impl Strategy<Value = S3Settings> {
    let place = prop_oneof![
        Just(settings()),
        Just(settings_for("http://127.0.0.1:9000/")),
        Just(settings_for("https://store.example:8443/s3")),
        Just(settings_for("https://STORE.example:443/a%20b/")),
        Just(settings_for("http://[::1]:80")),
    ];
    let region = prop_oneof![
        Just("us-east-1"),
        Just("eu-central-1"),
        Just("cn-north-1"),
        Just("us-gov-west-1")
    ];
    let bucket = prop_oneof![Just("nexus-raw"), Just("my.bucket-1")];
    let encryption = prop_oneof![
        Just(ServerSideEncryption::None),
        Just(ServerSideEncryption::S3),
        Just(ServerSideEncryption::Kms { key_id: None }),
        "[a-zA-Z0-9/:-]{1,40}".prop_map(|id| ServerSideEncryption::Kms { key_id: Some(id) }),
    ];
    let owner = proptest::option::of("[0-9]{12}");
    (place, region, bucket, encryption, owner, any::<bool>()).prop_map(
        |(place, region, bucket, encryption, owner, path_style)| S3Settings {
            bucket: BucketName::parse(bucket).unwrap(),
            region: region.to_owned(),
            force_path_style: path_style,
            server_side_encryption: encryption,
            expected_bucket_owner: owner,
            ..place
        },
    )
}

/// Names that a careless encoder gets wrong, and any other.
pub(super) fn any_filename() -> impl Strategy<Value = Filename> {
    prop_oneof![
        "[ -~]{1,40}",
        "[a+ #?%&=;:@!$'()*,\\[\\]{}|^`<>\"~._-]{1,20}",
        "\\PC{1,40}",
        Just("%2e%2e%2f".to_owned()),
        Just("...".to_owned() + "a"),
        Just("\u{5199}\u{771f} + 1.jpg".to_owned()),
    ]
    .prop_filter_map("no file name", |name| Filename::parse(&name).ok())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_url_is_byte_for_byte_what_the_sdk_presigns(
        settings in any_settings(),
        filename in any_filename(),
        content_type in prop_oneof![Just("image/jpeg"), Just("text/plain; charset=\"a b\"")],
        size in 1_u64..=5_368_709_120,
        sha256 in any::<[u8; 16]>(),
        life in 1_u64..=604_800,
        token in any::<bool>(),
    ) {
        let mut intent = intent(&settings.bucket, filename.as_str());
        intent.facts.content_type = ContentType::parse(content_type).unwrap();
        intent.facts.size_bytes = ByteSize::parse(size).unwrap();
        intent.facts.sha256 = Some(Sha256Digest::of(&sha256));
        intent.ends_at = now().saturating_add(Duration::from_hours(24 * 365));
        let token = token.then(|| SESSION_TOKEN.to_owned());
        let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, token, None, "tests");
        let life = Duration::from_secs(life);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let by_sdk = presigned_by_sdk(&settings, credentials.clone(), &intent, now(), life).await;
            let repository = signing_repository(settings, credentials).await;
            let mut terms = terms(&intent);
            terms.ttl = life;
            let upload = repository.presign_upload(terms).await.unwrap();
            prop_assert_eq!(upload.url.expose(), by_sdk);
            Ok::<(), TestCaseError>(())
        })?;
    }
}
