//! Uploads in parts, with the composite SHA-256 of
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>.

mod complete;
mod create;
mod list_parts;
mod list_uploads;
mod named_parts;
mod part;

pub(super) use complete::complete;
pub(super) use create::create;
pub(super) use list_parts::list_parts;
pub(super) use list_uploads::list_uploads;
pub(super) use part::upload_part;

use s3s::dto::{AbortMultipartUploadInput, AbortMultipartUploadOutput};
use s3s::{S3Request, S3Response, S3Result};

use super::{StoreService, bucket, bucket_name, errors};
use crate::store::{BucketName, OpenUpload, StoreError, UploadId};

/// The maximum number of parts.
const MAX_PARTS: u16 = 10_000;

pub(super) async fn abort(
    service: &StoreService,
    request: S3Request<AbortMultipartUploadInput>,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    let input = request.input;
    let (_, upload) = open_upload(service, &input.bucket, input.key, &input.upload_id).await?;
    service
        .blocking(move |store| store.abort_upload(&upload))
        .await?;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}

/// Returns the upload that a request names, which may not be open. Its bucket exists.
async fn open_upload(
    service: &StoreService,
    bucket: &str,
    key: String,
    id: &str,
) -> S3Result<(BucketName, OpenUpload)> {
    let bucket = bucket_name(bucket)?;
    bucket::require(service, bucket.clone()).await?;
    let id = UploadId::parse(id).ok_or_else(|| errors::of_store(&StoreError::NoSuchUpload))?;
    let upload = OpenUpload {
        bucket: bucket.as_str().to_owned(),
        key,
        id,
    };
    Ok((bucket, upload))
}
