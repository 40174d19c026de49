use std::time::Duration;

use nexus_raw::{
    asset::{ContentFacts, ContentType, Filename, Sha256Digest},
    ports::HashOutcome,
    time::Timestamp,
};

use super::{StorageBench, StorageHarness, is_refusal, request};
use crate::sample::{self, CONTENT};

/// The right request succeeds; a repeat before the end of the URL does not (412).
pub async fn the_promised_bytes_are_stored_once(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "the_promised_bytes_are_stored_once").await;
    let intent = bench.intent(1);
    let upload = bench.presign(&intent).await;
    assert_eq!(bench.send(request(&upload, CONTENT)).await, 200);
    let stored = bench.repository.stat(&intent.address).await.unwrap();
    assert!(stored.is_some());
    assert_eq!(bench.send(request(&upload, CONTENT)).await, 412);
    // neither with another URL for the same key
    let again = bench.presign(&intent).await;
    assert_eq!(bench.send(request(&again, CONTENT)).await, 412);
    assert_eq!(
        bench.repository.stat(&intent.address).await.unwrap(),
        stored
    );
}

/// Concurrent uploads are create-once too. S3 returns 409 to an upload while another is running.
pub async fn one_of_many_racing_uploads_to_a_key_is_stored(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "one_of_many_racing_uploads_to_a_key_is_stored").await;
    let upload = bench.presign(&bench.intent(1)).await;
    let send = || bench.send(request(&upload, CONTENT));
    let (a, b, c, d) = tokio::join!(send(), send(), send(), send());
    let mut statuses = [a, b, c, d];
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200, "{statuses:?}");
    assert!(
        statuses[1..].iter().all(|it| [409, 412].contains(it)),
        "{statuses:?}"
    );
}

/// The store behaves as the probe at start reported.
pub async fn other_bytes_are_refused_if_and_only_if_the_store_is_said_to_check(
    harness: &impl StorageHarness,
) {
    let bench = StorageBench::open(harness, "other_bytes_are_refused").await;
    let intent = bench.intent(1);
    let upload = bench.presign(&intent).await;
    let mut other = CONTENT.to_vec();
    other[0] ^= 1;
    if bench.repository.capabilities().enforces_sha256 {
        bench
            .assert_refused(request(&upload, &other), &intent)
            .await;
    } else {
        assert_eq!(bench.send(request(&upload, &other)).await, 200);
    }
}

/// Shorter and longer content, each with its true length.
pub async fn another_length_is_refused(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "another_length_is_refused").await;
    let intent = bench.intent(1);
    let upload = bench.presign(&intent).await;
    let longer = [CONTENT, b"!"].concat();
    for body in [&b""[..], &CONTENT[1..], &longer] {
        bench.assert_refused(request(&upload, body), &intent).await;
    }
}

/// The media type is signed byte by byte.
pub async fn another_media_type_is_refused(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "another_media_type_is_refused").await;
    let intent = bench.intent(1);
    let upload = bench.presign(&intent).await;
    for other in ["text/html", "image/JPEG", "image/jpeg;q=1"] {
        let mut changed = request(&upload, CONTENT);
        set_header(&mut changed.headers, "content-type", other);
        bench.assert_refused(changed, &intent).await;
    }
}

/// The uploader cannot change the owner of the object.
pub async fn other_metadata_is_refused(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "other_metadata_is_refused").await;
    let intent = bench.intent(1);
    let upload = bench.presign(&intent).await;
    for (name, other) in [
        ("x-amz-meta-tenant-id", "t_ab"),
        ("x-amz-meta-env", "prod"),
        (
            "x-amz-meta-asset-id",
            "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11",
        ),
        ("if-none-match", "\"etag\""),
    ] {
        let mut changed = request(&upload, CONTENT);
        set_header(&mut changed.headers, name, other);
        bench.assert_refused(changed, &intent).await;
    }
}

/// Every header of the upload is signed, so none may be missing.
pub async fn a_removed_header_is_refused(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "a_removed_header_is_refused").await;
    let intent = bench.intent(1);
    let upload = bench.presign(&intent).await;
    for at in 0..upload.headers.len() {
        let mut changed = request(&upload, CONTENT);
        changed.headers.remove(at);
        bench.assert_refused(changed, &intent).await;
    }
}

