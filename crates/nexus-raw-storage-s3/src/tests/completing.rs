//! What completes an upload in parts, and what the answers to it mean.

use std::time::Duration;

use nexus_raw::{
    asset::{ByteSize, DeclaredPart},
    ports::{CompletionOutcome, RawStorageRepository, StorageError},
};
use tokio::time::Instant;

use super::{
    multipart::{list, number, on, parts, upload},
    raw_server::{RawServer, Reply},
    scripted::{Answer, Scripted, Seen},
    support::{RuntimeClock, repository_of, settings, settings_for, static_credentials, store_on},
};
use crate::{connect::connect, connector::connector, deadlines::Deadlines};

fn is_completion(seen: &Seen) -> bool {
    seen.method == "POST" && seen.query.contains("uploadId=an-upload")
}

/// The outcome of a completion of three parts that are there, with this answer to the completion and
/// to HEAD.
async fn completed(completion: Answer, head: Answer) -> Result<CompletionOutcome, StorageError> {
    let scripted = Scripted::saying(move |seen| {
        Some(match seen.method.as_str() {
            "GET" => list(&parts(3), false),
            "HEAD" => head.clone(),
            _ => completion.clone(),
        })
    });
    on(settings(), &scripted)
        .await
        .complete(&upload(), &parts(3))
        .await
}

fn found() -> Answer {
    Answer::status(200)
        .with("content-length", "3")
        .with("etag", "\"e\"")
}

