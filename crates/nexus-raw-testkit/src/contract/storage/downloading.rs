use std::time::Duration;

use nexus_raw::{
    asset::{
        BucketName, ContentFacts, ContentType, Disposition, Filename, Integrity, IntegrityLevel,
        ObjectAddress, Provenance, RawAsset, RawAssetParts, UploadIntent,
    },
    ports::{DownloadTerms, PinnedObject, PresignedDownload, StorageError},
    time::Timestamp,
};

use super::{StorageBench, StorageHarness, TTL, is_refusal};
use crate::{
    HttpRequest,
    sample::{self, CONTENT},
};

/// The record of an uploaded object.
fn record(intent: &UploadIntent, object: &PinnedObject) -> RawAsset {
    RawAsset::from_parts(RawAssetParts {
        asset_id: intent.asset_id,
        scope: intent.scope.clone(),
        address: object.address.clone(),
        facts: intent
            .facts
            .clone()
            .with_sha256(intent.facts.sha256.unwrap()),
        provenance: Provenance::default(),
        imported_at: intent.requested_at,
        registered_by: intent.requested_by.clone(),
        integrity: Integrity {
            level: IntegrityLevel::S3Sha256,
            version_id: object.version_id.clone(),
            etag: object.etag.clone(),
            parts: None,
        },
    })
}

impl<H: StorageHarness> StorageBench<'_, H> {
    async fn presign_download(
        &self,
        asset: &RawAsset,
        now: Timestamp,
        not_after: Option<Timestamp>,
    ) -> PresignedDownload {
        let terms = DownloadTerms {
            asset,
            disposition: Disposition::Attachment,
            now,
            ttl: TTL,
            not_after,
        };
        self.repository.presign_download(terms).await.unwrap()
    }

    async fn uploaded_record(&self) -> RawAsset {
        let intent = self.intent(1);
        let object = self.uploaded(&intent, CONTENT).await;
        record(&intent, &object)
    }
}

/// Also where the name and the type are odd ones. A store that ignores `response-*` answers what
/// the object has.
pub async fn a_download_has_the_bytes_and_the_name_and_type_of_the_record(
    harness: &impl StorageHarness,
) {
    let bench = StorageBench::open(harness, "a_download_has_the_bytes").await;
    let names = [
        "DSCN0010.jpg",
        "a b+c%41&d=e;f?g#h.html",
        "\"q\" 'Gr\u{fc}\u{df}e' \u{20ac}.txt",
    ];
    let types = [
        "image/jpeg",
        "text/html; charset=utf-8",
        "text/plain; a=\"b;c\"",
    ];
    for (number, (name, content_type)) in (1..).zip(names.into_iter().zip(types)) {
        let facts = ContentFacts {
            filename: Filename::parse(name).unwrap(),
            content_type: ContentType::parse(content_type).unwrap(),
            ..sample::facts()
        };
        let intent = bench.intent_of(number, facts);
        let object = bench.uploaded(&intent, CONTENT).await;
        let asset = record(&intent, &object);
        let download = bench.presign_download(&asset, bench.now, None).await;
        assert_eq!(download.method, "GET");
        let answer = harness.get(download.url.expose()).await;
        assert_eq!(answer.status, 200, "{name}");
        assert_eq!(answer.body, CONTENT, "{name}");
        let disposition = Disposition::Attachment.header(&intent.facts.filename);
        if bench.repository.capabilities().honours_response_headers {
            assert_eq!(answer.header("content-type"), Some(content_type));
            assert_eq!(answer.header("content-disposition"), Some(&*disposition));
            assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        }
    }
}

/// Another method, another key, another answer, another end: the signature is of all of it.
pub async fn a_download_of_a_changed_url_is_refused(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "a_download_of_a_changed_url_is_refused").await;
    let asset = bench.uploaded_record().await;
    let download = bench.presign_download(&asset, bench.now, None).await;
    let url = download.url.expose();
    assert_eq!(harness.get(url).await.status, 200);
    let id = asset.asset_id().to_string();
    for changed in [
        url.replace(&id, &sample::asset_id(7).to_string()),
        url.replace("X-Amz-Expires=600", "X-Amz-Expires=601"),
        format!("{url}&response-content-type=text%2Fhtml"),
        format!("{url}&versionId=null"),
    ] {
        assert_ne!(changed, url);
        let status = harness.get(&changed).await.status;
        assert!(is_refusal(status), "{status}");
    }
    for method in ["PUT", "DELETE", "POST"] {
        let changed = HttpRequest {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: b"forged".to_vec(),
        };
        let status = bench.send(changed).await;
        assert!(is_refusal(status), "{status} to {method}");
    }
    assert_eq!(harness.get(url).await.body, CONTENT);
}

/// A URL is of no use from its end on.
pub async fn a_download_is_refused_after_its_end(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "a_download_is_refused_after_its_end").await;
    let asset = bench.uploaded_record().await;
    let long_ago = bench.now.as_micros() - 3_600_000_000;
    let long_ago = Timestamp::from_micros(long_ago).unwrap();
    let download = bench.presign_download(&asset, long_ago, None).await;
    assert_eq!(harness.get(download.url.expose()).await.status, 403);
}

/// Whichever comes first.
pub async fn a_download_ends_with_its_time_to_live_or_earlier(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "a_download_ends_with_its_time_to_live").await;
    let asset = bench.uploaded_record().await;
    let after = |seconds| bench.now.saturating_add(Duration::from_secs(seconds));
    for (not_after, seconds) in [(None, 600), (Some(601), 600), (Some(1), 1)] {
        let not_after = not_after.map(after);
        let download = bench.presign_download(&asset, bench.now, not_after).await;
        assert_eq!(download.expires_at, after(seconds));
        let expected = format!("X-Amz-Expires={seconds}&");
        assert!(download.url.expose().contains(&expected), "{expected}");
    }
}

/// A bucket that was not probed is not trusted, so nothing of it is signed.
pub async fn a_download_from_a_bucket_that_is_not_served_is_not_signed(
    harness: &impl StorageHarness,
) {
    let bench = StorageBench::open(harness, "a_download_from_a_bucket_that_is_not_served").await;
    let intent = bench.intent(1);
    let elsewhere = PinnedObject {
        address: ObjectAddress {
            bucket: BucketName::parse("somebody-elses-bucket").unwrap(),
            ..intent.address.clone()
        },
        scope: intent.scope.clone(),
        asset_id: intent.asset_id,
        size_bytes: intent.facts.size_bytes,
        etag: "etag".to_owned(),
        version_id: None,
    };
    let asset = record(&intent, &elsewhere);
    let terms = DownloadTerms {
        asset: &asset,
        disposition: Disposition::Inline,
        now: bench.now,
        ttl: TTL,
        not_after: None,
    };
    let answer = bench.repository.presign_download(terms).await;
    assert!(
        matches!(answer, Err(StorageError::ForeignBucket)),
        "{answer:?}"
    );
}
