//! Values of the libraries that an engine team embeds.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    fs,
    path::Path,
    sync::Arc,
};

use nexus_raw::{
    asset::{AssetId, BucketName, InForce, ObjectAddress, ObjectKey, PartNumber},
    ports::{AssetFilter, PresignedDownload, PresignedUpload, SignedUrl},
    service::{
        ListRequest, Presigned, PresignedAsset, PresignedContent, PresignedPart, RawStorageService,
        UploadSteps,
    },
    system::SystemClock,
    time::Timestamp,
};
use nexus_raw_catalog_sql::{
    CatalogInspector, ObjectStoreIdentity, SqlAssetCatalog, SqlCatalogSettings,
};
use nexus_raw_config::{EmbeddedMode, Sources, load, secret_keys};
use nexus_raw_embedded_s3::{Credentials, EmbeddedS3, Settings};
use nexus_raw_events::{
    HttpEventSink, HttpSinkSettings, NatsEventSink, NatsSinkSettings, encoding::Encoding,
};
use nexus_raw_identity_jwt::{JwtIdentityVerifier, JwtSettings, KeySettings, TokenIssuer};
use nexus_raw_storage_s3::{
    S3BucketInventory, S3Settings, S3SourceBucket, ServerSideEncryption, StaticCredentials,
    UnprobedS3,
};
use nexus_raw_testkit::{Canaries, FakeCatalog, FakeStore, FixedClock, SequentialIds, sample};
use nexus_raw_upkeep::reconcile::WorkFile;

use super::{
    exits::DATABASE,
    holders::public_holders,
    running::{PREVIOUS, SECRET, SECRET_KEY},
};

const KEY_ID: &str = "AKIACANARYOFTHEKEYID";
const NATS: &str = "kN-canary-of-the-nats-password";
const HOOK: &str = "kU-canary-of-the-hook";
const HMAC: &str = "kM-canary-of-the-secret-of-signatures";
const SIGNATURE: &str = "kG-canary-of-the-signature";

/// The configuration's secrets, each with one in it that is looked for.
fn configured() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        (
            "catalog.url",
            format!("postgres://nexus:{DATABASE}@127.0.0.1/nexus"),
        ),
        ("events.http.hmac_secret", HMAC.to_owned()),
        ("events.http.url", format!("http://127.0.0.1:1/{HOOK}")),
        (
            "events.nats.url",
            format!("nats://nexus:{NATS}@127.0.0.1:1"),
        ),
        ("identity.hs256_previous_secret", PREVIOUS.to_owned()),
        ("identity.hs256_secret", SECRET.to_owned()),
        ("storage.access_key_id", KEY_ID.to_owned()),
        ("storage.secret_access_key", SECRET_KEY.to_owned()),
    ])
}

/// What the public types print that hold a secret.
#[derive(Default)]
struct Printed(BTreeMap<&'static str, String>);

impl Printed {
    fn add(&mut self, name: &'static str, value: &impl Debug) {
        self.0.insert(name, format!("{value:?} {value:#?}"));
    }
}

#[tokio::test]
async fn no_value_that_holds_a_secret_prints_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut canaries = Canaries::new();
    for secret in [
        KEY_ID, SECRET_KEY, SECRET, PREVIOUS, DATABASE, NATS, HOOK, HMAC, SIGNATURE,
    ] {
        canaries.add(secret, secret);
    }
    let mut printed = Printed::default();
    of_the_configuration(&mut printed);
    of_embedded_mode(&mut printed, &mut canaries, directory.path());
    of_identity(&mut printed);
    of_events(&mut printed);
    of_uploads(&mut printed);
    of_lists(&mut printed).await;
    of_the_store(&mut printed, directory.path()).await;
    of_the_catalogue(&mut printed, directory.path()).await;
    let work_file = directory.path().join("work");
    let work_file = WorkFile::open(&work_file, "a bucket", sample::now()).unwrap();
    printed.add("upkeep::WorkFile", &work_file);
    for (name, text) in &printed.0 {
        canaries.assert_none_in(name, text.clone());
    }
    let looked_at: BTreeSet<String> = printed.0.keys().map(ToString::to_string).collect();
    assert_eq!(
        looked_at,
        public_holders(),
        "what prints and holds a secret"
    );
}

