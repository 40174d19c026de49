//! The open uploads of a bucket.

use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    MultipartUpload, StorageClass,
};
use s3s::{S3Request, S3Response, S3Result};

use crate::service::list::KeyEncoding;
use crate::service::{StoreService, bucket_name, page, timestamp};
use crate::store::OpenUpload;

pub(in crate::service) async fn list_uploads(
    service: &StoreService,
    request: S3Request<ListMultipartUploadsInput>,
) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    let input = request.input;
    let bucket = bucket_name(&input.bucket)?;
    let (max_uploads, limit) = page("max-uploads", input.max_uploads)?;
    let encoding = KeyEncoding::of(input.encoding_type)?;
    let prefix = input.prefix.clone().unwrap_or_default();
    // S3 ignores the marker of an id without that of a key
    let after = (input.key_marker.clone()).map(|key| (key, input.upload_id_marker.clone()));
    let (uploads, is_truncated) = service
        .blocking(move |store| {
            let after = after
                .as_ref()
                .map(|(key, id)| (key.as_str(), id.as_deref()));
            store.list_uploads(&bucket, &prefix, after, limit)
        })
        .await?;
    let encoded = |text: Option<String>| text.map(|it| encoding.encode(&it));
    let next = uploads.last().filter(|_| is_truncated);
    Ok(S3Response::new(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        prefix: encoded(input.prefix),
        key_marker: Some(encoded(input.key_marker).unwrap_or_default()),
        upload_id_marker: Some(input.upload_id_marker.unwrap_or_default()),
        next_key_marker: next.map(|(upload, _)| encoding.encode(&upload.key)),
        next_upload_id_marker: next.map(|(upload, _)| upload.id.as_str().to_owned()),
        max_uploads: Some(max_uploads),
        is_truncated: Some(is_truncated),
        encoding_type: encoding.named(),
        uploads: Some(uploads.into_iter().map(|it| upload(it, encoding)).collect()),
        ..Default::default()
    }))
}

fn upload(
    (upload, initiated_unix_ms): (OpenUpload, u64),
    encoding: KeyEncoding,
) -> MultipartUpload {
    MultipartUpload {
        key: Some(encoding.encode(&upload.key)),
        upload_id: Some(upload.id.as_str().to_owned()),
        initiated: Some(timestamp(initiated_unix_ms)),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        checksum_algorithm: Some(ChecksumAlgorithm::from_static(ChecksumAlgorithm::SHA256)),
        checksum_type: Some(ChecksumType::from_static(ChecksumType::COMPOSITE)),
        ..Default::default()
    }
}
