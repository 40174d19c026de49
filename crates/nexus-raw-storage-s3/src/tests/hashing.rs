//! Reading an object to its end, from stores that say right and wrong things on the way.

use std::{
    num::NonZeroU64,
    time::{Duration, Instant},
};

use nexus_raw::{
    asset::{ByteSize, Sha256Digest},
    ports::{HashOutcome, PinnedObject, RawStorageRepository, StorageError},
};

use super::{
    raw_server::{RawServer, Reply},
    scripted::{Answer, Scripted},
    support::{intent, repository_of, settings_for, static_credentials, store_on},
};
use crate::{S3RawStorageRepository, connector::connector, deadlines::Deadlines};

const SHORT: Deadlines = Deadlines {
    connect: Duration::from_millis(200),
    read: Duration::from_millis(200),
    attempt: Duration::from_millis(200),
    operation: Duration::from_millis(300),
    stall: Duration::from_millis(400),
    completion: Duration::from_millis(400),
};

const MEBIBYTE: usize = 1024 * 1024;

async fn repository(endpoint: &str) -> S3RawStorageRepository {
    let connector = connector(SHORT);
    repository_of(
        store_on(
            settings_for(endpoint),
            static_credentials(),
            connector,
            SHORT,
        )
        .await,
    )
}

fn object(repository: &S3RawStorageRepository, size_bytes: usize) -> PinnedObject {
    let intent = intent(repository.bucket(), "a b.jpg");
    PinnedObject {
        scope: intent.scope,
        asset_id: intent.asset_id,
        address: intent.address,
        size_bytes: ByteSize::parse(u64::try_from(size_bytes).unwrap()).unwrap(),
        etag: "0123abcd".to_owned(),
        version_id: Some("v1".to_owned()),
    }
}

fn head(length: usize) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\netag: \"0123abcd\"\r\n\
         x-amz-version-id: v1\r\ncontent-length: {length}\r\n\r\n"
    )
}

async fn hash(reply: Reply, size_bytes: usize) -> Result<HashOutcome, StorageError> {
    let server = RawServer::saying(vec![reply]).await;
    let repository = repository(server.endpoint()).await;
    repository.hash(&object(&repository, size_bytes)).await
}

fn reason(answer: Result<HashOutcome, StorageError>) -> String {
    match answer {
        Err(StorageError::Unavailable(source)) => source.to_string(),
        other => panic!("{other:?}"),
    }
}

/// What is said of an object of three bytes that is answered so.
async fn answered(answer: Answer) -> (Result<HashOutcome, StorageError>, Scripted) {
    let scripted = Scripted::saying(move |_| Some(answer.clone()));
    let store = store_on(
        settings_for("http://127.0.0.1:1"),
        static_credentials(),
        scripted.connector(),
        SHORT,
    )
    .await;
    let repository = repository_of(store);
    let outcome = repository.hash(&object(&repository, 3)).await;
    (outcome, scripted)
}

fn abc() -> Answer {
    Answer::status(200)
        .with("content-length", "3")
        .with("etag", "\"0123abcd\"")
        .with("x-amz-version-id", "v1")
        .body("abc")
}

#[tokio::test]
async fn an_object_is_requested_by_entity_tag_and_version() {
    let (outcome, scripted) = answered(abc()).await;
    let digest = Sha256Digest::of(b"abc");
    assert_eq!(outcome.unwrap(), HashOutcome::Hashed(digest));
    let [seen] = &scripted.seen()[..] else {
        panic!("{:?}", scripted.seen());
    };
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        (
            "GET",
            "/nexus-raw/tenants/t_demo/dev/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11/a%20b.jpg"
        )
    );
    assert!(seen.query.contains("versionId=v1"), "{}", seen.query);
    assert_eq!(seen.header("if-match"), Some("\"0123abcd\""));
    let signed = seen.header("authorization").unwrap();
    assert!(signed.contains("if-match"), "{signed}");
}

#[tokio::test]
async fn a_store_that_names_no_version_in_its_answer_is_believed_by_its_entity_tag() {
    let (outcome, _) = answered(abc().without("x-amz-version-id")).await;
    let digest = Sha256Digest::of(b"abc");
    assert_eq!(outcome.unwrap(), HashOutcome::Hashed(digest));
}