async fn of_the_catalogue(printed: &mut Printed, directory: &Path) {
    let settings = SqlCatalogSettings {
        url: configured()["catalog.url"].clone(),
        max_connections: SqlCatalogSettings::MAX_CONNECTIONS,
        object_store: ObjectStoreIdentity {
            endpoint: None,
            region: "eu-central-1".to_owned(),
            bucket: bucket(),
        },
    };
    printed.add("catalog-sql::SqlCatalogSettings", &settings);
    let file = directory.join(format!("{DATABASE}.sqlite"));
    let catalog = SqlAssetCatalog::open(SqlCatalogSettings {
        url: format!("sqlite:{}", file.display()),
        ..settings
    });
    printed.add("catalog-sql::SqlAssetCatalog", &catalog.await.unwrap());
    let url = format!("sqlite:{}", file.display());
    let inspector = CatalogInspector::open(&url).await.unwrap();
    printed.add("catalog-sql::CatalogInspector", &inspector);
}

fn of_the_configuration(printed: &mut Printed) {
    let mut secrets = configured();
    assert_eq!(
        secret_keys().collect::<BTreeSet<_>>(),
        secrets.keys().copied().collect(),
        "the configuration's own list"
    );
    for (key, value) in [
        ("storage.bucket", "nexus-raw-test"),
        ("storage.region", "eu-central-1"),
        ("identity.issuer", "https://issuer.example"),
        ("identity.audience", "nexus-raw"),
        ("events.sinks", r#"["log", "nats", "http"]"#),
    ] {
        secrets.insert(key, value.to_owned());
    }
    let variable = |key: &str| format!("NEXUS_RAW_{}", key.replace('.', "__").to_uppercase());
    let variables = secrets
        .iter()
        .map(|(key, value)| (variable(key).into(), value.into()));
    let sources = Sources {
        environment: variables.collect(),
        ..Sources::default()
    };
    let settings = load(&sources).unwrap();
    printed.add("config::Sources", &sources);
    printed.add("config::Settings", &settings);
    printed.add("config::CatalogSettings", &settings.catalog);
    printed.add("config::CatalogLocation", &settings.catalog.location);
    printed.add("config::EventsSettings", &settings.events);
    printed.add("config::IdentitySettings", &settings.identity);
    printed.add("config::TokenKeys", &settings.identity.keys);
    printed.add("config::StorageSettings", &settings.storage);
    let credentials = settings.storage.credentials.as_ref().unwrap();
    printed.add("config::StaticCredentials", credentials);
    for sink in &settings.events.sinks {
        printed.add("config::EventSink", sink);
        match sink {
            nexus_raw_config::EventSink::Nats(server) => printed.add("config::NatsServer", server),
            nexus_raw_config::EventSink::Http(receiver) => {
                printed.add("config::HttpReceiver", receiver);
            }
            _ => {}
        }
    }
}

fn of_embedded_mode(printed: &mut Printed, canaries: &mut Canaries, directory: &Path) {
    let mode = EmbeddedMode::prepare(directory).unwrap();
    for name in super::running::SECRET_FILES {
        let secret = fs::read_to_string(directory.join(name)).unwrap();
        canaries.add(name, secret.trim_end());
    }
    printed.add("config::EmbeddedMode", &mode);
    printed.add("config::EmbeddedSecrets", &mode.secrets());
}

fn of_identity(printed: &mut Printed) {
    let keys = KeySettings::Hs256 {
        secret: SECRET.into(),
        previous: Some(PREVIOUS.into()),
    };
    printed.add("identity-jwt::KeySettings", &keys);
    let settings = JwtSettings::new("https://issuer.example", "nexus-raw", keys);
    printed.add("identity-jwt::JwtSettings", &settings);
    let clock = Arc::new(SystemClock);
    let issuer = TokenIssuer::new(settings.clone(), clock.clone()).unwrap();
    printed.add("identity-jwt::TokenIssuer", &issuer);
    let verifier = JwtIdentityVerifier::new(settings, clock).unwrap();
    printed.add("identity-jwt::JwtIdentityVerifier", &verifier);
}

fn of_events(printed: &mut Printed) {
    let secrets = configured();
    let settings = HttpSinkSettings {
        url: secrets["events.http.url"].parse().unwrap(),
        encoding: Encoding::Native,
        secret: Some(HMAC.into()),
    };
    printed.add("nexus-raw::TrustedUrl", &settings.url);
    printed.add("events::HttpSinkSettings", &settings);
    let sink = HttpEventSink::new(settings, Arc::new(SystemClock)).unwrap();
    printed.add("events::HttpEventSink", &sink);
    let settings = NatsSinkSettings {
        url: secrets["events.nats.url"].parse().unwrap(),
        encoding: Encoding::Native,
    };
    printed.add("nexus-raw::NatsUrl", &settings.url);
    printed.add("events::NatsSinkSettings", &settings);
    printed.add("events::NatsEventSink", &NatsEventSink::new(settings));
}

fn of_uploads(printed: &mut Printed) {
    let url = || SignedUrl::new(format!("https://s3.example/a?X-Amz-Signature={SIGNATURE}"));
    printed.add("nexus-raw::SignedUrl", &url());
    let upload = PresignedUpload {
        method: "PUT",
        url: url(),
        headers: Vec::new(),
        expires_at: Timestamp::UNIX_EPOCH,
    };
    printed.add("nexus-raw::PresignedUpload", &upload);
    let part = PresignedPart {
        part_number: PartNumber::parse(1).unwrap(),
        upload: upload.clone(),
    };
    printed.add("nexus-raw::PresignedPart", &part);
    let upload = UploadSteps::Single(upload);
    printed.add("nexus-raw::UploadSteps", &upload);
    let asset_id: AssetId = sample::asset_id(1);
    let scope = sample::scope("t_a", "dev");
    let asset = PresignedAsset {
        asset_id,
        address: ObjectAddress {
            bucket: bucket(),
            key: ObjectKey::for_asset(&scope, asset_id, &sample::facts().filename),
        },
        upload,
    };
    printed.add("nexus-raw::PresignedAsset", &asset);
    printed.add("nexus-raw::Presigned", &Presigned::Upload(asset));
    let download = PresignedDownload {
        method: "GET",
        url: url(),
        expires_at: Timestamp::UNIX_EPOCH,
    };
    printed.add("nexus-raw::PresignedDownload", &download);
    let intent = sample::intent(&scope, asset_id);
    let record = sample::new_asset(&intent, sample::provenance()).asset;
    let content = PresignedContent {
        download,
        in_force: InForce::as_registered(&record, true),
    };
    printed.add("nexus-raw::PresignedContent", &content);
}

/// A list holds what its cursors are sealed with.
async fn of_lists(printed: &mut Printed) {
    let clock = Arc::new(FixedClock::at(sample::now()));
    let service = RawStorageService::new(
        Arc::new(FakeStore::new(sample::bucket(), clock.clone())),
        Arc::new(FakeCatalog::new()),
        clock,
        Arc::new(SequentialIds::seeded(1)),
    );
    let access = sample::read_access(&sample::scope("t_a", "dev"));
    let request = ListRequest::new(AssetFilter::default(), 1);
    let list = service.list(&access, request).await.unwrap();
    printed.add("nexus-raw::AssetList", &list);
}

async fn of_the_store(printed: &mut Printed, directory: &Path) {
    let credentials = Credentials {
        access_key_id: KEY_ID.to_owned(),
        secret_access_key: SECRET_KEY.into(),
    };
    printed.add("embedded-s3::Credentials", &credentials);
    let settings = Settings::new(directory.join("store"), credentials).with_bucket("nexus-raw");
    printed.add("embedded-s3::Settings", &settings);
    let server = EmbeddedS3::start(&settings).unwrap();

    let credentials = StaticCredentials {
        access_key_id: KEY_ID.to_owned(),
        secret_access_key: SECRET_KEY.into(),
    };
    printed.add("storage-s3::StaticCredentials", &credentials);
    let settings = S3Settings {
        bucket: bucket(),
        region: "us-east-1".to_owned(),
        endpoint: Some(server.endpoint().parse().unwrap()),
        force_path_style: true,
        credentials: Some(credentials),
        server_side_encryption: ServerSideEncryption::None,
        expected_bucket_owner: None,
        require_versioning: false,
        allow_unsigned_headers: false,
    };
    printed.add("storage-s3::S3Settings", &settings);
    let inventory = S3BucketInventory::connect(settings.clone(), Arc::new(SystemClock))
        .await
        .unwrap();
    let archive = "s3://archive/2024/".parse().unwrap();
    let source = S3SourceBucket::connect(settings.clone(), &archive, Arc::new(SystemClock))
        .await
        .unwrap();
    printed.add("storage-s3::S3SourceBucket", &source);
    let store = UnprobedS3::connect(settings, Arc::new(SystemClock))
        .await
        .unwrap();
    printed.add("storage-s3::UnprobedS3", &store);
    printed.add("storage-s3::S3BucketInventory", &inventory);
    printed.add(
        "storage-s3::S3RawStorageRepository",
        &store.probe().await.unwrap(),
    );
}

fn bucket() -> BucketName {
    BucketName::parse("nexus-raw").unwrap()
}
