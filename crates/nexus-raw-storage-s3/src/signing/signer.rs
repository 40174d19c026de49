use aws_credential_types::Credentials;
use nexus_raw::ports::SignedUrl;

use super::{
    Download, Lifetime, PartUpload, Upload,
    canonical::SigningFailure,
    day_key::LastDayKey,
    encryption_headers,
    header_request::{HeadRequest, SignedHead},
    owner_header,
    url_request::UrlRequest,
};
use crate::{endpoint::BucketUrl, settings::S3Settings};

/// A signer of uploads to one bucket and of downloads from it, byte for byte like the SDK's
/// `presigned()`, but in a fraction of its time and with credentials that the caller passes.
#[derive(Debug)]
pub(crate) struct Signer {
    bucket: BucketUrl,
    constant_headers: Vec<(String, String)>,
    owner_header: Option<(String, String)>,
    last_key: LastDayKey,
}

/// A signed upload, ready to be sent.
#[derive(Debug)]
pub(crate) struct SignedUpload {
    pub(crate) url: SignedUrl,
    /// All signed headers but `host` and `content-length`.
    pub(crate) headers: Vec<(String, String)>,
}

impl Signer {
    pub(crate) fn new(bucket: BucketUrl, settings: &S3Settings) -> Self {
        Self {
            bucket,
            constant_headers: encryption_headers(
                &settings.server_side_encryption,
                settings.expected_bucket_owner.as_deref(),
            ),
            owner_header: owner_header(settings.expected_bucket_owner.as_deref()),
            last_key: LastDayKey::in_region(&settings.region),
        }
    }

    pub(crate) fn sign_upload(
        &self,
        upload: Upload<'_>,
        lifetime: Lifetime,
        credentials: &Credentials,
    ) -> Result<SignedUpload, SigningFailure> {
        let (key, length) = (upload.key, upload.size_bytes.to_string());
        let headers = upload.headers(&self.constant_headers);
        let request = UrlRequest {
            method: "PUT",
            key,
            operation: "PutObject",
            parameters: &[],
            headers: &self.signed_headers(&headers, &length),
        };
        let url = self.sign(request, lifetime, credentials)?;
        Ok(SignedUpload { url, headers })
    }

    pub(crate) fn sign_part(
        &self,
        upload: &PartUpload<'_>,
        lifetime: Lifetime,
        credentials: &Credentials,
    ) -> Result<SignedUpload, SigningFailure> {
        let headers = upload.headers(self.owner_header.as_ref());
        let number = upload.part.number.to_string();
        let length = upload.part.size_bytes.get().to_string();
        let request = UrlRequest {
            method: "PUT",
            key: upload.key,
            operation: "UploadPart",
            parameters: &[
                ("partNumber", &number),
                ("uploadId", upload.upload_id.as_str()),
            ],
            headers: &self.signed_headers(&headers, &length),
        };
        let url = self.sign(request, lifetime, credentials)?;
        Ok(SignedUpload { url, headers })
    }

    /// Signs a download, which needs no header. The expected owner of the bucket is not signed:
    /// it would be a header that no browser sends.
    pub(crate) fn sign_download(
        &self,
        download: &Download<'_>,
        lifetime: Lifetime,
        credentials: &Credentials,
    ) -> Result<SignedUrl, SigningFailure> {
        let parameters: Vec<_> = download.parameters().collect();
        let request = UrlRequest {
            method: "GET",
            key: download.key,
            operation: "GetObject",
            parameters: &parameters,
            headers: &[("host", &self.bucket.host)],
        };
        self.sign(request, lifetime, credentials)
    }

    /// Signs the HEAD of an object at a time, in seconds since 1970.
    pub(crate) fn sign_head(
        &self,
        key: &str,
        at: u64,
        credentials: &Credentials,
    ) -> Result<SignedHead, SigningFailure> {
        let day_key = self.last_key.of(credentials, at);
        let request = HeadRequest {
            bucket: &self.bucket,
            key,
            owner: self.owner_header.as_ref().map(|(_, owner)| owner.as_str()),
            credentials,
            at,
        };
        request.signed(&day_key)
    }

    fn sign(
        &self,
        request: UrlRequest<'_>,
        lifetime: Lifetime,
        credentials: &Credentials,
    ) -> Result<SignedUrl, SigningFailure> {
        let at = lifetime.signed_at_seconds();
        let key = self.last_key.of(credentials, at);
        request.signed_url(&self.bucket, lifetime, &key)
    }

    /// Returns all signed headers of an upload, by name, as the others are.
    fn signed_headers<'h>(
        &'h self,
        headers: &'h [(String, String)],
        length: &'h str,
    ) -> Vec<(&'h str, &'h str)> {
        let (before, after) =
            headers.split_at(headers.partition_point(|(name, _)| name.as_str() < "host"));
        let borrowed = |(name, value): &'h (String, String)| (name.as_str(), value.as_str());
        let mut signed = Vec::with_capacity(headers.len() + 2);
        // no name of the others is before it
        signed.push(("content-length", length));
        signed.extend(before.iter().map(borrowed));
        signed.push(("host", &self.bucket.host));
        signed.extend(after.iter().map(borrowed));
        signed
    }
}
