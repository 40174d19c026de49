//! The source of an import and the writing of its objects, on a store that says anything.

use nexus_raw::{
    asset::{ByteSize, DeclaredPart, PartNumber, Sha256Digest, UploadId},
    ports::{
        AssetWriter as _, InventoryError, OpenUpload, RawStorageRepository as _, SourceBucket as _,
        SourceObject, SourceOutcome, StorageError, WriteOutcome,
    },
};

use super::{
    scripted::{Answer, Scripted, Seen},
    support::{at, intent, repository_of, settings, static_credentials, store_on},
};
use crate::{S3RawStorageRepository, S3SourceBucket, deadlines::Deadlines};

async fn source(
    script: impl Fn(&Seen) -> Option<Answer> + Send + Sync + 'static,
) -> (S3SourceBucket, Scripted) {
    let scripted = Scripted::saying(script);
    let deadlines = Deadlines::default().unhurried();
    let connector = scripted.connector();
    let store = store_on(settings(), static_credentials(), connector, deadlines).await;
    (S3SourceBucket::of(store, "archive/"), scripted)
}

async fn writer(
    script: impl Fn(&Seen) -> Option<Answer> + Send + Sync + 'static,
) -> (S3RawStorageRepository, Scripted) {
    let scripted = Scripted::saying(script);
    let deadlines = Deadlines::default().unhurried();
    let connector = scripted.connector();
    let store = store_on(settings(), static_credentials(), connector, deadlines).await;
    (repository_of(store), scripted)
}

fn object(key: &str, version_id: Option<&str>) -> SourceObject {
    SourceObject {
        key: key.to_owned(),
        version_id: version_id.map(str::to_owned),
        etag: "0123".to_owned(),
        size_bytes: 3,
        modified_at: at("2024-01-02T03:04:05.678Z"),
    }
}

const FACTS: &str = "<ETag>&quot;0123&quot;</ETag><Size>3</Size>\
    <LastModified>2024-01-02T03:04:05.678Z</LastModified>";

fn versions(inside: &str) -> String {
    format!(
        "<ListVersionsResult><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>\
         <NextKeyMarker>archive/b+%C3%BC</NextKeyMarker>\
         <NextVersionIdMarker>v1</NextVersionIdMarker>{inside}</ListVersionsResult>"
    )
}

/// Older versions, and objects that are deleted, are none.
#[tokio::test]
async fn the_latest_versions_are_listed() {
    let listed = versions(&format!(
        "<Version><Key>archive/a</Key><VersionId>v2</VersionId><IsLatest>true</IsLatest>{FACTS}</Version>\
         <Version><Key>archive/a</Key><VersionId>v1</VersionId><IsLatest>false</IsLatest>{FACTS}</Version>\
         <DeleteMarker><Key>archive/c</Key><VersionId>v3</VersionId><IsLatest>true</IsLatest></DeleteMarker>\
         <Version><Key>archive/b+%C3%BC</Key><VersionId>null</VersionId><IsLatest>true</IsLatest>{FACTS}</Version>"
    ));
    let (source, scripted) = source(move |_| Some(Answer::status(200).body(&listed))).await;
    let page = source.objects(None).await.unwrap();
    let expected = [
        object("archive/a", Some("v2")),
        object("archive/b \u{fc}", None),
    ];
    assert_eq!(page.items, expected);
    source.objects(page.next.as_ref()).await.unwrap();
    let queries: Vec<_> = scripted.seen().into_iter().map(|it| it.query).collect();
    assert_eq!(
        queries,
        [
            "versions&encoding-type=url&prefix=archive%2F",
            "versions&encoding-type=url&key-marker=archive%2Fb%20%C3%BC&prefix=archive%2F&version-id-marker=v1",
        ]
    );
}

#[tokio::test]
async fn where_the_store_lists_no_versions_objects_are_listed() {
    let (source, scripted) = source(|seen| {
        Some(if seen.query.starts_with("versions") {
            Answer::error(501, "NotImplemented")
        } else {
            Answer::status(200).body(&format!(
                "<ListBucketResult><IsTruncated>true</IsTruncated>\
                 <NextContinuationToken>t 1</NextContinuationToken>\
                 <Contents><Key>archive/a</Key>{FACTS}</Contents></ListBucketResult>"
            ))
        })
    })
    .await;
    let page = source.objects(None).await.unwrap();
    assert_eq!(page.items, [object("archive/a", None)]);
    source.objects(page.next.as_ref()).await.unwrap();
    let last = scripted.seen().pop().unwrap().query;
    assert!(last.contains("continuation-token=t%201"), "{last}");
}