#[tokio::test]
async fn another_object_is_reported_as_such_and_not_read() {
    for answer in [
        Answer::error(412, "PreconditionFailed"),
        // by stores that ignore the condition
        abc().without("etag").with("etag", "\"0123abce\""),
        abc()
            .without("x-amz-version-id")
            .with("x-amz-version-id", "v2"),
        // it was cut, or has grown
        abc().without("content-length").with("content-length", "4"),
    ] {
        let (outcome, _) = answered(answer.clone()).await;
        assert_eq!(outcome.unwrap(), HashOutcome::Replaced, "{answer:?}");
    }
}

#[tokio::test]
async fn a_missing_object_is_reported_as_gone() {
    for answer in [
        Answer::error(404, "NoSuchKey"),
        Answer::error(404, "NoSuchVersion"),
        Answer::error(405, "MethodNotAllowed"),
        Answer::status(404),
    ] {
        let (outcome, _) = answered(answer.clone()).await;
        assert_eq!(outcome.unwrap(), HashOutcome::Gone, "{answer:?}");
    }
}

#[tokio::test]
async fn every_other_answer_says_nothing_of_the_object() {
    for (answer, reported) in [
        (
            Answer::error(404, "NoSuchBucket"),
            "GetObject returned status 404 NoSuchBucket",
        ),
        (
            Answer::error(403, "AccessDenied"),
            "GetObject returned status 403 AccessDenied",
        ),
        (Answer::status(304), "GetObject returned status 304"),
        (Answer::status(503), "GetObject returned status 503"),
        (
            abc().without("etag"),
            "GetObject returned a malformed response: no entity tag",
        ),
        (
            abc().without("content-length").body("abcd"),
            "GetObject returned a malformed response: body is longer than the object",
        ),
        (
            abc().without("content-length").body("ab"),
            "GetObject returned a malformed response: body is shorter than the object",
        ),
    ] {
        let (outcome, _) = answered(answer).await;
        assert_eq!(reason(outcome), reported);
    }
}

/// Also where that is longer than a stream may stall.
#[tokio::test(start_paused = true)]
async fn an_object_is_read_no_faster_than_the_rate() {
    let scripted = Scripted::saying(|_| Some(abc()));
    let settings = settings_for("http://127.0.0.1:1");
    let connector = scripted.connector();
    let store = store_on(settings, static_credentials(), connector, SHORT).await;
    let repository = repository_of(store).with_read_rate(NonZeroU64::MIN);
    let began = tokio::time::Instant::now();
    let outcome = repository.hash(&object(&repository, 3)).await;
    let digest = Sha256Digest::of(b"abc");
    assert_eq!(outcome.unwrap(), HashOutcome::Hashed(digest));
    assert_eq!(began.elapsed(), Duration::from_secs(3));
}

#[tokio::test]
async fn a_stream_that_flows_outlasts_the_time_of_one_operation() {
    let content = vec![7; 8 * MEBIBYTE];
    let reply = Reply::Pieces {
        head: head(content.len()),
        piece: vec![7; MEBIBYTE],
        times: 8,
        pause: Duration::from_millis(100),
    };
    let began = Instant::now();
    let outcome = hash(reply, content.len()).await;
    let digest = Sha256Digest::of(&content);
    assert_eq!(outcome.unwrap(), HashOutcome::Hashed(digest));
    assert!(began.elapsed() > 2 * SHORT.operation);
}

#[tokio::test]
async fn a_stream_that_stalls_or_drips_is_given_up() {
    for (piece, times) in [(vec![7; MEBIBYTE], 1), (vec![7; 1], 1000)] {
        let reply = Reply::Pieces {
            head: head(4 * MEBIBYTE),
            piece,
            times,
            pause: Duration::from_millis(20),
        };
        let began = Instant::now();
        let outcome = hash(reply, 4 * MEBIBYTE).await;
        assert_eq!(reason(outcome), "GetObject timed out");
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_reported_as_a_broken_connection() {
    let reply = Reply::Bytes(format!("{}ab", head(3)));
    let reported = reason(hash(reply, 3).await);
    let broken = "GetObject connection failed: ";
    assert!(reported.starts_with(broken), "{reported}");
}
