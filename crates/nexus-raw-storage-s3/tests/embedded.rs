//! The adapter on the embedded server: the contract of the port, and the probe of stores that
//! break their word.

#![expect(clippy::unwrap_used, reason = "a test ends where its support fails")]

mod support;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use nexus_raw::{
    ports::{Clock, RawStorageRepository, StoreCapabilities},
    time::Timestamp,
};
use nexus_raw_embedded_s3::{Credentials, EmbeddedS3, EmbeddedS3Handle, Misbehaviour, Settings};
use nexus_raw_storage_s3::{
    ProbeError, S3RawStorageRepository, S3Settings, ServerSideEncryption, UnprobedS3,
};
use nexus_raw_testkit::{
    HttpRequest, SwallowingProxy, behind_a_dead_proxy, contract::storage::StorageHarness,
    s3::Answer, storage_contract, storage_parts_contract,
};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::{task::JoinSet, time::Instant};

struct OnEmbedded {
    server: EmbeddedS3Handle,
    _directory: TempDir,
}

impl OnEmbedded {
    fn new() -> Self {
        Self::misbehaving(&[])
    }

    fn misbehaving(lies: &[Misbehaviour]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let credentials = Credentials {
            access_key_id: "AKIAEMBEDDED".to_owned(),
            secret_access_key: SecretString::from("embedded-secret"),
        };
        let mut settings = Settings::new(directory.path(), credentials)
            .with_bucket("nexus-raw")
            .with_min_part_bytes(1);
        for lie in lies {
            settings = settings.with_misbehaviour(*lie);
        }
        Self {
            server: EmbeddedS3::start(&settings).unwrap(),
            _directory: directory,
        }
    }

    fn settings(&self) -> S3Settings {
        support::settings(
            &self.server.endpoint(),
            "nexus-raw",
            "AKIAEMBEDDED",
            "embedded-secret",
        )
    }

    async fn probe(&self) -> Result<S3RawStorageRepository, ProbeError> {
        probe(self.settings()).await
    }
}

async fn probe(settings: S3Settings) -> Result<S3RawStorageRepository, ProbeError> {
    let unprobed = UnprobedS3::connect(settings, support::clock())
        .await
        .unwrap();
    unprobed.probe().await
}

#[async_trait]
impl StorageHarness for OnEmbedded {
    async fn open(&self) -> Arc<dyn RawStorageRepository> {
        Arc::new(self.probe().await.unwrap())
    }

    fn now(&self) -> Timestamp {
        support::WallClock.now()
    }

    async fn send(&self, request: HttpRequest) -> u16 {
        support::send(request).await
    }

    async fn get(&self, url: &str) -> Answer {
        support::get(url).await
    }
}

storage_contract!(OnEmbedded::new());
storage_parts_contract!(OnEmbedded::new());

/// A clock that is set wrong.
#[derive(Debug)]
struct Ahead(i64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        let now = support::WallClock.now().as_micros();
        Timestamp::from_micros(now + self.0 * 1_000_000).unwrap()
    }
}

/// By the `Date` of the store's answers, the refused ones of the probe among them.
#[tokio::test]
async fn by_how_much_the_clock_differs_from_the_stores_is_known() {
    let home = OnEmbedded::new();
    // the probe's URLs live for a minute
    for ahead in [0, 40, -40] {
        let unprobed = UnprobedS3::connect(home.settings(), Arc::new(Ahead(ahead))).await;
        let store = unprobed.unwrap().probe().await.unwrap();
        let seconds = store.clock_offset().seconds().unwrap();
        // a second may go by between the two
        assert!(
            (ahead - 1..=ahead + 2).contains(&seconds),
            "{seconds} of {ahead}"
        );
    }
}

fn findings<T>(outcome: Result<T, ProbeError>) -> Vec<String> {
    match outcome {
        Err(ProbeError::Incompatible { findings }) => findings,
        Err(ProbeError::Unreachable(source)) => vec![format!("unreachable: {source}")],
        Err(other) => vec![other.to_string()],
        Ok(_) => Vec::new(),
    }
}

#[tokio::test]
async fn a_store_that_keeps_its_promises_is_fit_at_every_probe() {
    let store = OnEmbedded::new();
    for _ in 0..2 {
        let repository = store.probe().await.unwrap();
        assert_eq!(
            repository.capabilities(),
            StoreCapabilities {
                enforces_sha256: true,
                keeps_octet_stream: true,
                honours_response_headers: true,
                proves_parts: true,
            }
        );
        assert_eq!(
            repository.notes(),
            [
                "the store refuses bytes that differ from their signed SHA-256: its digests are trusted"
            ]
        );
    }
}

#[tokio::test]
async fn probes_that_run_at_once_do_not_disturb_each_other() {
    let store = OnEmbedded::new();
    let (one, two, three) = tokio::join!(store.probe(), store.probe(), store.probe());
    assert_eq!(
        [findings(one), findings(two), findings(three)],
        [const { Vec::<String>::new() }; 3]
    );
}

#[tokio::test]
async fn a_store_that_writes_over_objects_is_unfit() {
    let store = OnEmbedded::misbehaving(&[Misbehaviour::IgnoreCreateOnce]);
    for _ in 0..2 {
        assert_eq!(
            findings(store.probe().await),
            [
                "the store overwrites an object despite If-None-Match: use one with conditional writes"
            ]
        );
    }
}

