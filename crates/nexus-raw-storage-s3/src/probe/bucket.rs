//! Checks of the bucket, before anything is written to it.

use super::put::PREFIX;
use crate::{failure::RequestFailure, store::Store};

/// Checks that the bucket exists and is accessible.
pub(super) async fn findings(store: &Store) -> Result<Vec<String>, RequestFailure> {
    let bucket = store.bucket();
    let owner = store.settings.expected_bucket_owner.as_deref();
    let Err(failure) = store.head_bucket(owner).await else {
        return Ok(Vec::new());
    };
    let finding = match failure.status() {
        Some(404) => format!("bucket {bucket} does not exist: create it, or set storage.bucket"),
        Some(301) => format!(
            "bucket {bucket} is in another region than {}: set storage.region",
            store.settings.region
        ),
        Some(501) if owner.is_some() => {
            format!(
                "{failure}: the store does not support bucket owners: unset storage.expected_bucket_owner"
            )
        }
        Some(400 | 401 | 403) if owner.is_some() => format!(
            "{failure}: check the credentials, the machine's time, storage.region, \
             storage.expected_bucket_owner, and that s3:ListBucket on {bucket} is allowed"
        ),
        Some(400 | 401 | 403) => format!(
            "{failure}: check the credentials, the machine's time, storage.region, and that \
             s3:ListBucket on {bucket} is allowed"
        ),
        _ => return Err(failure),
    };
    Ok(vec![finding])
}

/// Checks the requirements of the settings, and that an absent object is reported as such.
pub(super) async fn requirement_findings(store: &Store) -> Result<Vec<String>, RequestFailure> {
    let mut findings = Vec::new();
    findings.extend(owner_finding(store).await?);
    findings.extend(versioning_finding(store).await?);
    findings.extend(absence_finding(store).await?);
    Ok(findings)
}

/// Checks that the store refuses a wrong owner; one without that header accepts any.
async fn owner_finding(store: &Store) -> Result<Option<String>, RequestFailure> {
    let Some(owner) = store.settings.expected_bucket_owner.as_deref() else {
        return Ok(None);
    };
    let other = if owner == "000000000000" {
        "111111111111"
    } else {
        "000000000000"
    };
    match store.head_bucket(Some(other)).await {
        Ok(()) => Ok(Some(
            "the store does not check x-amz-expected-bucket-owner: unset storage.expected_bucket_owner".to_owned(),
        )),
        Err(failure) if matches!(failure.status(), Some(400..=499)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn versioning_finding(store: &Store) -> Result<Option<String>, RequestFailure> {
    if !store.settings.require_versioning {
        return Ok(None);
    }
    let bucket = store.bucket();
    let remedy = match store.versioning_is_enabled().await {
        Ok(true) => return Ok(None),
        Ok(false) => format!("bucket {bucket} has no versioning: enable it"),
        Err(failure) => match failure.status() {
            Some(501) => format!("{failure}: use a store that has versioning"),
            Some(400..=499) => format!("{failure}: allow s3:GetBucketVersioning on {bucket}"),
            _ => return Err(failure),
        },
    };
    Ok(Some(format!(
        "{remedy}, or unset storage.require_versioning"
    )))
}

/// Checks that an absent object is not reported as forbidden, which registration depends on.
async fn absence_finding(store: &Store) -> Result<Option<String>, RequestFailure> {
    let bucket = store.bucket();
    let key = format!("{PREFIX}absent");
    match store.head(&key).await {
        Ok(None) => Ok(None),
        Ok(Some(_)) => Ok(Some(format!(
            "unexpected object {key} in bucket {bucket}: delete it"
        ))),
        Err(failure) if failure.status() == Some(403) => Ok(Some(format!(
            "{failure} for an absent key: allow s3:ListBucket on {bucket}, and s3:GetObject on its objects"
        ))),
        Err(failure) => Err(failure),
    }
}
