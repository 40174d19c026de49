use nexus_raw::{asset::Sha256Digest, ports::UploadTerms};

use crate::settings::ServerSideEncryption;

/// The content and metadata of one PUT.
#[derive(Debug, Clone)]
pub(crate) struct Upload<'a> {
    pub(crate) key: &'a str,
    pub(crate) size_bytes: u64,
    pub(crate) content_type: &'a str,
    pub(crate) sha256: Sha256Digest,
    /// The user metadata, names without `x-amz-meta-`.
    pub(crate) metadata: [(&'static str, String); 3],
}

impl<'a> Upload<'a> {
    pub(crate) fn of(terms: &UploadTerms<'a>) -> Self {
        let intent = terms.intent;
        Self {
            key: intent.address.key.as_str(),
            size_bytes: intent.facts.size_bytes.get(),
            content_type: intent.facts.content_type.as_str(),
            sha256: terms.sha256,
            metadata: intent.object_metadata(),
        }
    }

    /// Returns the headers that the client must send, in alphabetical order.
    pub(crate) fn headers(self, constant: &[(String, String)]) -> Vec<(String, String)> {
        let mut headers = Vec::with_capacity(3 + self.metadata.len() + constant.len());
        headers.extend([
            ("content-type".to_owned(), self.content_type.to_owned()),
            // S3 writes only if the key is unused (Amazon S3 User Guide, "Conditional writes")
            ("if-none-match".to_owned(), "*".to_owned()),
            ("x-amz-checksum-sha256".to_owned(), self.sha256.to_base64()),
        ]);
        headers.extend_from_slice(constant);
        let metadata = self.metadata.into_iter();
        headers.extend(metadata.map(|(name, value)| (["x-amz-meta-", name].concat(), value)));
        headers.sort_unstable();
        headers
    }
}

/// Returns the headers that are the same for all uploads to the bucket.
pub(crate) fn encryption_headers(
    encryption: &ServerSideEncryption,
    expected_bucket_owner: Option<&str>,
) -> Vec<(String, String)> {
    [
        ("x-amz-expected-bucket-owner", expected_bucket_owner),
        ("x-amz-server-side-encryption", encryption.algorithm()),
        (
            "x-amz-server-side-encryption-aws-kms-key-id",
            encryption.key_id(),
        ),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
    .collect()
}

/// Returns the header of the bucket's expected owner, if it is checked.
pub(crate) fn owner_header(expected_bucket_owner: Option<&str>) -> Option<(String, String)> {
    let owner = expected_bucket_owner?.to_owned();
    Some(("x-amz-expected-bucket-owner".to_owned(), owner))
}
