//! PUT of an object, published only after all bytes and digests.

use hyper::Uri;
use hyper::header::HeaderMap;
use hyper::http::Extensions;
use s3s::dto::{ETag, PutObjectInput, PutObjectOutput};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::stored_headers::{is_stream, stored_headers};
use super::upload::{incomplete, receive};
use super::{StoreService, bucket, bucket_name, errors};
use crate::auth::{is_presigned, query_pairs};
use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::clock;
use crate::digests::{Declared, Hashers};
use crate::misbehaviour::Misbehaviour;
use crate::request_body::RequestBody;
use crate::store::{IfTaken, ObjectRecord};
use crate::uploads::UploadSlot;

pub(super) async fn put(
    service: &StoreService,
    request: S3Request<PutObjectInput>,
) -> S3Result<S3Response<PutObjectOutput>> {
    let bucket = bucket_name(&request.input.bucket)?;
    let key = request.input.key;
    let if_taken = if_taken(service, &request.headers)?;
    let declared = Declared::parse(&request.headers)?;
    let headers = stored_headers(&request.headers)?;
    let declared_bytes = declared_bytes(&request.headers)?;
    bucket::require(service, bucket.clone()).await?;
    let _slot = slot(service, &request.uri, &request.extensions).await?;

    let body = request.input.body;
    let upload = receive(service, body, Hashers::new(declared.algorithm())).await?;
    if declared_bytes != Some(upload.staged.content_bytes()) {
        return Err(incomplete());
    }
    let computed = upload.digests.finish();
    let trailers = request.trailing_headers.and_then(|sent| sent.take());
    let checksum = if service.misbehaviours.include(Misbehaviour::IgnoreChecksums) {
        None
    } else if service.misbehaviours.include(Misbehaviour::EchoChecksums) {
        declared.claimed_checksum().cloned()
    } else {
        declared.verify(&computed, trailers.as_ref())?;
        Some(computed.checksum)
    };

    let record = ObjectRecord {
        bucket: bucket.as_str().to_owned(),
        key,
        modified_unix_ms: clock::unix_milliseconds(),
        md5: hex::encode(computed.md5),
        checksum: checksum.clone(),
        headers,
    };
    let etag = ETag::Strong(record.md5.clone());
    let staged = upload.staged;
    service
        .blocking(move |store| store.publish(staged, &bucket, &record, if_taken))
        .await?;
    Ok(S3Response::new(output(etag, checksum)))
}

/// Returns an upload slot for a presigned request. Requests with signed headers, whose clients have
/// the key, need none.
async fn slot(
    service: &StoreService,
    uri: &Uri,
    extensions: &Extensions,
) -> S3Result<Option<UploadSlot>> {
    match extensions.get::<RequestBody>() {
        Some(body) if is_presigned(&query_pairs(uri.query())) => {
            let place = service.uploads.enter(body).await;
            place.map(Some).ok_or_else(errors::slow_down)
        }
        _ => Ok(None),
    }
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
fn if_taken(service: &StoreService, headers: &HeaderMap) -> S3Result<IfTaken> {
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

/// Returns the length of the content, without the framing of a signed stream.
fn declared_bytes(headers: &HeaderMap) -> S3Result<Option<u64>> {
    let number = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.parse().ok())
    };
    let decoded = number("x-amz-decoded-content-length");
    match (is_stream(headers), decoded) {
        (true, Some(bytes)) => Ok(Some(bytes)),
        (false, None) => Ok(number("content-length")),
        _ => Err(s3_error!(
            InvalidRequest,
            "x-amz-decoded-content-length belongs to a streaming payload"
        )),
    }
}
