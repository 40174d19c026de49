//! A check with a valid upload: it must be stored once, and be returned as signed.

use aws_sdk_s3::{
    operation::head_object::HeadObjectOutput, types::ServerSideEncryption as SdkEncryption,
};
use nexus_raw::{
    asset::{ContentType, Sha256Digest},
    ports::StoredObject,
};

use super::put::{PREFIX, PutOutcome, Tampering, put, upload};
use crate::{
    failure::RequestFailure, settings::ServerSideEncryption, signing::Upload, stat::stored_object,
    store::Store,
};

/// The outcome of the check.
#[derive(Debug, Default)]
pub(super) struct UploadTrial {
    pub(super) stored: bool,
    pub(super) reports_sha256: bool,
    pub(super) keeps_octet_stream: bool,
    pub(super) findings: Vec<String>,
}

/// Uploads twice, and inspects the stored object.
pub(super) async fn try_upload(store: &Store) -> Result<UploadTrial, RequestFailure> {
    let key = key(&store.settings.server_side_encryption);
    let upload = upload(&key);
    let mut trial = UploadTrial::default();
    // only the first start stores it; at later starts it exists already
    for _ in 0..2 {
        match put(store, &upload, Tampering::None).await? {
            PutOutcome::Stored if trial.stored => trial.findings.push(
                "the store overwrites an object despite If-None-Match: use one with conditional writes".to_owned(),
            ),
            PutOutcome::Stored | PutOutcome::AlreadyThere => trial.stored = true,
            PutOutcome::Refused(failure) => {
                trial.findings.push(refusal_finding(store, &failure));
                return Ok(trial);
            }
        }
    }
    match store.head(&key).await {
        Ok(Some(head)) => inspect(store, &upload, &head, &mut trial)?,
        Ok(None) => trial
            .findings
            .push(format!("the store does not find {key} after it was stored")),
        Err(failure) if matches!(failure.status(), Some(400 | 401 | 403)) => {
            trial.findings.push(head_finding(store, &failure));
        }
        Err(failure) => return Err(failure),
    }
    Ok(trial)
}

/// Returns a key for each encryption, since an object keeps the one that it was written with. It ends
/// in `.pdf` to detect a store that guesses the type from the ending.
pub(crate) fn key(encryption: &ServerSideEncryption) -> String {
    match encryption.algorithm() {
        None => format!("{PREFIX}create-once.pdf"),
        Some(algorithm) => {
            let spelled = format!("{algorithm} {}", encryption.key_id().unwrap_or_default());
            let digest = Sha256Digest::of(spelled.as_bytes()).to_string();
            let short = digest.get(..16).unwrap_or_default();
            format!("{PREFIX}create-once-{short}.pdf")
        }
    }
}

fn refusal_finding(store: &Store, failure: &RequestFailure) -> String {
    let bucket = store.bucket();
    let encryption = match store.settings.server_side_encryption {
        ServerSideEncryption::None => "",
        ServerSideEncryption::S3 => ", storage.sse",
        ServerSideEncryption::Kms { .. } => {
            ", storage.sse, storage.sse_kms_key_id with kms:GenerateDataKey on that key"
        }
    };
    format!(
        "{failure}: check the machine's time{encryption}, and that s3:PutObject on {bucket}/{PREFIX}* and \
         {bucket}/tenants/* is allowed"
    )
}

fn head_finding(store: &Store, failure: &RequestFailure) -> String {
    let decryption = match store.settings.server_side_encryption {
        ServerSideEncryption::Kms { .. } => ", and kms:Decrypt on the key",
        ServerSideEncryption::None | ServerSideEncryption::S3 => "",
    };
    let bucket = store.bucket();
    format!("{failure} for an existing object: allow s3:GetObject on {bucket}/*{decryption}")
}

fn inspect(
    store: &Store,
    upload: &Upload<'_>,
    head: &HeadObjectOutput,
    trial: &mut UploadTrial,
) -> Result<(), RequestFailure> {
    let stored = stored_object(head)?;
    trial.reports_sha256 = stored.sha256 == Some(upload.sha256);
    trial.keeps_octet_stream = stored.content_type.as_deref() == Some(ContentType::OCTET_STREAM);
    trial.findings.extend(difference_finding(upload, &stored));
    let wanted = store.settings.server_side_encryption.algorithm();
    let used = head.server_side_encryption().map(SdkEncryption::as_str);
    if wanted.is_some() && wanted != used {
        trial.findings.push(format!(
            "the store does not encrypt as configured, it reports {}: set storage.sse to none, or use a store that does",
            used.unwrap_or("nothing")
        ));
    }
    Ok(())
}

/// Compares the stored object. With a store that adds or loses something, no asset could be
/// registered.
fn difference_finding(upload: &Upload<'_>, stored: &StoredObject) -> Option<String> {
    let metadata_is_kept = stored.user_metadata.len() == upload.metadata.len()
        && upload
            .metadata
            .iter()
            .all(|(name, value)| stored.user_metadata.get(*name) == Some(value));
    let what = if stored.size_bytes != upload.size_bytes {
        "another length".to_owned()
    } else if !metadata_is_kept {
        "other user metadata".to_owned()
    } else if !stored.foreign_headers.is_empty() {
        format!("additional headers {}", stored.foreign_headers.join(", "))
    } else {
        return None;
    };
    Some(format!(
        "the store returns {what} for {}: it must store an upload as signed",
        upload.key
    ))
}
