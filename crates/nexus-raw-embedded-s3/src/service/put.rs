//! PUT of an object: all bytes, all digests, and only then one step into place.

use bytes::Bytes;
use futures_util::StreamExt as _;
use hyper::header::HeaderMap;
use s3s::dto::{ETag, PutObjectInput, PutObjectOutput, StreamingBlob};
use s3s::{S3Error, S3Request, S3Response, S3Result, StdError, s3_error};

use super::{StoreService, bucket, bucket_name};
use crate::access::{is_metadata, is_stored};
use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::clock;
use crate::digests::{Declared, Running};
use crate::lies::Lie;
use crate::request_body::RequestBodyError;
use crate::store::{IfTaken, ObjectRecord, StagedObject, Store};

/// Chunks are handed to the disk in batches of at least this size.
const BATCH_BYTES: usize = 256 * 1024;

/// The limit on names and values of user metadata:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>.
const LARGEST_METADATA_BYTES: usize = 2048;

/// What S3 stores where a PUT has no `Content-Type`.
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

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

    let body = request.input.body;
    let upload = receive(service, body, Running::new(declared.algorithm())).await?;
    if declared_bytes != Some(upload.staged.content_bytes()) {
        return Err(incomplete());
    }
    let computed = upload.digests.finish();
    let trailers = request.trailing_headers.and_then(|sent| sent.take());
    let checksum = if service.lies.include(Lie::IgnoreChecksums) {
        None
    } else if service.lies.include(Lie::EchoChecksums) {
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

/// S3 knows no other `If-None-Match` of a PUT than `*`:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>.
fn if_taken(service: &StoreService, headers: &HeaderMap) -> S3Result<IfTaken> {
    match headers.get("if-none-match") {
        None => Ok(IfTaken::Replace),
        Some(_) if service.lies.include(Lie::IgnoreCreateOnce) => Ok(IfTaken::Replace),
        Some(value) if value == "*" => Ok(IfTaken::Refuse),
        Some(_) => Err(s3_error!(
            NotImplemented,
            "A header you provided implies functionality that is not implemented: if-none-match"
        )),
    }
}

/// The length of the content, without the framing of a signed stream.
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

fn is_stream(headers: &HeaderMap) -> bool {
    headers
        .get("x-amz-content-sha256")
        .is_some_and(|payload| payload.as_bytes().starts_with(b"STREAMING-"))
}

/// The headers to keep, byte for byte as they came.
fn stored_headers(headers: &HeaderMap) -> S3Result<Vec<(String, String)>> {
    let mut stored = Vec::new();
    let mut metadata_bytes = 0;
    for (name, value) in headers {
        let name = name.as_str();
        let is_metadata = is_metadata(name);
        if !is_metadata && !is_stored(name) {
            continue;
        }
        let Ok(value) = value.to_str() else {
            return Err(s3_error!(
                InvalidArgument,
                "The value of the header {name} is not ASCII"
            ));
        };
        if is_metadata {
            metadata_bytes += name.len() - "x-amz-meta-".len() + value.len();
        }
        match name {
            "content-encoding" => stored.extend(
                content_encoding(value, is_stream(headers)).map(|value| (name.to_owned(), value)),
            ),
            _ => stored.push((name.to_owned(), value.to_owned())),
        }
    }
    if metadata_bytes > LARGEST_METADATA_BYTES {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size"
        ));
    }
    if !headers.contains_key("content-type") {
        stored.push(("content-type".to_owned(), DEFAULT_CONTENT_TYPE.to_owned()));
    }
    stored.sort();
    Ok(stored)
}

/// The coding of the object, without the framing of the request.
fn content_encoding(value: &str, is_stream: bool) -> Option<String> {
    if !is_stream {
        return Some(value.to_owned());
    }
    let codings: Vec<_> = value
        .split(',')
        .map(str::trim)
        .filter(|coding| *coding != "aws-chunked")
        .collect();
    (!codings.is_empty()).then(|| codings.join(","))
}

/// An upload between two batches.
struct Upload {
    staged: StagedObject,
    digests: Running,
}

impl Upload {
    fn write(mut self, batch: &[Bytes]) -> Result<Self, crate::store::StoreError> {
        for bytes in batch {
            self.digests.update(bytes);
            self.staged.write(bytes)?;
        }
        Ok(self)
    }
}

async fn receive(
    service: &StoreService,
    body: Option<StreamingBlob>,
    digests: Running,
) -> S3Result<Upload> {
    let staged = service.blocking(Store::stage).await?;
    let mut upload = Upload { staged, digests };
    let Some(mut body) = body else {
        return Ok(upload);
    };
    let mut batch = Vec::new();
    let mut batch_bytes = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| of_body(&error))?;
        batch_bytes += chunk.len();
        batch.push(chunk);
        if batch_bytes >= BATCH_BYTES {
            let full = std::mem::take(&mut batch);
            batch_bytes = 0;
            upload = service.blocking(move |_| upload.write(&full)).await?;
        }
    }
    service.blocking(move |_| upload.write(&batch)).await
}

/// Why a body broke off. The errors of `s3s` are private types, so that their texts must do; a
/// test holds each of them.
fn of_body(error: &StdError) -> S3Error {
    let text = error.to_string();
    if text.contains("Sha256Mismatch") {
        let mut mismatch = s3_error!(
            InvalidRequest,
            "The provided 'x-amz-content-sha256' header does not match what was computed."
        );
        mismatch.set_code(s3s::S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()));
        mismatch.set_status_code(hyper::StatusCode::BAD_REQUEST);
        mismatch
    } else if text.contains("SignatureMismatch") {
        s3_error!(
            SignatureDoesNotMatch,
            "The request signature we calculated does not match the signature you provided. \
             Check your key and signing method."
        )
    } else if text.contains(&RequestBodyError::Silent.to_string()) {
        s3_error!(
            RequestTimeout,
            "Your socket connection to the server was not read from or written to within the \
             timeout period. Idle connections will be closed."
        )
    } else {
        incomplete()
    }
}

fn incomplete() -> S3Error {
    s3_error!(
        IncompleteBody,
        "You did not provide the number of bytes specified by the Content-Length HTTP header"
    )
}
