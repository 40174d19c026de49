//! The probe's verdicts.

use std::sync::atomic::{AtomicUsize, Ordering};

use nexus_raw::ports::StoreCapabilities;

use super::{
    fit_store::{findings, findings_when, is_under, probe_of, stored, versioning},
    scripted::Answer,
    support::settings,
};
use crate::{ProbeError, S3Settings, ServerSideEncryption, probe::Report};

fn enforcing() -> StoreCapabilities {
    StoreCapabilities {
        enforces_sha256: true,
        keeps_octet_stream: true,
    }
}

const BELIEVED: &str =
    "the store refuses bytes that differ from their signed SHA-256: its digests are believed";
const NOT_BELIEVED: &str = "the store takes bytes that differ from their signed SHA-256, or keeps no digest: its digests are not believed";

#[tokio::test]
async fn a_fit_bucket_passes() {
    let report = probe_of(settings(), |_| None).await.unwrap();
    let expected = Report {
        capabilities: enforcing(),
        notes: vec![BELIEVED.to_owned()],
    };
    assert_eq!(report, expected);
}

#[tokio::test]
async fn a_bucket_that_refuses_the_service_says_what_to_change() {
    for (status, finding) in [
        (
            404,
            "bucket nexus-raw does not exist: create it, or set storage.bucket",
        ),
        (
            301,
            "bucket nexus-raw is in another region than eu-central-1: set storage.region",
        ),
        (
            400,
            "HeadBucket was answered with status 400: check the credentials, the machine's time, storage.region, and that s3:ListBucket on nexus-raw is allowed",
        ),
        (
            403,
            "HeadBucket was answered with status 403: check the credentials, the machine's time, storage.region, and that s3:ListBucket on nexus-raw is allowed",
        ),
    ] {
        let found = findings_when("HEAD", "/", Answer::status(status)).await;
        assert_eq!(found, [finding]);
    }
}

#[tokio::test]
async fn a_bucket_of_another_account_is_refused() {
    let settings = S3Settings {
        expected_bucket_owner: Some("210987654321".to_owned()),
        ..settings()
    };
    let Err(ProbeError::Unfit { findings }) = probe_of(settings, |_| None).await else {
        panic!("another account's");
    };
    assert_eq!(
        findings,
        [
            "HeadBucket was answered with status 403: check the credentials, the machine's time, storage.region, storage.expected_bucket_owner, and that s3:ListBucket on nexus-raw is allowed"
        ]
    );
}

#[tokio::test]
async fn an_expected_owner_that_the_store_does_not_check_is_a_finding() {
    let settings = S3Settings {
        expected_bucket_owner: Some("123456789012".to_owned()),
        ..settings()
    };
    assert!(probe_of(settings.clone(), |_| None).await.is_ok());
    let found = findings(settings, "HEAD", "/", Answer::status(200)).await;
    assert_eq!(
        found.first().map(String::as_str),
        Some(
            "the store does not check x-amz-expected-bucket-owner: unset storage.expected_bucket_owner"
        )
    );
}

#[tokio::test]
async fn versioning_is_looked_at_where_it_is_required() {
    let required = S3Settings {
        require_versioning: true,
        ..settings()
    };
    assert!(probe_of(required.clone(), |_| None).await.is_ok());
    let lacking =
        "bucket nexus-raw has no versioning: enable it, or unset storage.require_versioning";
    for status in ["", "<Status>Suspended</Status>"] {
        let found = findings(required.clone(), "GET", "/", versioning(status)).await;
        assert_eq!(found, [lacking]);
        let lax = probe_of(settings(), move |seen| {
            (seen.method == "GET").then(|| Some(versioning(status)))
        });
        assert!(lax.await.is_ok());
    }
    let found = findings(required, "GET", "/", Answer::error(403, "AccessDenied")).await;
    assert_eq!(
        found,
        [
            "GetBucketVersioning was answered with status 403 AccessDenied: allow s3:GetBucketVersioning on nexus-raw, or unset storage.require_versioning"
        ]
    );
}

#[tokio::test]
async fn absence_must_be_told_from_refusal() {
    let path = "/nexus-raw-probe/v1/absent";
    assert_eq!(
        findings_when("HEAD", path, Answer::status(403)).await,
        [
            "HeadObject was answered with status 403 for an absent key: allow s3:ListBucket on nexus-raw, and s3:GetObject on its objects"
        ]
    );
    assert_eq!(
        findings_when("HEAD", path, stored()).await,
        [
            "there is an object at nexus-raw-probe/v1/absent in bucket nexus-raw, where none may be: delete it"
        ]
    );
}