#[tokio::test]
async fn a_completion_names_tags_digests_and_size_and_is_create_once() {
    let done =
        "<CompleteMultipartUploadResult><ETag>\"e-3\"</ETag></CompleteMultipartUploadResult>";
    let scripted = Scripted::saying(move |seen| {
        Some(match seen.method.as_str() {
            "GET" => list(&parts(3), false),
            _ => Answer::status(200).body(done),
        })
    });
    let repository = on(settings(), &scripted).await;
    let outcome = repository.complete(&upload(), &parts(3)).await;
    assert_eq!(outcome.unwrap(), CompletionOutcome::Completed);
    let all = scripted.seen();
    let [_, seen] = &all[..] else {
        panic!("{all:?}");
    };
    assert!(is_completion(seen), "{seen:?}");
    let composite = DeclaredPart::composite_sha256(&parts(3)).to_base64();
    for (name, value) in [
        ("if-none-match", "*"),
        ("x-amz-checksum-sha256", format!("{composite}-3").as_str()),
        ("x-amz-checksum-type", "COMPOSITE"),
        ("x-amz-mp-object-size", "161713"),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    for part in parts(3) {
        let named = format!(
            "<Part><ETag>&quot;e{0}&quot;</ETag><ChecksumSHA256>{1}</ChecksumSHA256><PartNumber>{0}</PartNumber></Part>",
            part.number,
            part.sha256.to_base64()
        );
        assert!(seen.body.contains(&named), "{}", seen.body);
    }
}

#[tokio::test]
async fn parts_that_are_not_there_as_declared_are_named_and_nothing_is_completed() {
    let short = DeclaredPart {
        size_bytes: ByteSize::parse(1).unwrap(),
        ..parts(3)[1]
    };
    let digest = "<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>\"e1\"</ETag><Size>11</Size>\
                  <ChecksumSHA256>ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=</ChecksumSHA256></Part></ListPartsResult>";
    for (listed, missing) in [
        (list(&[], false), vec![1, 2, 3]),
        (list(&parts(3)[1..2], false), vec![1, 3]),
        (list(&[parts(3)[0], short, parts(3)[2]], false), vec![2]),
        // another digest than the declared one
        (Answer::status(200).body(digest), vec![1, 2, 3]),
    ] {
        let scripted = Scripted::saying(move |seen| {
            assert_eq!(seen.method, "GET");
            Some(listed.clone())
        });
        let repository = on(settings(), &scripted).await;
        let outcome = repository.complete(&upload(), &parts(3)).await;
        let missing = missing.into_iter().map(number).collect();
        assert_eq!(outcome.unwrap(), CompletionOutcome::MissingParts(missing));
    }
}

#[tokio::test]
async fn a_taken_key_counts_as_completed() {
    for answer in [
        Answer::error(412, "PreconditionFailed"),
        Answer::error(200, "PreconditionFailed"),
    ] {
        let outcome = completed(answer, found()).await;
        assert_eq!(outcome.unwrap(), CompletionOutcome::Completed);
    }
}

#[tokio::test]
async fn an_upload_that_is_not_known_was_completed_if_something_is_there() {
    for answer in [
        Answer::error(404, "NoSuchUpload"),
        Answer::error(200, "NoSuchUpload"),
        Answer::error(404, "NoSuchKey"),
    ] {
        let outcome = completed(answer.clone(), found()).await;
        assert_eq!(outcome.unwrap(), CompletionOutcome::Completed);
        let outcome = completed(answer.clone(), Answer::status(404)).await;
        assert_eq!(outcome.unwrap(), CompletionOutcome::UnknownUpload);
        let outcome = completed(answer, Answer::status(403)).await;
        assert!(matches!(outcome, Err(StorageError::Unavailable(_))));
    }
}

#[tokio::test]
async fn parts_that_the_store_refuses_are_missing() {
    for code in [
        "InvalidPart",
        "InvalidPartOrder",
        "EntityTooSmall",
        "BadDigest",
    ] {
        let outcome = completed(Answer::error(400, code), found()).await;
        let all = [1, 2, 3].map(number).into();
        assert_eq!(outcome.unwrap(), CompletionOutcome::MissingParts(all));
    }
}

#[tokio::test]
async fn a_part_that_changed_during_the_completion_is_missing_alone() {
    let lists = std::sync::atomic::AtomicUsize::new(0);
    let scripted = Scripted::saying(move |seen| {
        let nth = lists.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        match seen.method.as_str() {
            "GET" if nth > 0 => Some(Answer::status(200).body(
                "<ListPartsResult>\
                 <Part><PartNumber>1</PartNumber><ETag>\"e1\"</ETag><Size>11</Size></Part>\
                 <Part><PartNumber>2</PartNumber><ETag>\"x2\"</ETag><Size>12</Size></Part>\
                 <Part><PartNumber>3</PartNumber><ETag>\"e3\"</ETag><Size>13</Size></Part>\
                 </ListPartsResult>",
            )),
            "GET" => Some(list(&parts(3), false)),
            _ => Some(Answer::error(400, "InvalidPart")),
        }
    });
    let repository = on(settings(), &scripted).await;
    let outcome = repository.complete(&upload(), &parts(3)).await;
    let missing = vec![number(2)];
    assert_eq!(outcome.unwrap(), CompletionOutcome::MissingParts(missing));
}

#[tokio::test]
async fn a_completion_without_a_clear_answer_is_an_error_and_not_tried_again() {
    for answer in [
        Answer::error(200, "InternalError"),
        Answer::error(409, "ConditionalRequestConflict"),
        Answer::error(500, "InternalError"),
        Answer::error(503, "SlowDown"),
        Answer::error(403, "AccessDenied"),
        Answer::error(404, "NoSuchBucket"),
        Answer::status(200),
        Answer::status(200).body("nonsense"),
    ] {
        let said = answer.clone();
        let scripted = Scripted::saying(move |seen| {
            Some(match seen.method.as_str() {
                "GET" => list(&parts(3), false),
                _ => said.clone(),
            })
        });
        let repository = on(settings(), &scripted).await;
        let outcome = repository.complete(&upload(), &parts(3)).await;
        assert!(
            matches!(outcome, Err(StorageError::Unavailable(_))),
            "{outcome:?} to {answer:?}"
        );
        let completions = scripted
            .seen()
            .iter()
            .filter(|it| is_completion(it))
            .count();
        assert_eq!(completions, 1, "{answer:?}");
    }
}

/// On the wire, a list of the one part that is declared.
fn listing_of_one() -> Reply {
    let listed = "<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>\"e\"</ETag><Size>11</Size></Part></ListPartsResult>";
    Reply::Bytes(format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{listed}",
        listed.len()
    ))
}

