//! The probe's verdicts on a bucket: its place, its owner, its versions, its encryption, and the
//! service's rights in it.

use super::{
    fit_store::{findings, findings_when, probe_of, stored, versioning},
    scripted::Answer,
    support::settings,
};
use crate::{ProbeError, S3Settings, ServerSideEncryption};

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
            "HeadBucket returned status 400: check the credentials, the machine's time, storage.region, and that s3:ListBucket on nexus-raw is allowed",
        ),
        (
            403,
            "HeadBucket returned status 403: check the credentials, the machine's time, storage.region, and that s3:ListBucket on nexus-raw is allowed",
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
    let Err(ProbeError::Incompatible { findings }) = probe_of(settings, |_| None).await else {
        panic!("another account's");
    };
    assert_eq!(
        findings,
        [
            "HeadBucket returned status 403: check the credentials, the machine's time, storage.region, storage.expected_bucket_owner, and that s3:ListBucket on nexus-raw is allowed"
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
            let meant = seen.method == "GET" && seen.query.contains("versioning");
            meant.then(|| Some(versioning(status)))
        });
        assert!(lax.await.is_ok());
    }
    let found = findings(required, "GET", "/", Answer::error(403, "AccessDenied")).await;
    assert_eq!(
        found,
        [
            "GetBucketVersioning returned status 403 AccessDenied: allow s3:GetBucketVersioning on nexus-raw, or unset storage.require_versioning"
        ]
    );
}

#[tokio::test]
async fn an_upload_that_is_refused_says_what_to_check() {
    let path = "/nexus-raw-probe/v1/create-once";
    let denied = Answer::error(403, "AccessDenied").with("x-amz-request-id", "R1D2");
    let right =
        "that s3:PutObject on nexus-raw/nexus-raw-probe/v1/* and nexus-raw/tenants/* is allowed";
    assert_eq!(
        findings_when("PUT", path, denied.clone()).await,
        [format!(
            "presigned PutObject returned status 403 AccessDenied (request id R1D2): check the machine's time, and {right}"
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
            "presigned PutObject returned status 400 KMS.DisabledException: check the machine's time, storage.sse, storage.sse_kms_key_id with kms:GenerateDataKey on that key, and {right}"
        )]
    );
    let code_less = Answer::status(501).body("<Error><Code>Not <b>it</b></Code></Error>");
    assert_eq!(
        findings_when("PUT", path, code_less).await,
        [format!(
            "presigned PutObject returned status 501: check the machine's time, and {right}"
        )]
    );
}

#[tokio::test]
async fn an_object_that_may_be_written_and_not_looked_at_is_a_finding() {
    let path = "/nexus-raw-probe/v1/create-once";
    let kms = S3Settings {
        server_side_encryption: ServerSideEncryption::Kms { key_id: None },
        ..settings()
    };
    let said =
        "HeadObject returned status 403 for an existing object: allow s3:GetObject on nexus-raw/*";
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
                    "the store does not encrypt as configured, it reports {said}: set storage.sse to none, or use a store that does"
                )]
            );
        }
    }
}
