use aws_sdk_s3::{operation::head_object::HeadObjectOutput, types::ChecksumMode};
use nexus_raw::{
    asset::ContentType,
    ports::{InventoryError, ListedMultipart, StoredObject},
};

use super::refused;
use crate::{failure::RequestFailure, probe, stat::stored_object, store::Store};

/// Looks up the object at a key, or one version of it.
pub(super) async fn object(
    store: &Store,
    key: &str,
    version: Option<&str>,
) -> Result<Option<StoredObject>, InventoryError> {
    let head = match version {
        None => store
            .head(key)
            .await
            .map_err(|failure| refused(failure, "s3:GetObject"))?,
        Some(version) => of_version(store, key, version)
            .await
            .map_err(|failure| refused(failure, "s3:GetObjectVersion"))?,
    };
    let object = head.as_ref().map(stored_object).transpose();
    object.map_err(|failure| InventoryError::Unavailable(Box::new(failure)))
}

async fn of_version(
    store: &Store,
    key: &str,
    version: &str,
) -> Result<Option<HeadObjectOutput>, RequestFailure> {
    let request = store
        .client
        .head_object()
        .bucket(store.bucket().as_str())
        .key(key)
        .version_id(version)
        .checksum_mode(ChecksumMode::Enabled)
        .set_expected_bucket_owner(store.settings.expected_bucket_owner.clone());
    match request.send().await {
        Ok(head) => Ok(Some(head)),
        Err(error) => {
            let failure = RequestFailure::sdk("HeadObject", &error);
            match failure.status() {
                // 405: this version is a delete marker; 400 and 501: the store has no such versions
                Some(400 | 404 | 405 | 501) => Ok(None),
                _ => Err(failure),
            }
        }
    }
}

pub(super) async fn is_open(
    store: &Store,
    upload: &ListedMultipart,
) -> Result<bool, InventoryError> {
    let request = store
        .client
        .list_parts()
        .bucket(store.bucket().as_str())
        .key(&upload.key)
        .upload_id(&upload.upload_id)
        .max_parts(1)
        .set_expected_bucket_owner(store.settings.expected_bucket_owner.clone());
    match request.send().await {
        Ok(_) => Ok(true),
        Err(error) => {
            let failure = RequestFailure::sdk("ListParts", &error);
            if failure.is_unknown_upload() {
                Ok(false)
            } else {
                Err(refused(failure, "s3:ListMultipartUploadParts"))
            }
        }
    }
}

/// Reads it off the object that the probe of each start has written.
pub(super) async fn keeps_octet_stream(store: &Store) -> Result<bool, InventoryError> {
    let key = probe::octet_stream_key(&store.settings.server_side_encryption);
    let found = object(store, &key, None).await?;
    let kept = Some(ContentType::OCTET_STREAM);
    Ok(found.is_some_and(|found| found.content_type.as_deref() == kept))
}