/// What cannot be told from another object is not imported by chance.
#[tokio::test]
async fn a_list_without_tags_sizes_or_times_is_unusable() {
    for part in [
        "<ETag>&quot;0123&quot;</ETag>",
        "<Size>3</Size>",
        "<LastModified>2024-01-02T03:04:05.678Z</LastModified>",
        "<IsLatest>true</IsLatest>",
    ] {
        let version =
            format!("<Version><Key>archive/a</Key><IsLatest>true</IsLatest>{FACTS}</Version>");
        let listed = versions(&version.replace(part, ""));
        let (source, _) = source(move |_| Some(Answer::status(200).body(&listed))).await;
        let page = source.objects(None).await;
        assert!(matches!(page, Err(InventoryError::Unusable(_))), "{part}");
    }
}

#[tokio::test]
async fn a_list_that_is_refused_names_the_permission_or_the_bucket() {
    let (refused, _) = source(|_| Some(Answer::error(403, "AccessDenied"))).await;
    let page = refused.objects(None).await.unwrap_err();
    assert!(
        matches!(
            page,
            InventoryError::Denied {
                right: "s3:ListBucketVersions",
                ..
            }
        ),
        "{page:?}"
    );
    let (absent, _) = source(|_| Some(Answer::error(404, "NoSuchBucket"))).await;
    let page = absent.objects(None).await.unwrap_err();
    assert!(matches!(page, InventoryError::Unusable(_)), "{page:?}");
}

fn found() -> Answer {
    Answer::status(200)
        .with("etag", "\"0123\"")
        .with("content-length", "3")
        .with("content-type", "image/png")
        .with("x-amz-version-id", "v2")
        .body("abc")
}

#[tokio::test]
async fn exactly_the_listed_object_is_opened() {
    let (source, scripted) = source(|_| Some(found())).await;
    let listed = object("archive/a b", Some("v2"));
    let SourceOutcome::Opened(mut opened) = source.open(&listed).await.unwrap() else {
        panic!("not opened");
    };
    assert_eq!(opened.content_type.as_deref(), Some("image/png"));
    assert_eq!(opened.content_encoding, None);
    assert_eq!(opened.content.next(2).await.unwrap(), b"ab");
    assert_eq!(opened.content.next(2).await.unwrap(), b"c");
    assert_eq!(opened.content.next(2).await.unwrap(), b"");
    let seen = scripted.seen().pop().unwrap();
    assert_eq!(seen.path, "/archive/a%20b");
    assert_eq!(seen.query, "x-id=GetObject&versionId=v2");
    assert_eq!(seen.header("if-match"), Some("\"0123\""));
}

#[tokio::test]
async fn another_object_is_not_read() {
    let listed = object("archive/a", Some("v2"));
    for (answer, is_there) in [
        (Answer::error(412, "PreconditionFailed"), true),
        (found().without("etag").with("etag", "\"0124\""), true),
        (
            found()
                .without("x-amz-version-id")
                .with("x-amz-version-id", "v3"),
            true,
        ),
        (Answer::error(404, "NoSuchKey"), false),
        (Answer::error(405, "MethodNotAllowed"), false),
    ] {
        let (source, _) = source(move |seen| {
            Some(if seen.method == "HEAD" {
                let found = Answer::status(200).with("content-length", "3");
                found.with("etag", "\"0124\"")
            } else {
                answer.clone()
            })
        })
        .await;
        let outcome = source.open(&listed).await.unwrap();
        let replaced = matches!(outcome, SourceOutcome::Replaced);
        let gone = matches!(outcome, SourceOutcome::Gone);
        assert_eq!((replaced, gone), (is_there, !is_there), "{outcome:?}");
    }
}

/// An archived object, for instance, is no sign of a store that is away.
#[tokio::test(start_paused = true)]
async fn what_the_store_says_of_one_object_is_told_from_what_it_says_of_all() {
    let kind = async |status, code: &'static str| {
        let (source, _) = source(move |_| Some(Answer::error(status, code))).await;
        match source.open(&object("archive/a", Some("v2"))).await {
            Err(InventoryError::Denied { right, .. }) => right,
            Err(InventoryError::Unreadable(_)) => "unreadable",
            Err(InventoryError::Unavailable(_)) => "unavailable",
            other => panic!("{other:?}"),
        }
    };
    for (status, code, expected) in [
        (403, "InvalidObjectState", "unreadable"),
        (400, "InvalidRequest", "unreadable"),
        (403, "AccessDenied", "s3:GetObjectVersion"),
        (408, "RequestTimeout", "unavailable"),
        (429, "TooManyRequests", "unavailable"),
        (503, "SlowDown", "unavailable"),
    ] {
        assert_eq!(kind(status, code).await, expected, "{code}");
    }
}

