//! The probe's verdicts on what a store does with uploads in parts.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{
    fit_store::{completed, probe_of},
    scripted::{Answer, Seen},
    support::settings,
};
use crate::{ProbeError, probe::ProbeReport};

const PARTS: &str = "/nexus-raw-probe/v1/parts";
const OTHER_SIZE: &str = "/nexus-raw-probe/v1/parts-other-size";
const NOT_PROVED: &str = "the store accepts parts that differ from their signed SHA-256, or returns no composite digest: uploads in parts are read and hashed";
const NOT_ONCE: &str = "the store completes an upload in parts onto an existing object: only the lease in the catalogue and a lookup before keep it from that";
const NOT_SIZED: &str =
    "the store does not compare the length that a completion states: it is compared afterwards";

fn is_completion(seen: &Seen) -> bool {
    seen.method == "POST" && seen.query.contains("uploadId=")
}

fn done() -> Answer {
    Answer::status(200).body("<CompleteMultipartUploadResult/>")
}

async fn report(
    but: impl Fn(&Seen) -> Option<Answer> + Send + Sync + 'static,
) -> Result<ProbeReport, ProbeError> {
    probe_of(settings(), move |seen| but(seen).map(Some)).await
}

/// Whether parts are proved, and the notes besides the one on single uploads.
async fn verdict(
    but: impl Fn(&Seen) -> Option<Answer> + Send + Sync + 'static,
) -> (bool, Vec<String>) {
    let report = report(but).await.unwrap();
    assert!(report.capabilities.enforces_sha256);
    (report.capabilities.proves_parts, report.notes[1..].to_vec())
}

#[tokio::test]
async fn at_the_first_start_the_object_is_completed_and_then_looked_at() {
    let is_there = Arc::new(AtomicBool::new(false));
    let verdict = verdict(move |seen| match seen.path.as_str() {
        PARTS if seen.method == "HEAD" && !is_there.load(Ordering::SeqCst) => {
            Some(Answer::status(404))
        }
        PARTS if is_completion(seen) && !is_there.swap(true, Ordering::SeqCst) => Some(done()),
        _ => None,
    });
    assert_eq!(verdict.await, (true, vec![]));
}

#[tokio::test]
async fn parts_are_proved_only_where_wrong_bytes_are_refused_and_the_composite_is_returned() {
    let takes_other_bytes = |seen: &Seen| {
        let is_part = seen.method == "PUT" && seen.path == PARTS;
        is_part.then(|| Answer::status(200))
    };
    assert_eq!(
        verdict(takes_other_bytes).await,
        (false, vec![NOT_PROVED.to_owned()])
    );
    let wrong = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=-1";
    let without = || completed().without("x-amz-checksum-sha256");
    for head in [
        without(),
        without().with("x-amz-checksum-sha256", wrong),
        completed()
            .without("x-amz-checksum-type")
            .with("x-amz-checksum-type", "FULL_OBJECT"),
    ] {
        let looked_at = verdict(move |seen| {
            let is_head = seen.method == "HEAD" && seen.path == PARTS;
            is_head.then(|| head.clone())
        });
        assert_eq!(looked_at.await, (false, vec![NOT_PROVED.to_owned()]));
    }
}

#[tokio::test]
async fn a_store_that_completes_onto_an_object_is_noted() {
    let verdict = verdict(|seen| (is_completion(seen) && seen.path == PARTS).then(done));
    assert_eq!(verdict.await, (true, vec![NOT_ONCE.to_owned()]));
}

#[tokio::test]
async fn a_store_that_takes_another_length_is_noted_now_and_later() {
    let now = verdict(|seen| (is_completion(seen) && seen.path == OTHER_SIZE).then(done));
    assert_eq!(now.await, (true, vec![NOT_SIZED.to_owned()]));
    let later = verdict(|seen| (seen.method == "HEAD" && seen.path == OTHER_SIZE).then(completed));
    assert_eq!(later.await, (true, vec![NOT_SIZED.to_owned()]));
}

#[tokio::test]
async fn a_store_without_uploads_in_parts_is_fit_and_told() {
    for (status, code) in [(501, "NotImplemented"), (403, "AccessDenied")] {
        let verdict = verdict(move |seen| {
            let begins = seen.method == "POST" && seen.query.contains("uploads");
            begins.then(|| Answer::error(status, code))
        });
        let note = format!(
            "CreateMultipartUpload returned status {status} {code}: the store takes no uploads in parts, or not from \
             this service; if it has them, allow s3:PutObject, s3:ListMultipartUploadParts and s3:AbortMultipartUpload"
        );
        assert_eq!(verdict.await, (false, vec![note]));
    }
}

/// `probe_of` checks that no upload is left.
#[tokio::test(start_paused = true)]
async fn an_upload_is_aborted_whatever_comes_of_it() {
    for method in ["PUT", "GET", "POST"] {
        let outcome = report(move |seen| {
            let meant = seen.method == method && seen.query.contains("uploadId=");
            meant.then(|| Answer::status(503))
        });
        assert!(matches!(outcome.await, Err(ProbeError::Unreachable(_))));
    }
}
