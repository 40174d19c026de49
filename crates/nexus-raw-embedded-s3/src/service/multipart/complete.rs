//! The completion of an upload: its parts become one object.

use std::sync::Arc;

use hyper::header::{HOST, HeaderMap};
use s3s::dto::{ChecksumType, CompleteMultipartUploadInput, CompleteMultipartUploadOutput, ETag};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::named_parts::{self, Whole};
use super::open_upload;
use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::clock;
use crate::misbehaviour::Misbehaviour;
use crate::service::put::if_taken;
use crate::service::{StoreService, errors};
use crate::store::{BucketName, IfTaken, ObjectRecord, OpenUpload, StoreError};

pub(in crate::service) async fn complete(
    service: &StoreService,
    request: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let input = request.input;
    let if_taken = if_taken(service, &request.headers)?;
    let claimed = claimed_checksum(&request.headers)?;
    let named = named_parts::parse(input.multipart_upload)?;
    let (bucket, upload) =
        open_upload(service, &input.bucket, input.key.clone(), &input.upload_id).await?;

    let numbers: Vec<_> = named.iter().map(|part| part.number).collect();
    let asked = upload.clone();
    let read = service
        .blocking(move |store| {
            let record = store.read_upload(&asked)?;
            Ok::<_, StoreError>((record, store.read_parts(&asked, &numbers)?))
        })
        .await;
    let (begun, stored) = match read {
        Ok(read) => read,
        Err(error) => return Err(of_ended_upload(service, error, bucket, upload, if_taken).await),
    };
    let whole = named_parts::verify(&named, stored, service.min_part_bytes)?;
    check_size(service, &whole, input.mpu_object_size)?;
    check_checksum(&whole, claimed.as_deref())?;

    let record = ObjectRecord {
        bucket: begun.bucket,
        key: begun.key,
        modified_unix_ms: clock::unix_milliseconds(),
        md5: whole.md5.clone(),
        checksum: whole.checksum.clone(),
        headers: begun.headers,
        part_count: Some(whole.parts.len()),
    };
    let output = CompleteMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        location: Some(location(&request.headers, &request.uri)),
        e_tag: Some(ETag::Strong(record.etag())),
        checksum_type: (whole.checksum.as_ref())
            .map(|_| ChecksumType::from_static(ChecksumType::COMPOSITE)),
        checksum_sha256: whole.checksum.clone().map(|checksum| checksum.value),
        ..Default::default()
    };
    publish(service, whole, (bucket, upload), record, if_taken).await?;
    Ok(S3Response::new(output))
}

/// Makes the object. Once begun, this is not stopped by a client that goes away.
async fn publish(
    service: &StoreService,
    whole: Whole,
    (bucket, upload): (BucketName, OpenUpload),
    record: ObjectRecord,
    if_taken: IfTaken,
) -> S3Result<()> {
    let place = Arc::clone(&service.completions).acquire_owned().await;
    let place = place.map_err(|error| errors::internal(&error))?;
    let (target, ended) = (bucket.clone(), upload.clone());
    let published = service
        .blocking(move |store| {
            let _place = place;
            // without this, a refused completion would copy all parts first
            if if_taken == IfTaken::Refuse && store.open_object(&target, &record.key)?.is_some() {
                return Err(StoreError::ObjectExists);
            }
            let staged = store.assemble(&upload, &whole.parts)?;
            store.complete_upload(&upload, staged, &target, &record, if_taken)
        })
        .await;
    match published {
        Ok(()) => Ok(()),
        Err(error) => Err(of_ended_upload(service, error, bucket, ended, if_taken).await),
    }
}

/// Returns the error of a completion. If the upload has ended and the key is taken, a completion that
/// must not replace it gets 412, as a PUT does.
async fn of_ended_upload(
    service: &StoreService,
    error: s3s::S3Error,
    bucket: BucketName,
    upload: OpenUpload,
    if_taken: IfTaken,
) -> s3s::S3Error {
    if *error.code() != S3ErrorCode::NoSuchUpload || if_taken != IfTaken::Refuse {
        return error;
    }
    let found = service
        .blocking(move |store| store.open_object(&bucket, &upload.key))
        .await;
    match found {
        Ok(Some(_)) => errors::of_store(&StoreError::ObjectExists),
        Ok(None) => error,
        Err(other) => other,
    }
}

fn check_size(service: &StoreService, whole: &Whole, claimed: Option<i64>) -> S3Result<()> {
    let is_ignored = service
        .misbehaviours
        .include(Misbehaviour::IgnoreObjectSize);
    match claimed {
        Some(bytes) if !is_ignored && u64::try_from(bytes) != Ok(whole.content_bytes) => {
            Err(s3_error!(
                InvalidRequest,
                "The provided 'x-amz-mp-object-size' header value {bytes} does not match what was \
                 computed: {}",
                whole.content_bytes
            ))
        }
        _ => Ok(()),
    }
}

/// Returns the composite checksum that a completion claims.
fn claimed_checksum(headers: &HeaderMap) -> S3Result<Option<String>> {
    let invalid = |name: &str| s3_error!(InvalidRequest, "Value for {name} header is invalid.");
    match headers.get("x-amz-checksum-type") {
        Some(kind) if kind == "FULL_OBJECT" => {
            return Err(s3_error!(
                BadDigest,
                "The checksum type you specified is not the one of the upload."
            ));
        }
        Some(kind) if kind != "COMPOSITE" => return Err(invalid("x-amz-checksum-type")),
        _ => (),
    }
    let Some(value) = headers.get(ChecksumAlgorithm::Sha256.header()) else {
        return Ok(None);
    };
    let value = value.to_str().unwrap_or_default();
    let digest = value.split_once('-').and_then(|(digest, count)| {
        count.parse::<u16>().ok()?;
        Checksum::parse(ChecksumAlgorithm::Sha256, digest)
    });
    match digest {
        Some(_) => Ok(Some(value.to_owned())),
        None => Err(invalid(ChecksumAlgorithm::Sha256.header())),
    }
}

fn check_checksum(whole: &Whole, claimed: Option<&str>) -> S3Result<()> {
    let computed = whole.checksum.as_ref();
    match (claimed, computed) {
        (Some(claimed), Some(computed)) if claimed != computed.value => Err(s3_error!(
            BadDigest,
            "The sha256 you specified did not match the calculated checksum."
        )),
        _ => Ok(()),
    }
}

fn location(headers: &HeaderMap, uri: &hyper::Uri) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    format!("http://{}{}", host.unwrap_or_default(), uri.path())
}
