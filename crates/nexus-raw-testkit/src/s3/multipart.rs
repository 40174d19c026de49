//! Uploads in parts, on the wire.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};

use super::{Answer, Endpoint, Presign, base64_sha256};

/// An upload in parts with composite SHA-256 checksums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultipartClient {
    /// The store.
    pub endpoint: Endpoint,
    /// The path on the wire, percent-encoded, with the bucket.
    pub path: String,
    /// The id, as the store returned it.
    pub upload_id: String,
}

/// A part as a completion names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartName {
    /// The part number.
    pub number: u32,
    /// The tag, with its quotes.
    pub etag: String,
    /// The SHA-256 in base64; omitted if empty.
    pub sha256: String,
}

impl MultipartClient {
    /// Begins an upload.
    ///
    /// # Panics
    /// If the store refuses.
    #[must_use]
    pub fn begin(endpoint: &Endpoint, path: &str, headers: &[(&str, &str)]) -> Self {
        let checksum = [
            ("x-amz-checksum-algorithm", "SHA256"),
            ("x-amz-checksum-type", "COMPOSITE"),
        ];
        let headers = [&checksum, headers].concat();
        let begun = endpoint.signed("POST", &format!("{path}?uploads"), &headers, b"");
        assert_eq!(begun.error(), (200, String::new()), "{path}");
        let upload_id = begun.texts("UploadId").concat();
        assert!(!upload_id.is_empty(), "{path} has no upload id");
        Self {
            endpoint: endpoint.clone(),
            path: path.to_owned(),
            upload_id,
        }
    }

    /// Returns the target of an operation on the upload.
    #[must_use]
    pub fn target(&self) -> String {
        format!("{}?uploadId={}", self.path, self.upload_id)
    }

    /// Returns the target of a part.
    #[must_use]
    pub fn part_target(&self, number: u32) -> String {
        let id = &self.upload_id;
        format!("{}?partNumber={number}&uploadId={id}", self.path)
    }

    /// Returns the target of a presigned URL for a part with these signed headers.
    #[must_use]
    pub fn presign(&self, number: u32, headers: &[(String, String)]) -> String {
        let number = number.to_string();
        self.endpoint.signer().presign(&Presign {
            method: "PUT",
            path: &self.path,
            query: &[("partNumber", &number), ("uploadId", &self.upload_id)],
            headers,
            expires: 600,
        })
    }

    /// Uploads a part with its checksum, signed in the header.
    #[must_use]
    pub fn put(&self, number: u32, content: &[u8]) -> Answer {
        let checksum = base64_sha256(content);
        let headers = [("x-amz-checksum-sha256", &*checksum)];
        self.endpoint
            .signed("PUT", &self.part_target(number), &headers, content)
    }

    /// Uploads a part and returns how a completion names it.
    ///
    /// # Panics
    /// If the store refuses.
    #[must_use]
    pub fn place(&self, number: u32, content: &[u8]) -> PartName {
        let put = self.put(number, content);
        assert_eq!(put.error(), (200, String::new()), "part {number}");
        PartName {
            number,
            etag: put.header("etag").unwrap_or_default().to_owned(),
            sha256: base64_sha256(content),
        }
    }

    /// Lists parts; `query` is empty or begins with `&`.
    #[must_use]
    pub fn list(&self, query: &str) -> Answer {
        let target = self.target() + query;
        self.endpoint.signed("GET", &target, &[], b"")
    }

    /// Aborts the upload.
    #[must_use]
    pub fn abort(&self) -> Answer {
        self.endpoint.signed("DELETE", &self.target(), &[], b"")
    }

    /// Completes the upload.
    #[must_use]
    pub fn complete(&self, parts: &[PartName], headers: &[(&str, &str)]) -> Answer {
        let body = completion(parts);
        self.endpoint
            .signed("POST", &self.target(), headers, body.as_bytes())
    }
}

fn completion(parts: &[PartName]) -> String {
    let parts: Vec<_> = parts
        .iter()
        .map(|part| {
            let (number, etag) = (part.number, &part.etag);
            let sha256 = match &*part.sha256 {
                "" => String::new(),
                sha256 => format!("<ChecksumSHA256>{sha256}</ChecksumSHA256>"),
            };
            format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag>{sha256}</Part>")
        })
        .collect();
    format!(
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{}\
         </CompleteMultipartUpload>",
        parts.concat()
    )
}

/// Returns the composite checksum of parts, in the format of `x-amz-checksum-sha256`.
#[must_use]
pub fn composite_sha256(parts: &[&[u8]]) -> String {
    let digests: Vec<_> = parts
        .iter()
        .flat_map(|part| Sha256::digest(part).to_vec())
        .collect();
    let digest = BASE64_STANDARD.encode(Sha256::digest(digests));
    format!("{digest}-{}", parts.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value is from Python's `hashlib`.
    #[test]
    fn a_composite_checksum_is_that_of_the_digests() {
        assert_eq!(
            composite_sha256(&[b"a", b"b"]),
            "5aAf7hTg7VxIcU8iGA8lrYNltT+XefedxKPX6Tlj+Uo=-2"
        );
    }
}
