//! The requests of uploads in parts, and what their answers mean.

use super::{
    scripted::{Answer, Scripted},
    support::{intent, repository_of, settings, static_credentials, store_on},
};
use crate::{S3RawStorageRepository, S3Settings, ServerSideEncryption, deadlines::Deadlines};
use nexus_raw::{
    asset::{BucketName, ByteSize, DeclaredPart, PartNumber, Sha256Digest, UploadId},
    ports::{OpenUpload, PartsListing, RawStorageRepository, StorageError, StoredPart},
};

pub(super) fn number(number: u64) -> PartNumber {
    PartNumber::parse(number).unwrap()
}

pub(super) fn parts(count: u64) -> Vec<DeclaredPart> {
    let part = |at| DeclaredPart {
        number: number(at),
        size_bytes: ByteSize::parse(10 + at).unwrap(),
        sha256: Sha256Digest::of(&at.to_be_bytes()),
    };
    (1..=count).map(part).collect()
}

pub(super) fn upload() -> OpenUpload {
    let intent = intent(&settings().bucket, "a b.jpg");
    OpenUpload::of(&intent, UploadId::parse("an-upload").unwrap())
}

pub(super) async fn on(settings: S3Settings, scripted: &Scripted) -> S3RawStorageRepository {
    let connector = scripted.connector();
    let deadlines = Deadlines::default();
    repository_of(store_on(settings, static_credentials(), connector, deadlines).await)
}

/// A list of these parts, each with the length it was declared with.
pub(super) fn list(parts: &[DeclaredPart], is_truncated: bool) -> Answer {
    let listed = parts.iter().map(|part| {
        let (number, size) = (part.number, part.size_bytes);
        format!(
            "<Part><PartNumber>{number}</PartNumber><ETag>\"e{number}\"</ETag>\
             <Size>{size}</Size></Part>"
        )
    });
    let listed = listed.collect::<Vec<_>>().concat();
    Answer::status(200).body(&format!(
        "<ListPartsResult><IsTruncated>{is_truncated}</IsTruncated>{listed}</ListPartsResult>"
    ))
}

