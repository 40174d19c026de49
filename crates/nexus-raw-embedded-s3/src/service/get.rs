//! GET and HEAD of an object.

use std::io::{self, SeekFrom};
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, TryStreamExt as _, stream};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use s3s::dto::{
    ETag, ETagCondition, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput,
    StreamingBlob,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::{StoreService, bucket_name, errors, length, timestamp};
use crate::conditions;
use crate::misbehaviour::Misbehaviour;
use crate::store::{ObjectRecord, StoredObject};

/// The size of a read.
const CHUNK_BYTES: usize = 256 * 1024;

pub(super) async fn get(
    service: &StoreService,
    request: S3Request<GetObjectInput>,
) -> S3Result<S3Response<GetObjectOutput>> {
    let input = request.input;
    let conditions = (input.if_match.as_ref(), input.if_none_match.as_ref());
    let object = open(service, &input.bucket, input.key, conditions).await?;
    let bytes = match &input.range {
        Some(range) => range.check(object.content_bytes)?,
        None => 0..object.content_bytes,
    };
    let content_range = input
        .range
        .map(|_| content_range(&bytes, object.content_bytes));
    let mut headers = stored_headers(&object.record)?;
    // the checksum is of the whole object, so S3 omits it from a range
    if content_range.is_none() && wants_checksum(&request.headers)? {
        add_checksum(&mut headers, &object.record)?;
    }
    override_headers(&mut headers, &request.uri);
    let output = GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: Some(length(bytes.end - bytes.start)?),
        content_range,
        e_tag: Some(ETag::Strong(object.record.etag())),
        last_modified: Some(timestamp(object.record.modified_unix_ms)),
        body: Some(StreamingBlob::wrap(
            // the head was sent: the client sees a broken connection
            read(object.file, bytes).inspect_err(|error| errors::report(error)),
        )),
        ..Default::default()
    };
    Ok(S3Response::with_headers(output, headers))
}

pub(super) async fn head(
    service: &StoreService,
    request: S3Request<HeadObjectInput>,
) -> S3Result<S3Response<HeadObjectOutput>> {
    let input = request.input;
    let conditions = (input.if_match.as_ref(), input.if_none_match.as_ref());
    let object = open(service, &input.bucket, input.key, conditions).await?;
    let mut headers = stored_headers(&object.record)?;
    if wants_checksum(&request.headers)? {
        add_checksum(&mut headers, &object.record)?;
    }
    let output = HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: Some(length(object.content_bytes)?),
        e_tag: Some(ETag::Strong(object.record.etag())),
        last_modified: Some(timestamp(object.record.modified_unix_ms)),
        ..Default::default()
    };
    Ok(S3Response::with_headers(output, headers))
}

async fn open(
    service: &StoreService,
    bucket: &str,
    key: String,
    (if_match, if_none_match): (Option<&ETagCondition>, Option<&ETagCondition>),
) -> S3Result<StoredObject> {
    let bucket = bucket_name(bucket)?;
    let found = service
        .blocking(move |store| store.open_object(&bucket, &key))
        .await?;
    let Some(object) = found else {
        return Err(
            if service
                .misbehaviours
                .include(Misbehaviour::ForbidAbsentKeys)
            {
                s3_error!(AccessDenied, "Access Denied")
            } else {
                errors::no_such_key()
            },
        );
    };
    let etag = ETag::Strong(object.record.etag());
    conditions::check_read(&etag, if_match, if_none_match)?;
    Ok(object)
}

/// Returns the stored headers, bypassing `s3s`, which would change the spelling of some values.
fn stored_headers(record: &ObjectRecord) -> S3Result<HeaderMap> {
    record
        .headers
        .iter()
        .map(|(name, value)| header(name, value))
        .collect()
}

fn header(name: &str, value: &str) -> S3Result<(HeaderName, HeaderValue)> {
    let name = HeaderName::try_from(name).map_err(|error| errors::internal(&error))?;
    let value = HeaderValue::try_from(value).map_err(|error| errors::internal(&error))?;
    Ok((name, value))
}

fn wants_checksum(headers: &HeaderMap) -> S3Result<bool> {
    match headers.get("x-amz-checksum-mode") {
        None => Ok(false),
        Some(mode) if mode == "ENABLED" => Ok(true),
        Some(_) => Err(s3_error!(
            InvalidArgument,
            "The value of the header x-amz-checksum-mode must be ENABLED"
        )),
    }
}

fn add_checksum(headers: &mut HeaderMap, record: &ObjectRecord) -> S3Result<()> {
    if let Some(checksum) = &record.checksum {
        headers.extend([
            header(checksum.algorithm.header(), &checksum.value)?,
            header(
                "x-amz-checksum-type",
                record.part_count.map_or("FULL_OBJECT", |_| "COMPOSITE"),
            )?,
        ]);
    }
    Ok(())
}

/// Removes the headers that the query overrides, which `s3s` sets.
fn override_headers(headers: &mut HeaderMap, uri: &hyper::Uri) {
    for (parameter, _) in crate::auth::query_pairs(uri.query()) {
        if let Some(name) = parameter.strip_prefix("response-") {
            headers.remove(name);
        }
    }
}

fn content_range(bytes: &Range<u64>, content_bytes: u64) -> String {
    let last = bytes.end.saturating_sub(1);
    format!("bytes {}-{last}/{content_bytes}", bytes.start)
}

/// Reads a range, chunk by chunk.
fn read(
    file: std::fs::File,
    bytes: Range<u64>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + Sync + 'static {
    let start = (File::from_std(file), bytes, false);
    stream::try_unfold(start, |(mut file, mut bytes, is_placed)| async move {
        if bytes.is_empty() {
            return Ok(None);
        }
        if !is_placed {
            file.seek(SeekFrom::Start(bytes.start)).await?;
        }
        let wanted = bytes.end - bytes.start;
        let wanted = usize::try_from(wanted).map_or(CHUNK_BYTES, |wanted| wanted.min(CHUNK_BYTES));
        let mut chunk = BytesMut::zeroed(wanted);
        let got = file.read(&mut chunk).await?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        chunk.truncate(got);
        bytes.start += got as u64;
        Ok(Some((chunk.freeze(), (file, bytes, true))))
    })
}
