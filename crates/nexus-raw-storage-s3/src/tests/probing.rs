//! The probe's verdicts on what a store does with requests.

use std::sync::atomic::{AtomicUsize, Ordering};

use nexus_raw::ports::StoreCapabilities;

use super::{
    fit_store::{findings_when, is_under, probe_of, stored},
    scripted::Answer,
    support::settings,
};
use crate::{ProbeError, S3Settings, probe::ProbeReport};

fn enforcing() -> StoreCapabilities {
    StoreCapabilities {
        enforces_sha256: true,
        keeps_octet_stream: true,
        honours_response_headers: true,
        proves_parts: true,
    }
}

const BELIEVED: &str =
    "the store refuses bytes that differ from their signed SHA-256: its digests are trusted";
const NOT_BELIEVED: &str = "the store accepts bytes that differ from their signed SHA-256, or stores no digest: its digests are not trusted";

#[tokio::test]
async fn a_fit_bucket_passes() {
    let report = probe_of(settings(), |_| None).await.unwrap();
    let expected = ProbeReport {
        capabilities: enforcing(),
        notes: vec![BELIEVED.to_owned()],
    };
    assert_eq!(report, expected);
}

#[tokio::test]
async fn absence_must_be_distinguished_from_refusal() {
    let path = "/nexus-raw-probe/v1/absent";
    assert_eq!(
        findings_when("HEAD", path, Answer::status(403)).await,
        [
            "HeadObject returned status 403 for an absent key: allow s3:ListBucket on nexus-raw, and s3:GetObject on its objects"
        ]
    );
    assert_eq!(
        findings_when("HEAD", path, stored()).await,
        ["unexpected object nexus-raw-probe/v1/absent in bucket nexus-raw: delete it"]
    );
}

#[tokio::test]
async fn a_store_that_writes_over_an_object_is_unfit() {
    let path = "/nexus-raw-probe/v1/create-once";
    assert_eq!(
        findings_when("PUT", path, Answer::status(200)).await,
        ["the store overwrites an object despite If-None-Match: use one with conditional writes"]
    );
}

#[tokio::test]
async fn the_first_start_stores_once() {
    let uploads = AtomicUsize::new(0);
    let report = probe_of(settings(), move |seen| {
        let first = seen.method == "PUT"
            && seen.path.contains("create-once")
            && uploads.fetch_add(1, Ordering::SeqCst) == 0;
        first.then(|| Some(Answer::status(200)))
    })
    .await;
    assert_eq!(report.unwrap().capabilities, enforcing());
}

#[tokio::test]
async fn a_store_that_does_not_keep_an_upload_as_it_was_signed_is_unfit() {
    let path = "/nexus-raw-probe/v1/create-once";
    for (answer, what) in [
        (
            stored()
                .without("content-length")
                .with("content-length", "1"),
            "another length",
        ),
        (stored().without("x-amz-meta-env"), "other user metadata"),
        (stored().with("x-amz-meta-more", "1"), "other user metadata"),
        (
            stored()
                .with("content-encoding", "gzip")
                .with("content-language", "en"),
            "additional headers content-encoding, content-language",
        ),
    ] {
        assert_eq!(
            findings_when("HEAD", path, answer).await,
            [format!(
                "the store returns {what} for nexus-raw-probe/v1/create-once.pdf: it must store an upload as signed"
            )]
        );
    }
    assert_eq!(
        findings_when("HEAD", path, Answer::status(404)).await,
        ["the store does not find nexus-raw-probe/v1/create-once.pdf after it was stored"]
    );
}

#[tokio::test]
async fn a_store_may_say_how_long_to_keep_a_copy() {
    let path = "/nexus-raw-probe/v1/create-once";
    let answer = stored()
        .with("cache-control", "no-cache")
        .with("expires", "0");
    let report = probe_of(settings(), move |seen| {
        let looked_at = seen.method == "HEAD" && seen.path.starts_with(path);
        looked_at.then(|| Some(answer.clone()))
    })
    .await;
    assert_eq!(report.unwrap().capabilities, enforcing());
}

#[tokio::test]
async fn broken_signatures_must_be_refused() {
    let lacking = "the store accepts a presigned upload without a signed header: use one that checks signatures";
    let added = "the store accepts unsigned x-amz-* headers: use one that refuses them, or set storage.allow_unsigned_headers";
    for (path, finding) in [
        ("/nexus-raw-probe/v1/missing-header", lacking),
        ("/nexus-raw-probe/v1/unsigned-header", added),
    ] {
        // taken now, or at an earlier start
        for answer in [
            Answer::status(200),
            Answer::error(412, "PreconditionFailed"),
        ] {
            assert_eq!(findings_when("PUT", path, answer).await, [finding]);
        }
    }
    let lax = S3Settings {
        allow_unsigned_headers: true,
        ..settings()
    };
    let report = probe_of(lax, |seen| {
        seen.path
            .ends_with("unsigned-header")
            .then(|| Some(Answer::status(200)))
    });
    assert_eq!(
        report.await.unwrap().notes,
        [
            "the store accepts unsigned x-amz-* headers, as storage.allow_unsigned_headers allows",
            BELIEVED,
        ]
    );
}

