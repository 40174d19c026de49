//! DELETE of an object, permanently, since there are no versions.

use s3s::dto::{DeleteObjectInput, DeleteObjectOutput};
use s3s::{S3Request, S3Response, S3Result};

use super::{StoreService, bucket_name};

pub(super) async fn delete(
    service: &StoreService,
    request: S3Request<DeleteObjectInput>,
) -> S3Result<S3Response<DeleteObjectOutput>> {
    let bucket = bucket_name(&request.input.bucket)?;
    let key = request.input.key;
    service
        .blocking(move |store| store.delete_object(&bucket, &key))
        .await?;
    Ok(S3Response::new(DeleteObjectOutput::default()))
}
