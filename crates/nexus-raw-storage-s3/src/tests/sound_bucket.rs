//! A sound bucket and a sound role, and what an examination says of them when one thing is changed.

use std::time::Duration;

use aws_credential_types::Credentials;
use nexus_raw::checkup::{CheckVerdict, Examined};
use serde_json::Value;

use super::{
    fit_store::{fit_but_for, versioning},
    scripted::{Answer, Scripted, Seen},
    support::{settings, static_credentials, store_on},
};
use crate::{ExpectedBucket, S3Settings, connect::UnprobedS3, deadlines::Deadlines};

pub(super) const PAGE: &str = "https://app.example";

pub(super) fn expected() -> ExpectedBucket {
    ExpectedBucket {
        cors_origins: vec![PAGE.to_owned()],
        intent_ttl: Duration::from_hours(24),
        presign_ttl: Duration::from_mins(15),
        has_roles: true,
    }
}

pub(super) fn xml(body: &str) -> Answer {
    Answer::status(200).body(body)
}

/// The configuration that a request asks for.
pub(super) fn asked(seen: &Seen) -> Option<&str> {
    let of_bucket = seen.method == "GET" && seen.path == "/";
    let name = seen.query.split(['=', '&']).next()?;
    of_bucket.then_some(name)
}

pub(super) fn cors(origin: &str, methods: &[&str], headers: &[&str], exposed: &str) -> Answer {
    let list = |name: &str, all: &[&str]| -> String {
        let all = all.iter().map(|it| format!("<{name}>{it}</{name}>"));
        all.collect::<Vec<_>>().concat()
    };
    xml(&format!(
        "<CORSConfiguration><CORSRule><AllowedOrigin>{origin}</AllowedOrigin>{}{}\
         <ExposeHeader>{exposed}</ExposeHeader></CORSRule></CORSConfiguration>",
        list("AllowedMethod", methods),
        list("AllowedHeader", headers),
    ))
}

pub(super) fn lifecycle(prefix: &str, rest: &str) -> Answer {
    let abort = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload>";
    xml(&format!(
        "<LifecycleConfiguration>\
         <Rule><ID>aborts</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter>{abort}</Rule>\
         <Rule><ID>planted</ID><Status>Enabled</Status><Filter><Prefix>{prefix}</Prefix></Filter>{rest}</Rule>\
         </LifecycleConfiguration>"
    ))
}

pub(super) fn encryption(algorithm: &str, key: &str) -> Answer {
    xml(&format!(
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
         <SSEAlgorithm>{algorithm}</SSEAlgorithm>{key}</ApplyServerSideEncryptionByDefault></Rule>\
         </ServerSideEncryptionConfiguration>"
    ))
}

/// The policy that the server prints, changed.
pub(super) fn policy(change: impl FnOnce(&mut Vec<Value>)) -> Answer {
    let mut policy = serde_json::to_value(settings().bucket_policy()).unwrap();
    change(policy["Statement"].as_array_mut().unwrap());
    Answer::status(200).body(&policy.to_string())
}

/// The answers of a sound bucket to a sound role.
pub(super) fn sound(seen: &Seen) -> Option<Answer> {
    match asked(seen) {
        Some("versioning") => Some(versioning("<Status>Enabled</Status>")),
        Some("object-lock") => Some(xml(
            "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>",
        )),
        Some("encryption") => Some(encryption("AES256", "")),
        Some("lifecycle") => Some(lifecycle("elsewhere/", "")),
        Some("cors") => Some(cors("https://*.example", &["GET", "PUT"], &["*"], "ETag")),
        Some("policy") => Some(policy(|_| {})),
        Some("uploads") => Some(xml("<ListMultipartUploadsResult/>")),
        Some(other) => panic!("{other}"),
        None if seen.method == "DELETE" && seen.query.contains("versionId") => {
            Some(Answer::error(403, "AccessDenied"))
        }
        None if seen.path.starts_with("/nexus-raw-doctor/") => {
            Some(Answer::error(403, "AccessDenied"))
        }
        None => None,
    }
}

/// Examines a bucket that is sound but for what `but` answers.
pub(super) async fn examined_as(
    settings: S3Settings,
    credentials: Credentials,
    expected: ExpectedBucket,
    but: impl Fn(&Seen) -> Option<Answer> + Send + Sync + 'static,
) -> Vec<Examined> {
    let scripted = Scripted::saying(fit_but_for(move |seen| {
        but(seen).or_else(|| sound(seen)).map(Some)
    }));
    let connector = scripted.connector();
    let store = store_on(settings, credentials, connector, Deadlines::default()).await;
    Box::pin(UnprobedS3::on(store).examine(&expected)).await
}

pub(super) async fn examined(
    but: impl Fn(&Seen) -> Option<Answer> + Send + Sync + 'static,
) -> Vec<Examined> {
    examined_as(settings(), static_credentials(), expected(), but).await
}

/// What an operator has to do.
pub(super) fn to_do(all: &[Examined]) -> Vec<(&'static str, CheckVerdict, &str)> {
    let acts = all.iter().filter(|it| it.verdict.asks_for_action());
    acts.map(|it| (it.check, it.verdict, it.found.as_str()))
        .collect()
}
