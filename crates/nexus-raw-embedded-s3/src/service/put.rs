//! PUT of an object, published only after all bytes and digests.

use hyper::header::HeaderMap;
use s3s::dto::{ETag, PutObjectInput, PutObjectOutput};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::stored_headers::stored_headers;
use super::upload::{Received, receive};
use super::{StoreService, bucket_name};
use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::clock;
use crate::digests::Declared;
use crate::misbehaviour::Misbehaviour;
use crate::store::{IfTaken, ObjectRecord, Store};

pub(super) async fn put(
    service: &StoreService,
    mut request: S3Request<PutObjectInput>,
) -> S3Result<S3Response<PutObjectOutput>> {
    let bucket = bucket_name(&request.input.bucket)?;
    let if_taken = if_taken(service, &request.headers)?;
    let declared = Declared::parse(&request.headers)?;
    let headers = stored_headers(&request.headers)?;
    let key = std::mem::take(&mut request.input.key);
    let body = request.map_input(|input| input.body);
    let of = bucket.clone();
    let publish = move |store: &Store, received: Received| {
        let record = ObjectRecord {
            bucket: bucket.as_str().to_owned(),
            key,
            modified_unix_ms: clock::unix_milliseconds(),
            md5: hex::encode(received.md5),
            checksum: received.checksum,
            headers,
            part_count: None,
        };
        store.publish(received.staged, &bucket, &record, if_taken)?;
        Ok((ETag::Strong(record.etag()), record.checksum))
    };
    let (etag, checksum) = receive(service, of, declared, body, publish).await?;
    Ok(S3Response::new(output(etag, checksum)))
}

fn output(etag: ETag, checksum: Option<Checksum>) -> PutObjectOutput {
    use ChecksumAlgorithm as Algorithm;
    let mut output = PutObjectOutput {
        e_tag: Some(etag),
        ..Default::default()
    };
    if let Some(Checksum { algorithm, value }) = checksum {
        output.checksum_type = Some(s3s::dto::ChecksumType::from_static("FULL_OBJECT"));
        match algorithm {
            Algorithm::Crc32 => output.checksum_crc32 = Some(value),
            Algorithm::Crc32c => output.checksum_crc32c = Some(value),
            Algorithm::Crc64nvme => output.checksum_crc64nvme = Some(value),
            Algorithm::Sha1 => output.checksum_sha1 = Some(value),
            Algorithm::Sha256 => output.checksum_sha256 = Some(value),
        }
    }
    output
}

/// S3 supports only `*` for `If-None-Match` of a PUT:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>.
pub(super) fn if_taken(service: &StoreService, headers: &HeaderMap) -> S3Result<IfTaken> {
    match headers.get("if-none-match") {
        None => Ok(IfTaken::Replace),
        Some(_)
            if service
                .misbehaviours
                .include(Misbehaviour::IgnoreCreateOnce) =>
        {
            Ok(IfTaken::Replace)
        }
        Some(value) if value == "*" => Ok(IfTaken::Refuse),
        Some(_) => Err(s3_error!(
            NotImplemented,
            "A header you provided implies functionality that is not implemented: if-none-match"
        )),
    }
}
