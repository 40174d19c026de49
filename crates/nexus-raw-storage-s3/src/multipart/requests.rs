//! The requests of an upload in parts but the parts themselves, which the client sends.

use std::collections::HashMap;

use aws_sdk_s3::{
    operation::list_parts::ListPartsOutput,
    types::{
        ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, Part,
        ServerSideEncryption as SdkEncryption,
    },
};
use nexus_raw::asset::{DeclaredPart, PartNumber, Sha256Digest, UploadId, UploadIntent};

use crate::{
    failure::{FailureKind, RequestFailure},
    store::Store,
};

/// The object of an upload that is begun.
#[derive(Debug, Clone)]
pub(crate) struct NewUpload<'a> {
    pub(crate) key: &'a str,
    pub(crate) content_type: &'a str,
    /// The user metadata, names without `x-amz-meta-`.
    pub(crate) metadata: [(&'static str, String); 3],
}

impl<'a> NewUpload<'a> {
    pub(crate) fn of(intent: &'a UploadIntent) -> Self {
        Self {
            key: intent.address.key.as_str(),
            content_type: intent.facts.content_type.as_str(),
            metadata: intent.object_metadata(),
        }
    }
}

/// A begun upload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UploadRef<'a> {
    pub(crate) key: &'a str,
    pub(crate) upload_id: &'a UploadId,
}

/// A part as the store lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedPart {
    pub(crate) number: PartNumber,
    pub(crate) size_bytes: u64,
    /// Without quotes.
    pub(crate) etag: String,
    /// Where the store lists it.
    pub(crate) sha256: Option<Sha256Digest>,
}

/// A page of a list of parts, ascending.
#[derive(Debug)]
pub(crate) struct ListedPage {
    pub(crate) parts: Vec<ListedPart>,
    pub(crate) is_last: bool,
}

/// What a completion is to name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Completion<'a> {
    /// The length of the whole.
    pub(crate) size_bytes: u64,
    /// All parts, each with its entity tag; ascending.
    pub(crate) parts: &'a [(DeclaredPart, String)],
}

impl Completion<'_> {
    /// The composite digest as S3 writes it, with the number of parts.
    fn composite(&self) -> String {
        let declared: Vec<_> = self.parts.iter().map(|(part, _)| *part).collect();
        let digest = DeclaredPart::composite_sha256(&declared);
        format!("{}-{}", digest.to_base64(), declared.len())
    }

    fn named_parts(&self) -> CompletedMultipartUpload {
        let parts = self.parts.iter().map(|(part, etag)| {
            CompletedPart::builder()
                .part_number(i32::from(part.number.get()))
                .e_tag(format!("\"{etag}\""))
                .checksum_sha256(part.sha256.to_base64())
                .build()
        });
        CompletedMultipartUpload::builder()
            .set_parts(Some(parts.collect()))
            .build()
    }
}

impl Store {
    /// Begins an upload with composite SHA-256 digests.
    pub(crate) async fn begin_upload(
        &self,
        upload: &NewUpload<'_>,
    ) -> Result<UploadId, RequestFailure> {
        const OPERATION: &str = "CreateMultipartUpload";
        let encryption = &self.settings.server_side_encryption;
        let metadata = upload.metadata.iter();
        let metadata: HashMap<_, _> = metadata
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let request = self
            .client
            .create_multipart_upload()
            .bucket(self.bucket().as_str())
            .key(upload.key)
            .content_type(upload.content_type)
            .set_metadata(Some(metadata))
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .checksum_type(ChecksumType::Composite)
            .set_server_side_encryption(encryption.algorithm().map(SdkEncryption::from))
            .set_ssekms_key_id(encryption.key_id().map(str::to_owned))
            .set_expected_bucket_owner(self.settings.expected_bucket_owner.clone());
        let begun = request
            .send()
            .await
            .map_err(|error| RequestFailure::sdk(OPERATION, &error))?;
        let id = UploadId::parse(begun.upload_id().unwrap_or_default());
        id.map_err(|_| {
            RequestFailure::new(OPERATION, FailureKind::Malformed("no usable upload id"))
        })
    }