#[tokio::test]
async fn digests_are_trusted_only_where_wrong_bytes_are_refused_and_digests_returned() {
    let other_bytes = "/nexus-raw-probe/v1/other-bytes";
    let create_once = "/nexus-raw-probe/v1/create-once.pdf";
    for (method, path, answer) in [
        ("PUT", other_bytes, Answer::status(200)),
        ("PUT", other_bytes, Answer::error(412, "PreconditionFailed")),
        ("HEAD", other_bytes, stored()),
        (
            "HEAD",
            create_once,
            stored().without("x-amz-checksum-sha256"),
        ),
    ] {
        let report = probe_of(settings(), move |seen| {
            let meant = seen.method == method && seen.path == path;
            meant.then(|| Some(answer.clone()))
        });
        let expected = ProbeReport {
            capabilities: StoreCapabilities {
                enforces_sha256: false,
                ..enforcing()
            },
            notes: vec![NOT_BELIEVED.to_owned()],
        };
        assert_eq!(report.await.unwrap(), expected, "{method} {path}");
    }
}

#[tokio::test]
async fn a_type_that_the_store_guesses_is_reported() {
    let report = probe_of(settings(), |seen| {
        let guessed = stored()
            .without("content-type")
            .with("content-type", "application/pdf");
        let meant = seen.method == "HEAD" && seen.path.contains("create-once");
        meant.then_some(Some(guessed))
    });
    let expected = ProbeReport {
        capabilities: StoreCapabilities {
            keeps_octet_stream: false,
            honours_response_headers: true,
            ..enforcing()
        },
        notes: vec![
            BELIEVED.to_owned(),
            "the store returns another type for uploads of application/octet-stream: that type is not compared".to_owned(),
        ],
    };
    assert_eq!(report.await.unwrap(), expected);
}

#[tokio::test]
async fn all_faults_are_reported_at_once() {
    let outcome = probe_of(settings(), |seen| {
        let answer = match (seen.method.as_str(), seen.path.as_str()) {
            ("HEAD", "/nexus-raw-probe/v1/absent") => Answer::status(403),
            ("PUT", _) => Answer::status(200),
            _ => return None,
        };
        Some(Some(answer))
    });
    let Err(ProbeError::Incompatible { findings }) = outcome.await else {
        panic!("it is not fit");
    };
    assert_eq!(findings.len(), 4, "{findings:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_says_nothing_is_no_verdict() {
    for (method, path, status, reason) in [
        ("HEAD", "/", 503, "HeadBucket returned status 503"),
        ("HEAD", "/", 307, "HeadBucket returned status 307"),
        (
            "HEAD",
            "/nexus-raw-probe/v1/other-bytes",
            500,
            "HeadObject returned status 500",
        ),
        (
            "PUT",
            "/nexus-raw-probe/v1/create-once",
            500,
            "presigned PutObject returned status 500",
        ),
        (
            "PUT",
            "/nexus-raw-probe/v1/missing-header",
            307,
            "presigned PutObject returned status 307",
        ),
        // another write is under way, for ever
        (
            "PUT",
            "/nexus-raw-probe/v1/create-once",
            409,
            "presigned PutObject returned status 409",
        ),
    ] {
        let outcome = probe_of(settings(), move |seen| {
            let meant = seen.method == method && is_under(&seen.path, path);
            meant.then(|| Some(Answer::status(status)))
        });
        match outcome.await {
            Err(ProbeError::Unreachable(source)) => assert_eq!(source.to_string(), reason),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_meets_another_is_tried_again() {
    let uploads = AtomicUsize::new(0);
    let report = probe_of(settings(), move |seen| {
        let conflict = seen.method == "PUT" && uploads.fetch_add(1, Ordering::SeqCst) % 3 != 2;
        conflict.then(|| Some(Answer::error(409, "ConditionalRequestConflict")))
    });
    assert_eq!(report.await.unwrap().capabilities, enforcing());
}

const IGNORED: &str = "the store ignores response-* parameters of downloads: what browsers would run is not downloaded";

#[tokio::test]
async fn a_store_that_ignores_response_parameters_is_noted() {
    let path = "/nexus-raw-probe/v1/create-once";
    for answer in [
        // its own headers, others, none at all; or a refusal
        stored(),
        Answer::status(200).with("content-type", "text/html"),
        Answer::status(200),
        Answer::error(400, "InvalidArgument"),
        Answer::error(501, "NotImplemented"),
    ] {
        let report = probe_of(settings(), move |seen| {
            let meant = seen.method == "GET" && is_under(&seen.path, path);
            meant.then(|| Some(answer.clone()))
        })
        .await
        .unwrap();
        assert!(!report.capabilities.honours_response_headers);
        assert_eq!(report.notes, [BELIEVED, IGNORED]);
    }
}

#[tokio::test]
async fn a_store_that_fails_at_a_download_is_tried_again() {
    let path = "/nexus-raw-probe/v1/create-once";
    for answer in [Some(Answer::status(503)), None] {
        let outcome = probe_of(settings(), move |seen| {
            let meant = seen.method == "GET" && is_under(&seen.path, path);
            meant.then(|| answer.clone())
        });
        assert!(matches!(outcome.await, Err(ProbeError::Unreachable(_))));
    }
}
