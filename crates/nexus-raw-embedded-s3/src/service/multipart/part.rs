//! PUT of a part, stored only after all bytes and digests.

use s3s::dto::{ETag, UploadPartInput, UploadPartOutput};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::{MAX_PARTS, open_upload};
use crate::checksum::ChecksumAlgorithm;
use crate::clock;
use crate::digests::Declared;
use crate::service::StoreService;
use crate::service::upload::{Received, receive};
use crate::store::{PartRecord, Store};

pub(in crate::service) async fn upload_part(
    service: &StoreService,
    mut request: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    let number = part_number(request.input.part_number)?;
    let declared = Declared::parse(&request.headers)?;
    let key = std::mem::take(&mut request.input.key);
    let (bucket, id) = (&request.input.bucket, &request.input.upload_id);
    let (bucket, upload) = open_upload(service, bucket, key, id).await?;
    // before the body is read
    let asked = upload.clone();
    service
        .blocking(move |store| store.read_upload(&asked))
        .await?;
    check_algorithm(&declared)?;

    let body = request.map_input(|input| input.body);
    let store_part = move |store: &Store, received: Received| {
        let record = PartRecord {
            number,
            modified_unix_ms: clock::unix_milliseconds(),
            md5: hex::encode(received.md5),
            checksum: received.checksum,
        };
        store.store_part(received.staged, &upload, &record)?;
        Ok(record)
    };
    let record = receive(service, bucket, declared, body, store_part).await?;
    Ok(S3Response::new(UploadPartOutput {
        e_tag: Some(ETag::Strong(record.md5)),
        checksum_sha256: record.checksum.map(|checksum| checksum.value),
        ..Default::default()
    }))
}

fn part_number(number: i32) -> S3Result<u16> {
    u16::try_from(number)
        .ok()
        .filter(|number| (1..=MAX_PARTS).contains(number))
        .ok_or_else(|| {
            s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and 10000, inclusive"
            )
        })
}

/// A part has a checksum of the algorithm of its upload.
fn check_algorithm(declared: &Declared) -> S3Result<()> {
    match declared.declared_algorithm() {
        Some(ChecksumAlgorithm::Sha256) => Ok(()),
        other => Err(s3_error!(
            InvalidRequest,
            "Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum \
             Type: {}",
            other.map_or("null", ChecksumAlgorithm::name)
        )),
    }
}