#[tokio::test]
async fn a_content_of_another_length_is_an_error() {
    for body in ["ab", "abcd"] {
        let answer = found().without("content-length").body(body);
        let (source, _) = source(move |_| Some(answer.clone())).await;
        let listed = object("archive/a", Some("v2"));
        let SourceOutcome::Opened(mut opened) = source.open(&listed).await.unwrap() else {
            panic!("not opened");
        };
        let read = opened.content.next(10).await;
        assert!(
            matches!(read, Err(InventoryError::Unavailable(_))),
            "{body}"
        );
    }
}

/// By the request that a caller uploads with.
#[tokio::test]
async fn an_object_is_written_create_once_with_its_digest() {
    let (writer, scripted) = writer(|_| Some(Answer::status(200))).await;
    let intent = intent(writer.bucket(), "a.jpg");
    let sha256 = Sha256Digest::of(b"abc");
    let written = writer.put_object(&intent, sha256, b"abc".to_vec()).await;
    assert_eq!(written.unwrap(), WriteOutcome::Written);
    let seen = scripted.seen().pop().unwrap();
    assert_eq!((&*seen.method, &*seen.body), ("PUT", "abc"));
    assert_eq!(seen.header("if-none-match"), Some("*"));
    let digest = sha256.to_base64();
    assert_eq!(seen.header("x-amz-checksum-sha256"), Some(&*digest));
    let tenant = intent.scope.tenant.as_str();
    assert_eq!(seen.header("x-amz-meta-tenant-id"), Some(tenant));
    assert!(seen.query.contains("X-Amz-Signature="), "{}", seen.query);
}

#[tokio::test(start_paused = true)]
async fn a_write_is_tried_again_while_that_may_help() {
    for (status, attempts) in [(503, 4), (409, 4), (429, 4), (403, 1), (400, 1)] {
        let (writer, scripted) = writer(move |_| Some(Answer::status(status))).await;
        let intent = intent(writer.bucket(), "a.jpg");
        let written = writer.put_object(&intent, Sha256Digest::of(b"a"), b"a".to_vec());
        let failed = written.await;
        assert!(
            matches!(failed, Err(StorageError::Unavailable(_))),
            "{status}"
        );
        assert_eq!(scripted.seen().len(), attempts, "{status}");
    }
    let (taken, scripted) = writer(|_| Some(Answer::status(412))).await;
    let intent = intent(taken.bucket(), "a.jpg");
    let written = taken.put_object(&intent, Sha256Digest::of(b"a"), b"a".to_vec());
    assert_eq!(written.await.unwrap(), WriteOutcome::Taken);
    assert_eq!(scripted.seen().len(), 1);
}

/// On a slow network a large body takes its time; a store that says nothing is given up on.
#[tokio::test(start_paused = true)]
async fn the_answer_to_a_write_is_waited_for_as_long_as_its_body_takes() {
    let waited = async |bytes: usize| {
        let (writer, scripted) = writer(|_| None).await;
        let intent = intent(writer.bucket(), "a.jpg");
        let began = tokio::time::Instant::now();
        let written = writer.put_object(&intent, Sha256Digest::of(b"a"), vec![0; bytes]);
        let failed = written.await;
        assert!(
            matches!(failed, Err(StorageError::Unavailable(_))),
            "{failed:?}"
        );
        assert_eq!(scripted.seen().len(), 4);
        began.elapsed().as_secs() / 4
    };
    assert_eq!(waited(1).await, 30);
    // 100 KiB a second
    assert_eq!(waited(8 * 1024 * 1024).await, 30 + 81);
}