/// Headers that S3 acts on must be signed.
pub async fn an_added_amz_header_is_refused(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "an_added_amz_header_is_refused").await;
    let intent = bench.intent(1);
    let upload = bench.presign(&intent).await;
    for (name, value) in [
        ("x-amz-meta-note", "mine"),
        ("x-amz-acl", "public-read"),
        ("x-amz-copy-source", "/bucket/key"),
        (
            "x-amz-grant-read",
            "uri=\"http://acs.amazonaws.com/groups/global/AllUsers\"",
        ),
        ("x-amz-storage-class", "GLACIER"),
        ("x-amz-tagging", "a=b"),
        ("x-amz-website-redirect-location", "https://evil.example/"),
    ] {
        let mut changed = request(&upload, CONTENT);
        changed.headers.push((name.to_owned(), value.to_owned()));
        bench.assert_refused(changed, &intent).await;
    }
}

/// S3 accepts these unsigned and keeps them; then `stat` returns their names, and registration is
/// refused.
pub async fn an_added_content_header_is_refused_or_reported(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "an_added_content_header_is_refused_or_reported").await;
    for (number, (name, value)) in (1..).zip([
        ("content-disposition", "attachment"),
        ("content-encoding", "gzip"),
        ("content-language", "en"),
    ]) {
        let intent = bench.intent(number);
        let upload = bench.presign(&intent).await;
        let mut changed = request(&upload, CONTENT);
        changed.headers.push((name.to_owned(), value.to_owned()));
        let status = bench.send(changed).await;
        let stored = bench.repository.stat(&intent.address).await.unwrap();
        let foreign = stored.map(|object| object.foreign_headers);
        if status == 200 {
            assert_eq!(foreign, Some(vec![name]));
        } else {
            assert_eq!(foreign, None, "{status} to {name}");
        }
    }
}

/// Browsers add these headers by themselves. The upload succeeds, and `stat` does not return them.
pub async fn headers_that_browsers_add_are_accepted_and_not_reported(
    harness: &impl StorageHarness,
) {
    let bench = StorageBench::open(
        harness,
        "headers_that_browsers_add_are_accepted_and_not_reported",
    )
    .await;
    for (number, added) in (1..).zip([
        &[("cache-control", "no-cache"), ("pragma", "no-cache")][..],
        &[("cache-control", "max-age=0")],
        &[("expires", "Thu, 01 Dec 2033 16:00:00 GMT")],
    ]) {
        let intent = bench.intent(number);
        let upload = bench.presign(&intent).await;
        let mut changed = request(&upload, CONTENT);
        for (name, value) in added {
            changed
                .headers
                .push(((*name).to_owned(), (*value).to_owned()));
        }
        assert_eq!(bench.send(changed).await, 200, "{added:?}");
        let stored = bench.repository.stat(&intent.address).await.unwrap();
        let foreign = stored.map(|object| object.foreign_headers);
        assert_eq!(foreign, Some(vec![]), "{added:?}");
    }
}

/// The URL is for PUT only: not for reads, deletes or posts.
pub async fn another_method_is_refused(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "another_method_is_refused").await;
    let intent = bench.intent(1);
    let upload = bench.presign(&intent).await;
    for method in ["GET", "DELETE", "POST"] {
        let mut changed = request(&upload, CONTENT);
        method.clone_into(&mut changed.method);
        bench.assert_refused(changed, &intent).await;
    }
    assert_eq!(bench.send(request(&upload, CONTENT)).await, 200);
    for method in ["GET", "HEAD", "DELETE"] {
        let mut changed = request(&upload, b"");
        method.clone_into(&mut changed.method);
        let status = bench.send(changed).await;
        assert!(is_refusal(status), "{status} to {method}");
    }
    let stored = bench.repository.stat(&intent.address).await.unwrap();
    assert!(stored.is_some());
}

/// A URL for one asset is invalid for another.
pub async fn another_key_is_refused(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "another_key_is_refused").await;
    let (mine, yours) = (bench.intent(1), bench.intent(2));
    let upload = bench.presign(&mine).await;
    let mut changed = request(&upload, CONTENT);
    let ids = [&mine, &yours].map(|intent| intent.asset_id.to_string());
    changed.url = changed.url.replace(&ids[0], &ids[1]);
    assert_ne!(changed.url, upload.url.expose());
    bench.assert_refused(changed, &yours).await;
}