const DONE: &str =
    "<CompleteMultipartUploadResult><ETag>\"e-1\"</ETag></CompleteMultipartUploadResult>";

/// A store may close an idle connection just as a request comes on it. A completion is tried once,
/// so it must not meet that.
#[tokio::test]
async fn a_completion_uses_no_connection_that_was_idle() {
    let done = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{DONE}",
        DONE.len()
    );
    let replies = [listing_of_one(), Reply::ClosedOnReuse(done)];
    let server = RawServer::saying([replies.clone(), replies].concat()).await;
    let settings = settings_for(server.endpoint());
    let store = connect(settings, RuntimeClock::start(), Deadlines::default()).await;
    let repository = repository_of(store.unwrap());
    for _ in 0..2 {
        let outcome = repository.complete(&upload(), &parts(1)).await.unwrap();
        assert_eq!(outcome, CompletionOutcome::Completed);
    }
    assert_eq!(server.requests(), 4);
}

/// On the wire: the head comes at once, white space while the store works, then the result.
#[tokio::test]
async fn an_error_after_the_head_of_a_success_is_seen() {
    let listing = listing_of_one();
    let white = " ".repeat(200);
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    let error = "<Error><Code>InternalError</Code><Message>again</Message></Error>";
    for (body, is_done) in [
        (format!("{declaration}{white}{error}"), false),
        (format!("{white}{error}"), false),
        (format!("{white}{declaration}{error}"), false),
        (white.clone(), false),
        (format!("{declaration}{white}{DONE}"), true),
    ] {
        let reply = Reply::Bytes(format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}"
        ));
        let server = RawServer::saying(vec![listing.clone(), reply]).await;
        let deadlines = Deadlines::default();
        let store = store_on(
            settings_for(server.endpoint()),
            static_credentials(),
            connector(deadlines),
            deadlines,
        )
        .await;
        let outcome = repository_of(store).complete(&upload(), &parts(1)).await;
        match outcome {
            Ok(outcome) => {
                assert_eq!(outcome, CompletionOutcome::Completed);
                assert!(is_done, "{body}");
            }
            Err(error) => {
                assert!(!is_done, "{body}");
                let shown = nexus_raw::ErrorChain(&error).to_string();
                assert!(shown.contains("CompleteMultipartUpload"), "{shown}");
            }
        }
        assert_eq!(server.requests(), 2, "{body}");
    }
}

/// A list ends as soon as any request; a completion may take minutes.
#[tokio::test(start_paused = true)]
async fn a_completion_is_given_ten_minutes() {
    let scripted = Scripted::saying(|seen| match seen.method.as_str() {
        "GET" => Some(list(&parts(3), false)),
        _ => None,
    });
    let repository = on(settings(), &scripted).await;
    let began = Instant::now();
    let outcome = repository.complete(&upload(), &parts(3)).await;
    assert!(matches!(outcome, Err(StorageError::Unavailable(_))));
    let took = began.elapsed();
    let minutes = Duration::from_mins(10);
    assert!(
        (minutes..minutes + Duration::from_secs(5)).contains(&took),
        "{took:?}"
    );
    let silent = Scripted::saying(|_| None);
    let repository = on(settings(), &silent).await;
    let began = Instant::now();
    let listing = repository.stored_parts(&upload(), 0, 1).await;
    assert!(matches!(listing, Err(StorageError::Unavailable(_))));
    assert!(began.elapsed() <= Duration::from_secs(4));
}
