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
    for seen in scripted.seen() {
        assert!(
            matches!(seen.method.as_str(), "HEAD" | "GET" | "PUT"),
            "{seen:?}"
        );
        assert!(
            seen.method != "PUT" || seen.header("if-none-match") == Some("*"),
            "not create-once: {seen:?}"
        );
    }
    outcome
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