#[tokio::test]
async fn a_store_that_writes_over_an_object_is_unfit() {
    let path = "/nexus-raw-probe/v1/create-once";
    assert_eq!(
        findings_when("PUT", path, Answer::status(200)).await,
        [
            "the store writes over an object in spite of If-None-Match: use one that has conditional writes"
        ]
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
async fn an_upload_that_is_refused_says_what_to_look_at() {
    let path = "/nexus-raw-probe/v1/create-once";
    let denied = Answer::error(403, "AccessDenied").with("x-amz-request-id", "R1D2");
    let right =
        "that s3:PutObject on nexus-raw/nexus-raw-probe/v1/* and nexus-raw/tenants/* is allowed";
    assert_eq!(
        findings_when("PUT", path, denied.clone()).await,
        [format!(
            "presigned PutObject was answered with status 403 AccessDenied (request id R1D2): check the machine's time, and {right}"
        )]
    );
    let kms = S3Settings {
        server_side_encryption: ServerSideEncryption::Kms { key_id: None },
        ..settings()
    };
    let disabled = Answer::error(400, "KMS.DisabledException");
    assert_eq!(
        findings(kms, "PUT", path, disabled).await,
        [format!(
            "presigned PutObject was answered with status 400 KMS.DisabledException: check the machine's time, storage.sse, storage.sse_kms_key_id with kms:GenerateDataKey on that key, and {right}"
        )]
    );
    let code_less = Answer::status(501).body("<Error><Code>Not <b>it</b></Code></Error>");
    assert_eq!(
        findings_when("PUT", path, code_less).await,
        [format!(
            "presigned PutObject was answered with status 501: check the machine's time, and {right}"
        )]
    );
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
                .with("cache-control", "no-cache")
                .with("expires", "0"),
            "cache-control, expires besides",
        ),
    ] {
        assert_eq!(
            findings_when("HEAD", path, answer).await,
            [format!(
                "the store answers {what} for nexus-raw-probe/v1/create-once.pdf: it must keep an upload as it was signed"
            )]
        );
    }
    assert_eq!(
        findings_when("HEAD", path, Answer::status(404)).await,
        ["the store does not find nexus-raw-probe/v1/create-once.pdf after it was stored"]
    );
}

#[tokio::test]
async fn an_object_that_may_be_written_and_not_looked_at_is_a_finding() {
    let path = "/nexus-raw-probe/v1/create-once";
    let kms = S3Settings {
        server_side_encryption: ServerSideEncryption::Kms { key_id: None },
        ..settings()
    };
    let said = "HeadObject was answered with status 403 for an object that is there: allow s3:GetObject on nexus-raw/*";
    for (settings, finding) in [
        (settings(), said.to_owned()),
        (kms, format!("{said}, and kms:Decrypt on the key")),
    ] {
        let found = findings(settings, "HEAD", path, Answer::status(403)).await;
        assert_eq!(found, [finding]);
    }
}

#[tokio::test]
async fn encryption_is_looked_at_where_it_is_required() {
    let header = "x-amz-server-side-encryption";
    for (encryption, algorithm) in [
        (ServerSideEncryption::S3, "AES256"),
        (
            ServerSideEncryption::Kms {
                key_id: Some("k".to_owned()),
            },
            "aws:kms",
        ),
    ] {
        let required = S3Settings {
            server_side_encryption: encryption,
            ..settings()
        };
        let path = "/nexus-raw-probe/v1/create-once-";
        let encrypted = probe_of(required.clone(), move |seen| {
            let meant = seen.method == "HEAD" && seen.path.starts_with(path);
            meant.then(|| Some(stored().with(header, algorithm)))
        });
        assert!(encrypted.await.is_ok());
        for (answer, said) in [
            (stored(), "nothing"),
            (stored().with(header, "aws:fsx"), "aws:fsx"),
        ] {
            assert_eq!(
                findings(required.clone(), "HEAD", path, answer).await,
                [format!(
                    "the store does not encrypt as it is told, it says {said}: set storage.sse to none, or use a store that does"
                )]
            );
        }
    }
}

#[tokio::test]
async fn broken_signatures_must_be_refused() {
    let lacking = "the store takes a presigned upload that lacks a signed header: use one that checks signatures";
    let added = "the store takes x-amz-* headers that nobody signed: use one that refuses them, or set storage.allow_unsigned_headers";
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
            "the store takes x-amz-* headers that nobody signed, as storage.allow_unsigned_headers allows",
            BELIEVED,
        ]
    );
}

#[tokio::test]
async fn digests_are_believed_only_where_other_bytes_never_came_in_and_digests_are_told() {
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
        let expected = Report {
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
async fn a_type_that_the_store_guesses_is_told() {
    let report = probe_of(settings(), |seen| {
        let guessed = stored()
            .without("content-type")
            .with("content-type", "application/pdf");
        let meant = seen.method == "HEAD" && seen.path.contains("create-once");
        meant.then_some(Some(guessed))
    });
    let expected = Report {
        capabilities: StoreCapabilities {
            keeps_octet_stream: false,
            ..enforcing()
        },
        notes: vec![
            BELIEVED.to_owned(),
            "the store answers another type for what was uploaded as application/octet-stream: that type is not compared".to_owned(),
        ],
    };
    assert_eq!(report.await.unwrap(), expected);
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let outcome = probe_of(settings(), |seen| {
        let answer = match (seen.method.as_str(), seen.path.as_str()) {
            ("HEAD", "/nexus-raw-probe/v1/absent") => Answer::status(403),
            ("PUT", _) => Answer::status(200),
            _ => return None,
        };
        Some(Some(answer))
    });
    let Err(ProbeError::Unfit { findings }) = outcome.await else {
        panic!("it is not fit");
    };
    assert_eq!(findings.len(), 4, "{findings:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_says_nothing_is_no_verdict() {
    for (method, path, status, reason) in [
        ("HEAD", "/", 503, "HeadBucket was answered with status 503"),
        ("HEAD", "/", 307, "HeadBucket was answered with status 307"),
        (
            "HEAD",
            "/nexus-raw-probe/v1/other-bytes",
            500,
            "HeadObject was answered with status 500",
        ),
        (
            "PUT",
            "/nexus-raw-probe/v1/create-once",
            500,
            "presigned PutObject was answered with status 500",
        ),
        (
            "PUT",
            "/nexus-raw-probe/v1/missing-header",
            307,
            "presigned PutObject was answered with status 307",
        ),
        // another write is under way, for ever
        (
            "PUT",
            "/nexus-raw-probe/v1/create-once",
            409,
            "presigned PutObject was answered with status 409",
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
