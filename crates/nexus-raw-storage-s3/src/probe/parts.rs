//! Questions about uploads in parts. No answer makes a bucket unsuitable: the service does without
//! what the store lacks.

use nexus_raw::{
    asset::{ByteSize, DeclaredPart, PartNumber, Sha256Digest, UploadId},
    ports::CompositeDigest,
};
use tokio::time::timeout;

use super::put::{CONTENT, PREFIX, PutOutcome, Tampering, put_part, upload};
use crate::{
    failure::{FailureKind, RequestFailure},
    multipart::{Completion, NewUpload, UploadRef, upload_parts},
    signing::PartUpload,
    stat::stored_object,
    store::Store,
};

/// The answers.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PartsTrial {
    /// The store refuses a part that differs from its signed digest, and returns the composite
    /// digest of a completed object.
    pub(super) proves: bool,
    /// It refuses a completion onto an object.
    pub(super) completes_once: bool,
    /// It refuses a completion that states another length.
    pub(super) checks_size: bool,
}

/// The outcome of the trial.
#[derive(Debug)]
pub(super) enum PartsOutcome {
    Tried(PartsTrial),
    /// The store has no uploads in parts, or does not allow them.
    Refused(RequestFailure),
}

impl PartsOutcome {
    /// Returns whether a composite digest that the store returns is a proof.
    pub(super) fn prove(&self) -> bool {
        match self {
            Self::Tried(trial) => trial.proves,
            Self::Refused(_) => false,
        }
    }
}

/// Asks all questions, each with an upload of its own that is aborted in the end.
pub(super) async fn try_parts(store: &Store) -> Result<PartsOutcome, RequestFailure> {
    match tried(store).await {
        Ok(trial) => Ok(PartsOutcome::Tried(trial)),
        Err(failure) => match failure.status() {
            Some(400 | 401 | 403 | 404 | 405 | 501) => Ok(PartsOutcome::Refused(failure)),
            _ => Err(failure),
        },
    }
}

async fn tried(store: &Store) -> Result<PartsTrial, RequestFailure> {
    let enforces_digests = with_upload(store, "parts", async |it| it.refuses_other_bytes().await);
    let enforces_digests = enforces_digests.await?;
    let mut trial = PartsTrial::default();
    // only the first start completes it; at later starts the object exists already
    let key = format!("{PREFIX}parts");
    if store.head(&key).await?.is_none() {
        with_upload(store, "parts", async |it| it.complete(0).await).await?;
    }
    if let Some(head) = store.head(&key).await? {
        let returned = stored_object(&head)?.composite;
        trial.proves = enforces_digests && returned == Some(composite());
        let again = with_upload(store, "parts", async |it| it.complete(0).await).await?;
        trial.completes_once = !again;
    }
    // a store that once took it has the object
    let key = format!("{PREFIX}parts-other-size");
    if store.head(&key).await?.is_none() {
        let taken = with_upload(store, "parts-other-size", async |it| it.complete(1).await);
        trial.checks_size = !taken.await?;
    }
    Ok(trial)
}

/// Begins an upload, and aborts it whatever comes of it.
async fn with_upload<T>(
    store: &Store,
    name: &str,
    question: impl AsyncFnOnce(&OneUpload<'_>) -> Result<T, RequestFailure>,
) -> Result<T, RequestFailure> {
    let key = format!("{PREFIX}{name}");
    let new = NewUpload {
        key: &key,
        content_type: upload(&key).content_type,
        metadata: upload(&key).metadata,
    };
    let upload_id = store.begin_upload(&new).await?;
    let upload = OneUpload {
        store,
        key: &key,
        upload_id: &upload_id,
    };
    let answer = question(&upload).await;
    let aborted = store.abort_upload(upload.named()).await;
    let answer = answer?;
    aborted?;
    Ok(answer)
}

/// An upload of the probe's content in one part.
struct OneUpload<'a> {
    store: &'a Store,
    key: &'a str,
    upload_id: &'a UploadId,
}

impl OneUpload<'_> {
    fn named(&self) -> UploadRef<'_> {
        UploadRef {
            key: self.key,
            upload_id: self.upload_id,
        }
    }

    async fn put(&self, tampering: Tampering) -> Result<PutOutcome, RequestFailure> {
        let upload = PartUpload {
            key: self.key,
            upload_id: self.upload_id,
            part: part()?,
        };
        put_part(self.store, &upload, tampering).await
    }

    async fn refuses_other_bytes(&self) -> Result<bool, RequestFailure> {
        let put = self.put(Tampering::OtherBytes).await?;
        Ok(matches!(put, PutOutcome::Refused(_)))
    }

    /// Uploads the part, and completes with the length and `more`. Returns whether it was completed.
    async fn complete(&self, more: u64) -> Result<bool, RequestFailure> {
        if let PutOutcome::Refused(failure) = self.put(Tampering::None).await? {
            return Err(failure);
        }
        let listed = upload_parts(self.store, self.named(), 0, 1).await?;
        let held = listed.unwrap_or_default();
        let etag = held.into_iter().next().map(|it| it.etag);
        let etag = etag.ok_or_else(|| {
            let kind = FailureKind::Malformed("the part that was uploaded is not listed");
            RequestFailure::new("ListParts", kind)
        })?;
        let completion = Completion {
            size_bytes: CONTENT.len() as u64 + more,
            parts: &[(part()?, etag)],
        };
        let completed = self.store.complete_upload(self.named(), completion);
        // it is small; a real one may take longer
        let Ok(completed) = timeout(self.store.deadlines.operation, completed).await else {
            let kind = FailureKind::Timeout;
            return Err(RequestFailure::new("CompleteMultipartUpload", kind));
        };
        match completed {
            Ok(()) => Ok(true),
            // another process of the service probes the same key
            Err(failure) if failure.is_taken_key() || failure.status() == Some(409) => Ok(false),
            Err(failure) if more > 0 && matches!(failure.status(), Some(200 | 400)) => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

fn part() -> Result<DeclaredPart, RequestFailure> {
    let not_sent = || RequestFailure::new("UploadPart", FailureKind::NotSent);
    Ok(DeclaredPart {
        number: PartNumber::parse(1).map_err(|_| not_sent())?,
        size_bytes: ByteSize::parse(CONTENT.len() as u64).map_err(|_| not_sent())?,
        sha256: Sha256Digest::of(CONTENT.as_bytes()),
    })
}

fn composite() -> CompositeDigest {
    CompositeDigest {
        sha256: Sha256Digest::of(Sha256Digest::of(CONTENT.as_bytes()).as_bytes()),
        parts: 1,
    }
}

/// What follows, for the operator.
pub(super) fn notes(outcome: &PartsOutcome) -> Vec<String> {
    let trial = match outcome {
        PartsOutcome::Refused(failure) => {
            return vec![format!(
                "{failure}: the store takes no uploads in parts, or not from this service; if it has them, allow \
                 s3:PutObject, s3:ListMultipartUploadParts and s3:AbortMultipartUpload"
            )];
        }
        PartsOutcome::Tried(trial) => trial,
    };
    [
        (!outcome.prove()).then_some(
            "the store accepts parts that differ from their signed SHA-256, or returns no composite digest: uploads in parts are read and hashed",
        ),
        (!trial.completes_once).then_some(
            "the store completes an upload in parts onto an existing object: only the lease in the catalogue and a lookup before keep it from that",
        ),
        (!trial.checks_size).then_some(
            "the store does not compare the length that a completion states: it is compared afterwards",
        ),
    ]
    .into_iter()
    .flatten()
    .map(str::to_owned)
    .collect()
}