#[tokio::test]
async fn a_part_is_written_with_its_digest_and_all_uploads_of_a_key_are_dropped() {
    let (writer, scripted) = writer(|seen| {
        Some(match &*seen.method {
            "GET" => {
                let listed = "<ListMultipartUploadsResult>\
                    <Upload><Key>KEY</Key><UploadId>one</UploadId></Upload>\
                    <Upload><Key>KEY.part</Key><UploadId>of another</UploadId></Upload>\
                    </ListMultipartUploadsResult>";
                let (_, key) = seen.query.split_once("prefix=").unwrap();
                let key = key.replace("%2F", "/");
                Answer::status(200).body(&listed.replace("KEY", &key))
            }
            "DELETE" => Answer::error(404, "NoSuchUpload"),
            _ => Answer::status(200),
        })
    })
    .await;
    let intent = intent(writer.bucket(), "a.jpg");
    let upload = OpenUpload::of(&intent, UploadId::parse("one").unwrap());
    let part = DeclaredPart {
        number: PartNumber::parse(2).unwrap(),
        size_bytes: ByteSize::parse(3).unwrap(),
        sha256: Sha256Digest::of(b"abc"),
    };
    writer
        .put_part(&upload, part, b"abc".to_vec())
        .await
        .unwrap();
    let seen = scripted.seen().pop().unwrap();
    assert!(
        seen.query.contains("partNumber=2&uploadId=one"),
        "{}",
        seen.query
    );
    // a list that has the same upload again and again is no reason to go on for ever
    let dropped = writer.abort_all(&intent.address).await;
    assert!(matches!(dropped, Err(StorageError::Unavailable(_))));
    let deleted = scripted
        .seen()
        .into_iter()
        .filter(|it| it.method == "DELETE");
    let deleted: Vec<_> = deleted.map(|it| it.query).collect();
    assert_eq!(deleted.len(), 20);
    assert!(deleted.iter().all(|it| it.contains("uploadId=one")));
}

/// As `SeaweedFS` lists it.
#[tokio::test]
async fn an_empty_object_may_have_no_tag() {
    let facts = FACTS.replace("0123", "").replace("<Size>3<", "<Size>0<");
    let listed = versions(&format!(
        "<Version><Key>archive/a</Key><IsLatest>true</IsLatest>{facts}</Version>"
    ));
    let (source, scripted) = source(move |seen| {
        let empty = found()
            .without("content-length")
            .with("content-length", "0");
        Some(if seen.query.starts_with("versions") {
            Answer::status(200).body(&listed)
        } else {
            empty.body("")
        })
    })
    .await;
    let page = source.objects(None).await.unwrap();
    let object = SourceObject {
        version_id: Some("v2".to_owned()),
        ..page.items[0].clone()
    };
    assert_eq!((&*object.etag, object.size_bytes), ("", 0));
    let opened = source.open(&object).await.unwrap();
    assert!(matches!(opened, SourceOutcome::Opened(_)), "{opened:?}");
    assert_eq!(scripted.seen().pop().unwrap().header("if-match"), None);
}

/// As `SeaweedFS` lists large objects; it is told from another object by length and time.
#[tokio::test]
async fn an_object_that_is_listed_with_the_tag_of_its_pieces_is_opened_by_its_own() {
    let modified = "Tue, 02 Jan 2024 03:04:05 GMT";
    for (tag, length, at, is_opened) in [
        ("0999", "3", modified, true),
        ("0999-1", "3", modified, true),
        // as many parts have one tag
        ("0999-2", "3", modified, false),
        ("0999", "4", modified, false),
        ("0999", "3", "Tue, 02 Jan 2024 03:04:06 GMT", false),
    ] {
        let (source, scripted) = source(move |seen| {
            let quoted = format!("\"{tag}\"");
            Some(match &*seen.method {
                "HEAD" => Answer::status(200)
                    .with("etag", &quoted)
                    .with("content-length", length)
                    .with("last-modified", at),
                _ if seen.header("if-match") == Some("\"0123-2\"") => {
                    Answer::error(412, "PreconditionFailed")
                }
                _ => found().without("etag").with("etag", &quoted),
            })
        })
        .await;
        let listed = SourceObject {
            etag: "0123-2".to_owned(),
            ..object("archive/a", Some("v2"))
        };
        let outcome = source.open(&listed).await.unwrap();
        let opened = matches!(outcome, SourceOutcome::Opened(_));
        assert_eq!(opened, is_opened, "{tag} {length} {at}");
        let last = scripted.seen().pop().unwrap();
        if is_opened {
            assert_eq!(last.header("if-match"), Some(&*format!("\"{tag}\"")));
        } else {
            assert!(matches!(outcome, SourceOutcome::Replaced), "{outcome:?}");
        }
    }
}