#[tokio::test]
async fn an_upload_is_begun_with_type_metadata_digests_and_encryption() {
    let settings = S3Settings {
        server_side_encryption: ServerSideEncryption::Kms {
            key_id: Some("alias/raw".to_owned()),
        },
        expected_bucket_owner: Some("123456789012".to_owned()),
        ..settings()
    };
    let scripted = Scripted::saying(|_| {
        Some(Answer::status(200).body(
            "<InitiateMultipartUploadResult><UploadId>VX.a_b~</UploadId></InitiateMultipartUploadResult>",
        ))
    });
    let repository = on(settings.clone(), &scripted).await;
    let intent = intent(&settings.bucket, "a b.jpg");
    let begun = repository.begin_upload(&intent);
    assert_eq!(begun.await.unwrap().as_str(), "VX.a_b~");
    let [seen] = &scripted.seen()[..] else {
        panic!("{:?}", scripted.seen());
    };
    assert_eq!(
        (
            seen.method.as_str(),
            seen.path.as_str(),
            seen.query.as_str()
        ),
        (
            "POST",
            "/tenants/t_demo/dev/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11/a%20b.jpg",
            "uploads"
        )
    );
    for (name, value) in [
        ("content-type", "image/jpeg"),
        ("x-amz-checksum-algorithm", "SHA256"),
        ("x-amz-checksum-type", "COMPOSITE"),
        ("x-amz-expected-bucket-owner", "123456789012"),
        (
            "x-amz-meta-asset-id",
            "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11",
        ),
        ("x-amz-meta-env", "dev"),
        ("x-amz-meta-tenant-id", "t_demo"),
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption-aws-kms-key-id", "alias/raw"),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn an_upload_without_an_id_is_not_begun() {
    let scripted =
        Scripted::saying(|_| Some(Answer::status(200).body("<InitiateMultipartUploadResult/>")));
    let repository = on(settings(), &scripted).await;
    let intent = intent(&settings().bucket, "a");
    let begun = repository.begin_upload(&intent);
    assert!(matches!(begun.await, Err(StorageError::Unavailable(_))));
}

#[tokio::test]
async fn parts_are_listed_page_by_page_up_to_the_limit() {
    // two a page, and never more than it has
    let scripted = Scripted::saying(|seen| {
        let query: std::collections::HashMap<_, _> =
            url::form_urlencoded::parse(seen.query.as_bytes()).collect();
        let marker = query.get("part-number-marker");
        let after: u64 = marker.map_or(0, |it| it.parse().unwrap());
        let all = parts(7);
        let rest = &all[usize::try_from(after).unwrap()..];
        Some(list(&rest[..rest.len().min(2)], rest.len() > 2))
    });
    let repository = on(settings(), &scripted).await;
    for (after, limit, expected, requests) in [
        (0, 1000, 1..=7, 4),
        (0, 3, 1..=3, 2),
        (4, 1, 5..=5, 1),
        (6, 1000, 7..=7, 1),
    ] {
        let before = scripted.seen().len();
        let listing = repository.stored_parts(&upload(), after, limit).await;
        let expected = expected.map(|at| StoredPart {
            number: number(at),
            size_bytes: 10 + at,
            etag: format!("e{at}"),
        });
        assert_eq!(listing.unwrap(), PartsListing::Parts(expected.collect()));
        assert_eq!(scripted.seen().len() - before, requests, "{after} {limit}");
    }
}

#[tokio::test]
async fn a_list_that_makes_no_sense_is_no_answer() {
    let body = |listed: &str| {
        Answer::status(200).body(&format!(
            "<ListPartsResult><IsTruncated>true</IsTruncated>{listed}</ListPartsResult>"
        ))
    };
    let part = |number| {
        format!("<Part><PartNumber>{number}</PartNumber><ETag>\"e\"</ETag><Size>1</Size></Part>")
    };
    for answer in [
        // it goes on for ever, goes back, or has something else
        body(""),
        body(&part(1)),
        body(&[part(3), part(2)].concat()),
        body(&part(10_001)),
        body("<Part><PartNumber>1</PartNumber><Size>1</Size></Part>"),
        Answer::error(404, "NoSuchBucket"),
        Answer::error(403, "AccessDenied"),
    ] {
        let said = answer.clone();
        let scripted = Scripted::saying(move |_| Some(said.clone()));
        let repository = on(settings(), &scripted).await;
        let listing = repository.stored_parts(&upload(), 0, 1000).await;
        assert!(
            matches!(listing, Err(StorageError::Unavailable(_))),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn an_upload_that_is_not_known_is_said_to_be() {
    for code in ["NoSuchUpload", "NoSuchKey"] {
        let scripted = Scripted::saying(move |_| Some(Answer::error(404, code)));
        let repository = on(settings(), &scripted).await;
        let listing = repository.stored_parts(&upload(), 0, 1000).await;
        assert_eq!(listing.unwrap(), PartsListing::UnknownUpload);
        repository.abort(&upload()).await.unwrap();
        let aborted = &scripted.seen()[1];
        assert_eq!(aborted.method, "DELETE");
        assert!(aborted.query.contains("uploadId=an-upload"), "{aborted:?}");
    }
}

#[tokio::test]
async fn an_abort_that_is_refused_is_an_error() {
    for status in [403, 501] {
        let scripted = Scripted::saying(move |_| Some(Answer::error(status, "AccessDenied")));
        let repository = on(settings(), &scripted).await;
        let aborted = repository.abort(&upload()).await;
        assert!(matches!(aborted, Err(StorageError::Unavailable(_))));
    }
}

#[tokio::test]
async fn an_upload_of_another_bucket_is_not_touched() {
    let scripted = Scripted::saying(|_| panic!("it is asked"));
    let repository = on(settings(), &scripted).await;
    let mut upload = upload();
    upload.address.bucket = BucketName::parse("another").unwrap();
    let intent = intent(&upload.address.bucket, "a");
    let begun = repository.begin_upload(&intent);
    assert!(matches!(begun.await, Err(StorageError::ForeignBucket)));
    let listing = repository.stored_parts(&upload, 0, 1).await;
    assert!(matches!(listing, Err(StorageError::ForeignBucket)));
    let completed = repository.complete(&upload, &parts(1)).await;
    assert!(matches!(completed, Err(StorageError::ForeignBucket)));
    let aborted = repository.abort(&upload).await;
    assert!(matches!(aborted, Err(StorageError::ForeignBucket)));
}
