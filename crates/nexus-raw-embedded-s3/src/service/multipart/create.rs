//! The begin of an upload in parts.

use hyper::header::HeaderMap;
use s3s::dto::{
    ChecksumAlgorithm, ChecksumType, CreateMultipartUploadInput, CreateMultipartUploadOutput,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use crate::checksum::ChecksumAlgorithm as Algorithm;
use crate::clock;
use crate::service::stored_headers::stored_headers;
use crate::service::{StoreService, bucket_name};
use crate::store::MultipartRecord;

pub(in crate::service) async fn create(
    service: &StoreService,
    request: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    let bucket = bucket_name(&request.input.bucket)?;
    check_checksum(&request.headers)?;
    let record = MultipartRecord {
        bucket: bucket.as_str().to_owned(),
        key: request.input.key,
        initiated_unix_ms: clock::unix_milliseconds(),
        headers: stored_headers(&request.headers)?,
    };
    let output = CreateMultipartUploadOutput {
        bucket: Some(record.bucket.clone()),
        key: Some(record.key.clone()),
        checksum_algorithm: Some(ChecksumAlgorithm::from_static(ChecksumAlgorithm::SHA256)),
        checksum_type: Some(ChecksumType::from_static(ChecksumType::COMPOSITE)),
        ..Default::default()
    };
    let id = service
        .blocking(move |store| store.begin_upload(&bucket, &record))
        .await?;
    Ok(S3Response::new(CreateMultipartUploadOutput {
        upload_id: Some(id.as_str().to_owned()),
        ..output
    }))
}

/// Checks that the checksum is the composite SHA-256, the only one that is implemented.
fn check_checksum(headers: &HeaderMap) -> S3Result<()> {
    let value = |name| headers.get(name).map(hyper::header::HeaderValue::as_bytes);
    let algorithm = match value("x-amz-checksum-algorithm") {
        None => None,
        Some(name) => Some(Algorithm::of_name(name).ok_or_else(|| {
            s3_error!(
                InvalidRequest,
                "Checksum algorithm provided is unsupported. Please try again with any of the valid \
                 types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"
            )
        })?),
    };
    match (algorithm, value("x-amz-checksum-type")) {
        (_, Some(kind)) if ![b"COMPOSITE".as_slice(), b"FULL_OBJECT"].contains(&kind) => {
            Err(s3_error!(
                InvalidRequest,
                "Value for x-amz-checksum-type header is invalid."
            ))
        }
        (None, Some(_)) => Err(s3_error!(
            InvalidRequest,
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm \
             header."
        )),
        (Some(algorithm @ (Algorithm::Sha1 | Algorithm::Sha256)), Some(b"FULL_OBJECT")) => {
            Err(other_type("FULL_OBJECT", algorithm))
        }
        (Some(algorithm @ Algorithm::Crc64nvme), Some(b"COMPOSITE")) => {
            Err(other_type("COMPOSITE", algorithm))
        }
        (Some(Algorithm::Sha256), _) => Ok(()),
        _ => Err(s3_error!(
            NotImplemented,
            "Of multipart uploads only those with x-amz-checksum-algorithm SHA256 are implemented"
        )),
    }
}

fn other_type(kind: &str, algorithm: Algorithm) -> S3Error {
    s3_error!(
        InvalidRequest,
        "The {kind} checksum type cannot be used with the {} checksum algorithm.",
        algorithm.name().to_lowercase()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header_pairs::headers;
    use s3s::S3ErrorCode;

    #[test]
    fn only_the_composite_sha256_is_there() {
        let check = |algorithm: &str, kind: &str| {
            let pairs = [
                ("x-amz-checksum-algorithm", algorithm),
                ("x-amz-checksum-type", kind),
            ];
            let given: Vec<_> = pairs.into_iter().filter(|(_, it)| !it.is_empty()).collect();
            check_checksum(&headers(&given)).map_err(|error| error.code().clone())
        };
        assert_eq!(check("SHA256", ""), Ok(()));
        assert_eq!(check("SHA256", "COMPOSITE"), Ok(()));
        for (algorithm, kind) in [
            ("SHA256", "FULL_OBJECT"),
            ("SHA256", "other"),
            ("SHA1", "FULL_OBJECT"),
            ("CRC64NVME", "COMPOSITE"),
            ("CRC32", "other"),
            ("", "COMPOSITE"),
            ("MD4", ""),
        ] {
            let refused = Err(S3ErrorCode::InvalidRequest);
            assert_eq!(check(algorithm, kind), refused, "{algorithm} {kind}");
        }
        for (algorithm, kind) in [
            ("", ""),
            ("CRC32", ""),
            ("CRC32", "FULL_OBJECT"),
            ("CRC64NVME", "FULL_OBJECT"),
            ("SHA1", "COMPOSITE"),
        ] {
            let absent = Err(S3ErrorCode::NotImplemented);
            assert_eq!(check(algorithm, kind), absent, "{algorithm} {kind}");
        }
    }
}