    /// Lists parts with a number above `after`, one page.
    pub(super) async fn list_parts(
        &self,
        upload: UploadRef<'_>,
        after: u16,
        limit: u16,
    ) -> Result<ListedPage, RequestFailure> {
        let marker = (after > 0).then(|| after.to_string());
        let request = self
            .client
            .list_parts()
            .bucket(self.bucket().as_str())
            .key(upload.key)
            .upload_id(upload.upload_id.as_str())
            .set_part_number_marker(marker)
            .max_parts(i32::from(limit))
            .set_expected_bucket_owner(self.settings.expected_bucket_owner.clone());
        let page = request
            .send()
            .await
            .map_err(|error| RequestFailure::sdk("ListParts", &error))?;
        listed_page(&page, after)
    }

    /// Puts the parts together, unless the key is used. It takes as long as the store needs: S3
    /// sends white space until it is done.
    ///
    /// It is tried once: after an attempt without an answer, another could run beside it.
    pub(crate) async fn complete_upload(
        &self,
        upload: UploadRef<'_>,
        completion: Completion<'_>,
    ) -> Result<(), RequestFailure> {
        let request = self
            .patient_client
            .complete_multipart_upload()
            .bucket(self.bucket().as_str())
            .key(upload.key)
            .upload_id(upload.upload_id.as_str())
            .if_none_match("*")
            .set_mpu_object_size(i64::try_from(completion.size_bytes).ok())
            .checksum_type(ChecksumType::Composite)
            .checksum_sha256(completion.composite())
            .multipart_upload(completion.named_parts())
            .set_expected_bucket_owner(self.settings.expected_bucket_owner.clone());
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(RequestFailure::sdk("CompleteMultipartUpload", &error)),
        }
    }

    /// Drops all parts. An unknown upload is no error.
    pub(crate) async fn abort_upload(&self, upload: UploadRef<'_>) -> Result<(), RequestFailure> {
        let request = self
            .client
            .abort_multipart_upload()
            .bucket(self.bucket().as_str())
            .key(upload.key)
            .upload_id(upload.upload_id.as_str())
            .set_expected_bucket_owner(self.settings.expected_bucket_owner.clone());
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let failure = RequestFailure::sdk("AbortMultipartUpload", &error);
                if failure.is_unknown_upload() {
                    Ok(())
                } else {
                    Err(failure)
                }
            }
        }
    }
}

fn listed_page(page: &ListPartsOutput, after: u16) -> Result<ListedPage, RequestFailure> {
    let malformed = |what| RequestFailure::new("ListParts", FailureKind::Malformed(what));
    let parts = page.parts().iter().map(listed_part);
    let parts: Vec<_> = parts
        .collect::<Option<_>>()
        .ok_or_else(|| malformed("a part lacks its number, length or entity tag"))?;
    let mut last = after;
    for part in &parts {
        if part.number.get() <= last {
            return Err(malformed("parts are not in order"));
        }
        last = part.number.get();
    }
    let is_last = page.is_truncated() != Some(true);
    if parts.is_empty() && !is_last {
        return Err(malformed("a list that goes on has no part"));
    }
    Ok(ListedPage { parts, is_last })
}

fn listed_part(part: &Part) -> Option<ListedPart> {
    let etag = part.e_tag()?.trim_matches('"');
    let sha256 = part.checksum_sha256();
    Some(ListedPart {
        number: PartNumber::parse(u64::try_from(part.part_number()?).ok()?).ok()?,
        size_bytes: u64::try_from(part.size()?).ok()?,
        etag: (!etag.is_empty()).then(|| etag.to_owned())?,
        sha256: sha256.and_then(|digest| Sha256Digest::parse_base64(digest).ok()),
    })
}
