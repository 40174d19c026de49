//! Examines a bucket and the service's rights in it, for an operator. Unlike the probe of a start,
//! it also reads what the service does not depend on, and changes nothing but what the probe does.

mod cors;
mod encryption;
mod lifecycle;
mod policy;
mod protection;
mod rights;
mod signing;

use std::time::Duration;

use nexus_raw::{
    ErrorChain,
    checkup::{CheckVerdict, Examined},
};

use crate::{
    connect::UnprobedS3,
    failure::RequestFailure,
    probe::{self, ProbeError},
    store::Store,
};

/// What the service is configured to do with the bucket.
#[derive(Debug, Clone)]
pub struct ExpectedBucket {
    /// The origins of the pages that upload and download.
    pub cors_origins: Vec<String>,
    /// How long an intent may be registered.
    pub intent_ttl: Duration,
    /// How long a signed URL is to live.
    pub presign_ttl: Duration,
    /// Whether the store has rights of roles. The embedded one has a single user.
    pub has_roles: bool,
}

impl UnprobedS3 {
    /// Examines the bucket, the role and the signing of this store. It runs the probe, and otherwise
    /// only reads, or sends what cannot succeed.
    ///
    /// Each check gives its answer, whatever the others say.
    pub async fn examine(&self, expected: &ExpectedBucket) -> Vec<Examined> {
        let store = self.store();
        let (mut all, compares_digests) = probed(store).await;
        let owner = store.settings.expected_bucket_owner.as_deref();
        let is_unreached = all.iter().any(|it| it.verdict == CheckVerdict::Unknown);
        if is_unreached || store.head_bucket(owner).await.is_err() {
            // each other check would say so again
            return all;
        }
        let bucket = tokio::join!(
            protection::versioning(store),
            protection::object_lock(store),
            encryption::examine(store),
            lifecycle::examine(store, expected.intent_ttl),
            cors::examine(store, &expected.cors_origins),
            policy::examine(store),
        );
        let (versioning, object_lock, encryption, lifecycle, cors, policy) = bucket;
        all.extend([versioning, object_lock, encryption]);
        all.extend(lifecycle.into_iter().chain(cors).chain(policy));
        if expected.has_roles {
            all.extend(Box::pin(rights::examine(store, compares_digests)).await);
        }
        all.push(signing::clock(store));
        all.push(signing::credentials(store, expected.presign_ttl));
        all
    }
}

/// What the probe of a start says, and whether the store is known to refuse a wrong digest.
async fn probed(store: &Store) -> (Vec<Examined>, bool) {
    const CHECK: &str = "bucket.probe";
    let report = probe::examine(store).await;
    let compares_digests = matches!(&report, Ok(it) if it.capabilities.enforces_sha256);
    let said = match report {
        Ok(report) => {
            let sound = Examined::sound(CHECK, "the bucket serves, and replaces no object");
            let notes = report.notes.into_iter();
            let notes = notes.map(|note| Examined::note(CHECK, note));
            [sound].into_iter().chain(notes).collect()
        }
        Err(ProbeError::Incompatible { findings }) => {
            let findings = findings.into_iter();
            findings
                .map(|finding| match finding.split_once(": ") {
                    Some((found, mend)) => Examined::fault(CHECK, found, mend),
                    None => Examined::fault(CHECK, finding, "see docs/S3-SERVERS.md"),
                })
                .collect()
        }
        Err(error @ ProbeError::Unreachable(_)) => vec![Examined::unknown(
            CHECK,
            ErrorChain(&error).to_string(),
            "check storage.endpoint, storage.region and the way to it, and try again",
        )],
    };
    (said, compares_digests)
}

/// What a bucket has of something that it may have.
pub(crate) enum Configured<T> {
    /// It is configured.
    As(T),
    /// It is not configured.
    Absent,
    /// The store does not have it.
    Unsupported,
}

/// Sorts the answer to a request for a configuration; `absent` is the code of a bucket without one.
pub(crate) fn configured<T>(
    answer: Result<T, RequestFailure>,
    absent: &str,
) -> Result<Configured<T>, RequestFailure> {
    match answer {
        Ok(found) => Ok(Configured::As(found)),
        Err(failure) if failure.code() == Some(absent) => Ok(Configured::Absent),
        Err(failure) => match (failure.status(), failure.code()) {
            (Some(405 | 501), _) | (Some(400), Some("NotImplemented")) => {
                Ok(Configured::Unsupported)
            }
            _ => Err(failure),
        },
    }
}

/// Says why a configuration could not be read.
fn unreadable(check: &'static str, failure: &RequestFailure, right: &str) -> Examined {
    let mend = if failure.status() == Some(403) {
        format!(
            "allow {right} to the role of this command: `nexus-raw-server iam-policy --doctor` prints what it needs"
        )
    } else {
        "try again".to_owned()
    };
    Examined::unknown(check, failure.to_string(), mend)
}

/// Returns the command that applies what a command of the server prints.
fn applied(store: &Store, printed_by: &str, put: &str, parameter: &str) -> String {
    let bucket = store.bucket();
    format!(
        "`nexus-raw-server {printed_by} > {printed_by}.json`, and `aws s3api {put} --bucket {bucket} {parameter} file://{printed_by}.json`"
    )
}
