//! How long it takes to sign one upload, and a thousand parts: microseconds, and no request.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark ends where its preparation fails"
)]

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use nexus_raw::{
    asset::{BucketName, ByteSize, DeclaredPart, PartNumber, UploadId},
    ports::{OpenUpload, PartTerms, RawStorageRepository, UploadTerms},
    time::Timestamp,
};
use nexus_raw_embedded_s3::{Credentials, EmbeddedS3, EmbeddedS3Handle, Settings};
use nexus_raw_storage_s3::{
    S3RawStorageRepository, S3Settings, ServerSideEncryption, StaticCredentials, UnprobedS3,
};
use nexus_raw_testkit::{FixedClock, sample};
use secrecy::SecretString;

const ACCESS_KEY_ID: &str = "AKIABENCH";

fn start_store(directory: &std::path::Path) -> EmbeddedS3Handle {
    let credentials = Credentials {
        access_key_id: ACCESS_KEY_ID.to_owned(),
        secret_access_key: SecretString::from("bench"),
    };
    let settings = Settings::new(directory, credentials).with_bucket("nexus-raw");
    EmbeddedS3::start(&settings).unwrap()
}

async fn repository(endpoint: &str) -> S3RawStorageRepository {
    let settings = S3Settings {
        bucket: BucketName::parse("nexus-raw").unwrap(),
        region: "us-east-1".to_owned(),
        endpoint: Some(endpoint.parse().unwrap()),
        force_path_style: true,
        credentials: Some(StaticCredentials {
            access_key_id: ACCESS_KEY_ID.to_owned(),
            secret_access_key: SecretString::from("bench"),
        }),
        server_side_encryption: ServerSideEncryption::None,
        expected_bucket_owner: None,
        require_versioning: false,
        allow_unsigned_headers: false,
    };
    #[expect(clippy::disallowed_methods, reason = "the store checks the time")]
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let micros = i64::try_from(since_epoch.as_micros()).unwrap();
    let clock = FixedClock::at(Timestamp::from_micros(micros).unwrap());
    let unprobed = UnprobedS3::connect(settings, Arc::new(clock))
        .await
        .unwrap();
    unprobed.probe().await.unwrap()
}

fn part(number: u64) -> DeclaredPart {
    DeclaredPart {
        number: PartNumber::parse(number).unwrap(),
        size_bytes: ByteSize::PART,
        sha256: sample::facts().sha256,
    }
}

fn presign(bench: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let store = start_store(directory.path());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let repository = runtime.block_on(repository(&store.endpoint()));
    let scope = sample::scope("t_demo", "dev");
    let mut intent = sample::intent(&scope, sample::asset_id(1));
    intent.address.bucket = repository.bucket().clone();
    let terms = UploadTerms {
        intent: &intent,
        sha256: sample::facts().sha256,
        now: intent.requested_at,
        ttl: Duration::from_mins(15),
    };
    bench.bench_function("presign_upload", |it| {
        it.iter(|| runtime.block_on(repository.presign_upload(black_box(terms))));
    });
    let upload = OpenUpload::of(&intent, UploadId::parse("an-upload").unwrap());
    let parts: Vec<_> = (1..=1000).map(part).collect();
    let terms = PartTerms {
        upload: &upload,
        now: intent.requested_at,
        ttl: Duration::from_mins(15),
        not_after: intent.ends_at,
    };
    bench.bench_function("presign_1000_parts", |it| {
        it.iter(|| runtime.block_on(repository.presign_parts(black_box(terms), &parts)));
    });
    drop(repository);
    store.shutdown().unwrap();
}

criterion_group!(benches, presign);
criterion_main!(benches);