/// Neither the lifetime of a URL nor its signature can be changed.
pub async fn a_changed_query_is_refused(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "a_changed_query_is_refused").await;
    let intent = bench.intent(1);
    let upload = bench.presign(&intent).await;
    let url = upload.url.expose();
    let flipped = if url.ends_with('0') { '1' } else { '0' };
    for changed_url in [
        url.replace("X-Amz-Expires=600", "X-Amz-Expires=604800"),
        format!("{}{flipped}", &url[..url.len() - 1]),
        format!("{url}&x-amz-acl=public-read"),
        url.replace("X-Amz-Signature=", "X-Amz-Signature=00"),
        url.split('?').next().unwrap_or_default().to_owned(),
    ] {
        assert_ne!(changed_url, url);
        let mut changed = request(&upload, CONTENT);
        changed.url = changed_url;
        bench.assert_refused(changed, &intent).await;
    }
}

/// A URL signed some time ago, for a shorter time, has expired.
pub async fn a_url_is_refused_after_its_end(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "a_url_is_refused_after_its_end").await;
    let intent = bench.intent(1);
    let long_ago = bench.now.as_micros() - 120 * 1_000_000;
    let long_ago = Timestamp::from_micros(long_ago).unwrap();
    let upload = bench
        .presign_at(&intent, long_ago, Duration::from_mins(1))
        .await;
    assert!(upload.expires_at < bench.now);
    assert_eq!(bench.send(request(&upload, CONTENT)).await, 403);
    let stored = bench.repository.stat(&intent.address).await.unwrap();
    assert_eq!(stored, None);
}

/// The same URL works after a refused attempt.
pub async fn a_refused_upload_does_not_use_up_the_url(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "a_refused_upload_does_not_use_up_the_url").await;
    let intent = bench.intent(1);
    let upload = bench.presign(&intent).await;
    bench
        .assert_refused(request(&upload, &CONTENT[1..]), &intent)
        .await;
    assert_eq!(bench.send(request(&upload, CONTENT)).await, 200);
}

/// Every name and type that the domain accepts survives signing and HTTP.
pub async fn odd_names_and_media_types_are_uploaded_and_found(harness: &impl StorageHarness) {
    let bench =
        StorageBench::open(harness, "odd_names_and_media_types_are_uploaded_and_found").await;
    let longest = "n".repeat(255);
    for (number, (name, content_type)) in (1..).zip([
        ("a b+c&d=e?f#g%20h.jpg", "application/octet-stream"),
        (
            "\u{1f4f7} \u{65e5}\u{672c} \u{e9}.jpg",
            "text/plain; charset=utf-8",
        ),
        ("~!$'()*,;:@[]{}|^`\"<>.x", "a/b;c=\"d ; e\""),
        ("...%2e%2e%2f", "application/vnd.a+json"),
        (longest.as_str(), "image/svg+xml"),
    ]) {
        let facts = ContentFacts {
            filename: Filename::parse(name).unwrap(),
            content_type: ContentType::parse(content_type).unwrap(),
            ..sample::facts()
        };
        let intent = bench.intent_of(number, facts);
        let upload = bench.presign(&intent).await;
        assert_eq!(bench.send(request(&upload, CONTENT)).await, 200, "{name}");
        let stored = bench.repository.stat(&intent.address).await.unwrap();
        let stored = stored.unwrap_or_else(|| panic!("expected: {name} is found\n    came: None"));
        if content_type != ContentType::OCTET_STREAM
            || bench.repository.capabilities().keeps_octet_stream
        {
            assert_eq!(stored.content_type.as_deref(), Some(content_type));
        }
    }
}

/// Empty content is signed like any other: stored once, and without a byte.
pub async fn an_empty_object_is_stored_once_and_hashed(harness: &impl StorageHarness) {
    let bench = StorageBench::open(harness, "an_empty_object_is_stored_once_and_hashed").await;
    let intent = bench.intent_of(1, sample::facts_of(b""));
    let upload = bench.presign(&intent).await;
    bench.assert_refused(request(&upload, b"!"), &intent).await;
    let object = bench.uploaded(&intent, b"").await;
    assert_eq!(bench.send(request(&upload, b"")).await, 412);
    let found = bench.repository.stat(&intent.address).await.unwrap();
    assert_eq!(found.map(|it| it.size_bytes), Some(0));
    let hashed = bench.repository.hash(&object).await.unwrap();
    assert_eq!(hashed, HashOutcome::Hashed(Sha256Digest::of(b"")));
}

fn set_header(headers: &mut [(String, String)], name: &str, value: &str) {
    for (_, kept) in headers.iter_mut().filter(|(known, _)| known == name) {
        value.clone_into(kept);
    }
}
