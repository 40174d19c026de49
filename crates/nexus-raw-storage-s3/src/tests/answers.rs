use std::time::{Duration, Instant};

use nexus_raw::ports::{RawStorageRepository, StorageError, StoredObject};

use super::{
    raw_server::{RawServer, Reply},
    support::{intent, repository_of, settings_for, static_credentials, store_on},
};
use crate::{S3RawStorageRepository, connector::connector, deadlines::Deadlines};

/// Short, so that a store that hangs is found out soon.
const SHORT: Deadlines = Deadlines {
    connect: Duration::from_millis(200),
    read: Duration::from_millis(200),
    attempt: Duration::from_millis(200),
    operation: Duration::from_millis(500),
    stall: Duration::from_millis(500),
    completion: Duration::from_millis(500),
};

/// What the service allows.
const BOUND: Duration = Duration::from_secs(5);

async fn repository(endpoint: &str) -> S3RawStorageRepository {
    repository_within(endpoint, Deadlines::default()).await
}

async fn repository_within(endpoint: &str, deadlines: Deadlines) -> S3RawStorageRepository {
    let settings = settings_for(endpoint);
    let connector = connector(deadlines);
    repository_of(store_on(settings, static_credentials(), connector, deadlines).await)
}

async fn stat(repository: &S3RawStorageRepository) -> Result<Option<StoredObject>, StorageError> {
    let intent = intent(repository.bucket(), "a b.jpg");
    let started = Instant::now();
    let answer = repository.stat(&intent.address).await;
    assert!(started.elapsed() < BOUND, "{:?}", started.elapsed());
    answer
}

/// The reason why nothing is known, for the log.
fn reason<T: std::fmt::Debug>(answer: Result<T, StorageError>) -> String {
    match answer {
        Err(StorageError::Unavailable(source)) => source.to_string(),
        other => panic!("{other:?}"),
    }
}

async fn reason_of(reply: Reply) -> String {
    let server = RawServer::saying(vec![reply]).await;
    reason(stat(&repository(server.endpoint()).await).await)
}

#[tokio::test]
async fn an_absent_object_and_a_delete_marker_are_reported_as_absent() {
    for headers in ["", "x-amz-delete-marker: true\r\nx-amz-version-id: v1\r\n"] {
        let server = RawServer::saying(vec![Reply::head(404, headers)]).await;
        let answer = stat(&repository(server.endpoint()).await).await;
        assert_eq!(answer.unwrap(), None, "{headers:?}");
        assert_eq!(server.requests(), 1);
    }
}

#[tokio::test]
async fn every_other_refusal_is_no_absence_and_says_status_and_request_id() {
    for (status, requests) in [
        (300, 1),
        (301, 1),
        (304, 1),
        (307, 1),
        (400, 1),
        (401, 1),
        (403, 1),
        (405, 1),
        (409, 1),
        (410, 1),
        (412, 1),
        (416, 1),
        (501, 1),
        (429, 3),
        (500, 3),
        (502, 3),
        (503, 3),
        (504, 3),
    ] {
        let reply = Reply::head(status, "x-amz-request-id: R1D2\r\ncontent-length: 0\r\n");
        let server = RawServer::saying(vec![reply]).await;
        let answer = stat(&repository(server.endpoint()).await).await;
        assert_eq!(
            reason(answer),
            format!("HeadObject returned status {status} (request id R1D2)")
        );
        assert!(
            server.requests() <= requests,
            "{status}: {}",
            server.requests()
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = RawServer::saying(vec![Reply::head(404, "")]).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}/stolen\r\n", other.endpoint());
        let reason = reason_of(Reply::head(status, &location)).await;
        assert_eq!(reason, format!("HeadObject returned status {status}"));
    }
    assert_eq!(other.requests(), 0);
}

#[tokio::test]
async fn an_incomplete_or_contradictory_response_is_malformed() {
    let malformed = |what: &str| format!("HeadObject returned a malformed response: {what}");
    for (headers, expected) in [
        ("etag: \"e\"\r\n", malformed("no content length")),
        ("content-length: 3\r\n", malformed("no entity tag")),
        (
            "content-length: 3\r\netag: \"\"\r\n",
            malformed("no entity tag"),
        ),
        (
            "content-length: 3\r\netag: \"e\"\r\nx-amz-delete-marker: true\r\n",
            malformed("object is a delete marker"),
        ),
        (
            "content-length: three\r\netag: \"e\"\r\n",
            malformed("cannot be parsed"),
        ),
        (
            "content-length: 3\r\netag: \"e\"\r\nx-amz-missing-meta: many\r\n",
            malformed("cannot be parsed"),
        ),
        (
            "content-length: 3\r\netag: \"e\"\r\ncontent-language: \u{e9}\r\n",
            String::new(),
        ),
    ] {
        let reply = Reply::head(200, headers);
        if expected.is_empty() {
            // bytes that are no ASCII are the store's to keep, and no reason to fail
            let server = RawServer::saying(vec![reply]).await;
            let stored = stat(&repository(server.endpoint()).await).await.unwrap();
            assert_eq!(stored.unwrap().foreign_headers, ["content-language"]);
        } else {
            assert_eq!(reason_of(reply).await, expected, "{headers}");
        }
    }
}

#[tokio::test]
async fn broken_responses_are_reported_as_broken_connections() {
    for bytes in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/9.9 200 OK\r\n\r\n",
        "\u{0}\u{1}\u{2}nonsense\r\n\r\n",
        "<html>It works!</html>\r\n\r\n",
    ] {
        let reason = reason_of(Reply::Bytes(bytes.to_owned())).await;
        assert!(
            reason.starts_with("HeadObject connection failed: "),
            "{bytes:?}: {reason}"
        );
    }
}

#[tokio::test]
async fn a_store_that_hangs_or_drips_is_given_up_in_time() {
    for reply in [Reply::Hang, Reply::Drip] {
        let server = RawServer::saying(vec![reply]).await;
        let repository = repository_within(server.endpoint(), SHORT).await;
        assert_eq!(reason(stat(&repository).await), "HeadObject timed out");
    }
}

#[tokio::test]
async fn an_unreachable_store_is_reported_with_the_cause() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let repository = repository(&endpoint).await;
    let expected = "client error (Connect): tcp connect error: Connection refused (os error 111)";
    assert_eq!(
        reason(stat(&repository).await),
        format!("HeadObject connection failed: {expected}")
    );
    assert_eq!(
        reason(repository.ready().await),
        format!("HeadBucket connection failed: {expected}")
    );
}

#[tokio::test]
async fn a_store_that_comes_back_is_believed_at_once() {
    let down = Reply::head(503, "");
    let mut replies = vec![down; 9];
    replies.push(Reply::Hang);
    replies.push(Reply::head(404, ""));
    let server = RawServer::saying(replies).await;
    let repository = repository(server.endpoint()).await;
    for _ in 0..3 {
        reason(stat(&repository).await);
    }
    // what is left of the outage is bridged by the retries of one call
    assert_eq!(stat(&repository).await.unwrap(), None);
}

#[tokio::test]
async fn readiness_is_the_bucket_that_answers() {
    let server = RawServer::saying(vec![Reply::head(200, "")]).await;
    repository(server.endpoint()).await.ready().await.unwrap();
    for (status, said) in [
        (301, "301"),
        (403, "403"),
        (404, "404 NotFound"),
        (503, "503"),
    ] {
        let server = RawServer::saying(vec![Reply::head(status, "")]).await;
        assert_eq!(
            reason(repository(server.endpoint()).await.ready().await),
            format!("HeadBucket returned status {said}")
        );
    }
}
