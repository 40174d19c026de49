//! The parts of an upload.

use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, ETag, ListPartsInput, ListPartsOutput, Part, StorageClass,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::open_upload;
use crate::service::{StoreService, length, page, timestamp};
use crate::store::StoredPart;

pub(in crate::service) async fn list_parts(
    service: &StoreService,
    request: S3Request<ListPartsInput>,
) -> S3Result<S3Response<ListPartsOutput>> {
    let input = request.input;
    let (max_parts, limit) = page("max-parts", input.max_parts)?;
    let marker = input.part_number_marker.unwrap_or_default();
    // beyond the last possible part, nothing follows
    let after = u16::try_from(marker.min(u16::MAX.into())).map_err(|_| {
        s3_error!(
            InvalidArgument,
            "Argument part-number-marker must be an integer between 0 and 2147483647"
        )
    })?;
    let (_, upload) =
        open_upload(service, &input.bucket, input.key.clone(), &input.upload_id).await?;
    let (parts, is_truncated) = service
        .blocking(move |store| store.list_parts(&upload, after, limit))
        .await?;
    let next = parts.last().filter(|_| is_truncated);
    Ok(S3Response::new(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        part_number_marker: Some(marker),
        next_part_number_marker: next.map(|part| part.record.number.into()),
        max_parts: Some(max_parts),
        is_truncated: Some(is_truncated),
        parts: Some(parts.iter().map(part).collect::<S3Result<_>>()?),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        checksum_algorithm: Some(ChecksumAlgorithm::from_static(ChecksumAlgorithm::SHA256)),
        checksum_type: Some(ChecksumType::from_static(ChecksumType::COMPOSITE)),
        ..Default::default()
    }))
}

fn part(part: &StoredPart) -> S3Result<Part> {
    let record = &part.record;
    let checksum = record.checksum.as_ref();
    Ok(Part {
        part_number: Some(record.number.into()),
        last_modified: Some(timestamp(record.modified_unix_ms)),
        e_tag: Some(ETag::Strong(record.md5.clone())),
        size: Some(length(part.content_bytes)?),
        checksum_sha256: checksum.map(|checksum| checksum.value.clone()),
        ..Default::default()
    })
}