#[tokio::test]
async fn a_store_that_takes_unsigned_headers_is_unfit_unless_it_is_allowed() {
    let store = OnEmbedded::misbehaving(&[Misbehaviour::AcceptUnsignedHeaders]);
    for _ in 0..2 {
        assert_eq!(
            findings(store.probe().await),
            [
                "the store accepts unsigned x-amz-* headers: use one that refuses them, or set storage.allow_unsigned_headers"
            ]
        );
    }
    let allowed = S3Settings {
        allow_unsigned_headers: true,
        ..store.settings()
    };
    let repository = probe(allowed).await.unwrap();
    assert_eq!(
        repository.notes(),
        [
            "the store accepts unsigned x-amz-* headers, as storage.allow_unsigned_headers allows",
            "the store refuses bytes that differ from their signed SHA-256: its digests are trusted",
        ]
    );
}

#[tokio::test]
async fn a_store_that_hides_absence_is_unfit() {
    let store = OnEmbedded::misbehaving(&[Misbehaviour::ForbidAbsentKeys]);
    let found = findings(store.probe().await);
    let [finding] = &found[..] else {
        panic!("{found:?}");
    };
    assert!(
        finding.starts_with("HeadObject returned status 403")
            && finding.ends_with(
                " for an absent key: allow s3:ListBucket on nexus-raw, and s3:GetObject on its objects"
            ),
        "{finding}"
    );
}

#[tokio::test]
async fn a_store_that_takes_wrong_bytes_is_not_believed_now_or_later() {
    for lie in [Misbehaviour::IgnoreChecksums, Misbehaviour::EchoChecksums] {
        let store = OnEmbedded::misbehaving(&[lie]);
        for _ in 0..2 {
            let repository = store.probe().await.unwrap();
            assert_eq!(
                repository.capabilities(),
                StoreCapabilities {
                    enforces_sha256: false,
                    keeps_octet_stream: true,
                    honours_response_headers: true,
                    proves_parts: false,
                }
            );
            assert_eq!(
                repository.notes(),
                [
                    "the store accepts bytes that differ from their signed SHA-256, or stores no digest: its digests are not trusted",
                    "the store accepts parts that differ from their signed SHA-256, or returns no composite digest: uploads in parts are read and hashed",
                ]
            );
        }
    }
}

#[tokio::test]
async fn a_bucket_that_is_not_there_and_keys_that_are_not_known_say_what_to_change() {
    let store = OnEmbedded::new();
    let elsewhere = S3Settings {
        bucket: nexus_raw::asset::BucketName::parse("elsewhere").unwrap(),
        ..store.settings()
    };
    assert_eq!(
        findings(probe(elsewhere).await),
        ["bucket elsewhere does not exist: create it, or set storage.bucket"]
    );
    let stranger = support::settings(
        &store.server.endpoint(),
        "nexus-raw",
        "AKIANOBODY",
        "secret",
    );
    let found = findings(probe(stranger).await);
    let [finding] = &found[..] else {
        panic!("{found:?}");
    };
    assert!(
        finding.ends_with(
            ": check the credentials, the machine's time, storage.region, and that s3:ListBucket on nexus-raw is allowed"
        ),
        "{finding}"
    );
}

#[tokio::test]
async fn what_the_embedded_store_does_not_have_is_not_promised() {
    let store = OnEmbedded::new();
    let versioned = S3Settings {
        require_versioning: true,
        ..store.settings()
    };
    assert_eq!(
        findings(probe(versioned).await),
        [
            "GetBucketVersioning returned status 501 NotImplemented: use a store that has versioning, or unset storage.require_versioning"
        ]
    );
    let owned = S3Settings {
        expected_bucket_owner: Some("123456789012".to_owned()),
        ..store.settings()
    };
    assert_eq!(
        findings(probe(owned).await),
        [
            "HeadBucket returned status 501: the store does not support bucket owners: unset storage.expected_bucket_owner"
        ]
    );
    for encryption in [
        ServerSideEncryption::S3,
        ServerSideEncryption::Kms { key_id: None },
    ] {
        let encrypted = S3Settings {
            server_side_encryption: encryption,
            ..store.settings()
        };
        let found = findings(probe(encrypted).await);
        let [finding] = &found[..] else {
            panic!("{found:?}");
        };
        let refused = "presigned PutObject returned status 501 NotImplemented: check the machine's time, storage.sse,";
        assert!(finding.starts_with(refused), "{finding}");
    }
}

/// Neither by the SDK nor by the probe's own requests.
#[tokio::test]
async fn no_proxy_is_used() {
    if behind_a_dead_proxy("no_proxy_is_used") {
        let store = OnEmbedded::new();
        let repository = store.probe().await.unwrap();
        repository.ready().await.unwrap();
    }
}

/// What is sent over them is taken and never arrives, and nothing is closed.
#[tokio::test]
async fn after_all_flows_fell_silent_the_store_answers_again_within_ten_seconds() {
    let store = OnEmbedded::new();
    let proxy = SwallowingProxy::before(store.server.addr());
    let endpoint = format!("http://{}", proxy.address());
    let repository = probe(S3Settings {
        endpoint: Some(endpoint.parse().unwrap()),
        ..store.settings()
    });
    let repository = Arc::new(repository.await.unwrap());
    // so many connections are kept
    let mut checks = JoinSet::new();
    for _ in 0..20 {
        let repository = Arc::clone(&repository);
        checks.spawn(async move { repository.ready().await });
    }
    for answer in checks.join_all().await {
        answer.unwrap();
    }
    proxy.swallow_flows();
    let silent = Instant::now();
    while repository.ready().await.is_err() {
        assert!(silent.elapsed() < Duration::from_secs(10));
    }
    assert!(silent.elapsed() < Duration::from_secs(10));
}
