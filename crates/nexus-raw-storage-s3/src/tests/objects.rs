//! The conversion of HEAD responses to the domain.

use std::collections::BTreeMap;

use nexus_raw::{
    asset::Sha256Digest,
    ports::{CompositeDigest, RawStorageRepository, StoredObject},
};

use super::{
    scripted::{Answer, Scripted, Seen},
    support::{intent, repository_of, settings, static_credentials, store_on},
};
use crate::deadlines::Deadlines;

const ABC: &str = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";

/// Returns the object of a HEAD response with these headers, besides its length and tag.
async fn stored(headers: &[(&'static str, &str)]) -> StoredObject {
    let mut answer = Answer::status(200)
        .with("content-length", "3")
        .with("etag", "\"0123abcd\"");
    for (name, value) in headers {
        answer = answer.with(name, value);
    }
    let scripted = Scripted::saying(move |_: &Seen| Some(answer.clone()));
    let store = store_on(
        settings(),
        static_credentials(),
        scripted.connector(),
        Deadlines::default(),
    )
    .await;
    let repository = repository_of(store);
    let intent = intent(repository.bucket(), "a b.jpg");
    let stored = repository.stat(&intent.address).await.unwrap().unwrap();
    let [seen] = &scripted.seen()[..] else {
        panic!("{:?}", scripted.seen());
    };
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        (
            "HEAD",
            "/tenants/t_demo/dev/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11/a%20b.jpg"
        )
    );
    assert_eq!(seen.header("x-amz-checksum-mode"), Some("ENABLED"));
    stored
}

fn bare() -> StoredObject {
    StoredObject {
        size_bytes: 3,
        content_type: None,
        sha256: None,
        composite: None,
        etag: "0123abcd".to_owned(),
        version_id: None,
        user_metadata: BTreeMap::new(),
        foreign_headers: Vec::new(),
    }
}

#[tokio::test]
async fn an_object_is_returned_with_all_its_metadata() {
    let stored = stored(&[
        ("content-type", "image/jpeg"),
        ("x-amz-checksum-sha256", ABC),
        ("x-amz-checksum-type", "FULL_OBJECT"),
        ("x-amz-version-id", "3HL4kqtJlcpXroDTDmJ"),
        ("x-amz-meta-tenant-id", "t_demo"),
        ("x-amz-meta-env", "dev"),
    ])
    .await;
    let expected = StoredObject {
        content_type: Some("image/jpeg".to_owned()),
        sha256: Some(Sha256Digest::of(b"abc")),
        version_id: Some("3HL4kqtJlcpXroDTDmJ".to_owned()),
        user_metadata: [("tenant-id", "t_demo"), ("env", "dev")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..bare()
    };
    assert_eq!(stored, expected);
}

#[tokio::test]
async fn what_the_store_does_not_say_is_not_guessed() {
    assert_eq!(stored(&[]).await, bare());
    assert_eq!(stored(&[("x-amz-version-id", "null")]).await, bare());
}

#[tokio::test]
async fn only_a_digest_of_the_whole_object_is_one() {
    let whole = StoredObject {
        sha256: Some(Sha256Digest::of(b"abc")),
        ..bare()
    };
    let digest = ("x-amz-checksum-sha256", ABC);
    assert_eq!(stored(&[digest]).await, whole);
    for kind in ["COMPOSITE", "ANOTHER"] {
        assert_eq!(
            stored(&[digest, ("x-amz-checksum-type", kind)]).await,
            bare()
        );
    }
    for other in [
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIA",
        "nonsense",
        "",
    ] {
        assert_eq!(stored(&[("x-amz-checksum-sha256", other)]).await, bare());
    }
}

#[tokio::test]
async fn a_composite_digest_is_never_one_of_the_whole_object() {
    let with = |parts| StoredObject {
        composite: Some(CompositeDigest {
            sha256: Sha256Digest::of(b"abc"),
            parts,
        }),
        ..bare()
    };
    for (suffix, parts) in [("-1", 1), ("-2", 2), ("-10000", 10_000)] {
        let digest = format!("{ABC}{suffix}");
        let digest = ("x-amz-checksum-sha256", digest.as_str());
        // some stores do not name its type
        let named = ("x-amz-checksum-type", "COMPOSITE");
        assert_eq!(stored(&[digest, named]).await, with(parts));
        assert_eq!(stored(&[digest]).await, with(parts));
        let other = ("x-amz-checksum-type", "FULL_OBJECT");
        assert_eq!(stored(&[digest, other]).await, bare());
    }
    for suffix in [
        "-", "-0", "-01", "-+1", "--1", "-10001", "-65537", "-x", "-1-1",
    ] {
        let digest = format!("{ABC}{suffix}");
        let digest = ("x-amz-checksum-sha256", digest.as_str());
        assert_eq!(stored(&[digest]).await, bare(), "{suffix}");
    }
}

#[tokio::test]
async fn every_header_that_no_upload_has_is_reported() {
    let all = [
        ("content-encoding", "gzip"),
        ("content-disposition", "attachment"),
        ("content-language", "en"),
        ("x-amz-website-redirect-location", "/elsewhere"),
        ("x-amz-missing-meta", "2"),
    ];
    for header in all {
        assert_eq!(stored(&[header]).await.foreign_headers, [header.0]);
    }
    assert_eq!(
        stored(&all).await.foreign_headers,
        all.map(|(name, _)| name)
    );
    assert_eq!(stored(&[("x-amz-missing-meta", "0")]).await, bare());
}

#[tokio::test]
async fn headers_that_browsers_add_to_an_upload_are_not_reported() {
    let added = [
        ("cache-control", "no-cache"),
        ("cache-control", "max-age=0, \u{e9}"),
        ("pragma", "no-cache"),
        ("expires", "never"),
        ("expires", "Thu, 01 Dec 2033 16:00:00 GMT"),
    ];
    for header in added {
        assert_eq!(stored(&[header]).await, bare(), "{header:?}");
    }
}
