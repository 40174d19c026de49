//! A store that is fit but for one thing, and what the probe says of it.

use nexus_raw::asset::Sha256Digest;

use super::{
    scripted::{Answer, Scripted, Seen},
    support::{settings, static_credentials, store_on},
};
use crate::{
    ProbeError, S3Settings,
    deadlines::Deadlines,
    probe::{self, CONTENT, ProbeReport},
};

/// A fit bucket at any start but the first: what the probe wrote is there. `but` says what is
/// different: `Some(None)` is silence.
pub(super) fn fit_but_for(
    but: impl Fn(&Seen) -> Option<Option<Answer>> + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Option<Answer> + Send + Sync + 'static {
    move |seen| but(seen).unwrap_or_else(|| Some(fit(seen)))
}

fn fit(seen: &Seen) -> Answer {
    let probe_key = seen.path.strip_prefix("/nexus-raw-probe/v1/");
    if probe_key.is_some_and(|key| key.starts_with("parts")) {
        return fit_parts(seen);
    }
    match (seen.method.as_str(), probe_key) {
        ("HEAD", None) => match seen.header("x-amz-expected-bucket-owner") {
            None | Some("123456789012") => Answer::status(200),
            Some(_) => Answer::status(403),
        },
        ("GET", None) if seen.query.contains("versioning") => {
            versioning("<Status>Enabled</Status>")
        }
        ("PUT", Some(key)) if key.starts_with("create-once") => {
            Answer::error(412, "PreconditionFailed")
        }
        ("PUT", Some("missing-header" | "unsigned-header")) => Answer::error(403, "AccessDenied"),
        ("PUT", Some("other-bytes")) => Answer::error(400, "BadDigest"),
        ("HEAD", Some(key)) if key.starts_with("create-once") => stored(),
        ("GET", Some(key)) if key.starts_with("create-once") => honouring(seen),
        ("HEAD", Some("absent" | "other-bytes")) => Answer::status(404),
        _ => panic!("{seen:?}"),
    }
}

/// The answers to the probe's uploads in parts.
fn fit_parts(seen: &Seen) -> Answer {
    let other_bytes = seen.body != CONTENT;
    let other_size = seen.header("x-amz-mp-object-size") != Some(&CONTENT.len().to_string());
    match (seen.method.as_str(), seen.path.as_str()) {
        ("HEAD", "/nexus-raw-probe/v1/parts") => completed(),
        ("HEAD", _) => Answer::status(404),
        ("PUT", _) if other_bytes => Answer::error(400, "BadDigest"),
        ("PUT", _) => Answer::status(200).with("etag", "\"p\""),
        ("GET", _) => Answer::status(200).body(&format!(
            "<ListPartsResult><IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber>\
             <ETag>\"p\"</ETag><Size>{}</Size></Part></ListPartsResult>",
            CONTENT.len()
        )),
        ("POST", _) if seen.query.contains("uploads") => Answer::status(200).body(
            "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
        ),
        ("POST", "/nexus-raw-probe/v1/parts") => Answer::error(412, "PreconditionFailed"),
        ("POST", _) if other_size => Answer::error(400, "InvalidRequest"),
        ("DELETE", _) => Answer::status(204),
        _ => panic!("{seen:?}"),
    }
}

/// The head of the object that the probe completed at an earlier start.
pub(super) fn completed() -> Answer {
    let part = Sha256Digest::of(CONTENT.as_bytes());
    let composite = Sha256Digest::of(part.as_bytes()).to_base64();
    stored()
        .without("x-amz-checksum-sha256")
        .with("x-amz-checksum-sha256", &format!("{composite}-1"))
        .with("x-amz-checksum-type", "COMPOSITE")
}

pub(super) fn versioning(status: &str) -> Answer {
    Answer::status(200).body(&format!(
        "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{status}</VersioningConfiguration>"
    ))
}

/// What a store answers that honours `response-*`.
fn honouring(seen: &Seen) -> Answer {
    let mut answer = Answer::status(200).body(CONTENT);
    for name in ["cache-control", "content-disposition", "content-type"] {
        let parameters = url::form_urlencoded::parse(seen.query.as_bytes());
        let mut values = parameters.filter(|(it, _)| it.strip_prefix("response-") == Some(name));
        if let Some((_, value)) = values.next() {
            answer = answer.with(name, &value);
        }
    }
    answer
}

pub(super) fn stored() -> Answer {
    Answer::status(200)
        .with("content-length", &CONTENT.len().to_string())
        .with("content-type", "application/octet-stream")
        .with("etag", "\"e\"")
        .with(
            "x-amz-checksum-sha256",
            &Sha256Digest::of(CONTENT.as_bytes()).to_base64(),
        )
        .with("x-amz-meta-tenant-id", "t_nexus-raw-probe")
        .with("x-amz-meta-env", "probe")
        .with(
            "x-amz-meta-asset-id",
            "00000000-0000-7000-8000-000000000000",
        )
}

pub(super) async fn probe_of(
    settings: S3Settings,
    but: impl Fn(&Seen) -> Option<Option<Answer>> + Send + Sync + 'static,
) -> Result<ProbeReport, ProbeError> {
    let scripted = Scripted::saying(fit_but_for(but));
    let connector = scripted.connector();
    let store = store_on(
        settings,
        static_credentials(),
        connector,
        Deadlines::default(),
    )
    .await;
    let outcome = probe::examine(&store).await;
    check_writes(&scripted.seen());
    outcome
}

/// Nothing is written twice, nothing is deleted but uploads that were begun, and all of these are.
fn check_writes(all: &[Seen]) {
    let mut open = 0_i32;
    for (at, seen) in all.iter().enumerate() {
        let of_upload = seen.query.contains("uploadId=");
        let creates = match seen.method.as_str() {
            "HEAD" | "GET" => false,
            "PUT" => !of_upload,
            "POST" => of_upload,
            "DELETE" if of_upload => false,
            _ => panic!("{seen:?}"),
        };
        assert!(
            !creates || seen.header("if-none-match") == Some("*"),
            "not create-once: {seen:?}"
        );
        // one that was refused is not used
        let is_used = all
            .get(at + 1)
            .is_some_and(|next| next.query.contains("uploadId="));
        open += i32::from(seen.method == "POST" && !of_upload && is_used);
        open -= i32::from(seen.method == "DELETE");
    }
    assert!(open <= 0, "{open} uploads are left");
}

/// What is found when the store gives `answer` to the requests of this method and path.
pub(super) async fn findings_when(
    method: &'static str,
    path: &'static str,
    answer: Answer,
) -> Vec<String> {
    findings(settings(), method, path, answer).await
}

pub(super) async fn findings(
    settings: S3Settings,
    method: &'static str,
    path: &'static str,
    answer: Answer,
) -> Vec<String> {
    let outcome = probe_of(settings, move |seen| {
        let meant = seen.method == method && is_under(&seen.path, path);
        meant.then(|| Some(answer.clone()))
    })
    .await;
    match outcome {
        Err(ProbeError::Incompatible { findings }) => findings,
        other => panic!("{other:?}"),
    }
}

/// The bucket itself, or keys that begin so.
pub(super) fn is_under(path: &str, beginning: &str) -> bool {
    path == beginning || beginning != "/" && path.starts_with(beginning)
}
