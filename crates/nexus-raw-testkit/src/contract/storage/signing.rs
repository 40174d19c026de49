use std::{collections::BTreeMap, time::Duration};

use nexus_raw::asset::UploadIntent;

use super::{StorageBench, StorageHarness, TTL};

/// The headers that the client must send: those of the promise, as S3 spells them, in lower case
/// and in order. Server-side encryption, if configured, adds its own.
pub async fn the_headers_are_the_signed_ones_in_order(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "the_headers_are_the_signed_ones_in_order").await;
    let intent = bench.intent(1);
    let upload = bench.presign(&intent).await;
    assert_eq!(upload.method, "PUT");
    let promised: BTreeMap<String, String> = [
        ("content-type", "image/jpeg".to_owned()),
        ("if-none-match", "*".to_owned()),
        (
            "x-amz-checksum-sha256",
            intent.facts.sha256.unwrap().to_base64(),
        ),
        ("x-amz-meta-asset-id", intent.asset_id.to_string()),
        ("x-amz-meta-env", "dev".to_owned()),
        ("x-amz-meta-tenant-id", "t_a".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let encryption = |name: &str| name.starts_with("x-amz-server-side-encryption");
    let (added, sent): (BTreeMap<_, _>, BTreeMap<_, _>) = upload
        .headers
        .iter()
        .cloned()
        .partition(|(name, _)| encryption(name));
    assert_eq!(sent, promised);
    assert_eq!(
        upload.headers.len(),
        sent.len() + added.len(),
        "one is repeated"
    );
    assert!(upload.headers.is_sorted());
}

/// `host`, `content-length` and every header of the upload are in `X-Amz-SignedHeaders`.
pub async fn the_url_lists_the_signed_headers(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "the_url_lists_the_signed_headers").await;
    let upload = bench.presign(&bench.intent(1)).await;
    let url = upload.url.expose();
    let (_, query) = url.split_once('?').unwrap();
    let signed = query
        .split('&')
        .find_map(|parameter| parameter.strip_prefix("X-Amz-SignedHeaders="))
        .unwrap();
    let signed: Vec<&str> = signed.split("%3B").collect();
    let mut expected: Vec<&str> = upload
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    expected.extend(["content-length", "host"]);
    expected.sort_unstable();
    assert_eq!(signed, expected);
    let life = format!("X-Amz-Expires={}", TTL.as_secs());
    assert!(
        query.split('&').any(|parameter| parameter == life),
        "no {life}"
    );
}

/// The earlier of the two, to the second. (The adapter tests the end of the credentials.)
pub async fn an_upload_ends_with_its_time_to_live_or_its_intent(harness: &impl StorageHarness) {
    let bench = StorageBench::open(
        harness,
        "an_upload_ends_with_its_time_to_live_or_its_intent",
    )
    .await;
    for (ttl, intent_ttl, expected) in [(600, 86_400, 600), (600, 300, 300), (1, 86_400, 1)] {
        let intent = UploadIntent {
            ends_at: bench.now.saturating_add(Duration::from_secs(intent_ttl)),
            ..bench.intent(1)
        };
        let upload = bench
            .presign_at(&intent, bench.now, Duration::from_secs(ttl))
            .await;
        assert_eq!(
            upload.expires_at,
            bench.now.saturating_add(Duration::from_secs(expected))
        );
        // the store reads the lifetime from the URL
        let life = format!("&X-Amz-Expires={expected}&");
        assert!(upload.url.expose().contains(&life), "no {life}");
    }
}

/// So a log line that contains an upload does not let its reader upload.
pub async fn a_signed_url_is_not_printed(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "a_signed_url_is_not_printed").await;
    let upload = bench.presign(&bench.intent(1)).await;
    let (_, signature) = upload.url.expose().split_once("X-Amz-Signature=").unwrap();
    let signature = signature.split('&').next().unwrap();
    assert_eq!(signature.len(), 64);
    let printed = format!("{upload:?} {upload:#?}");
    assert!(!printed.contains(signature), "{printed}");
    assert!(!printed.contains("X-Amz-"), "{printed}");
}
