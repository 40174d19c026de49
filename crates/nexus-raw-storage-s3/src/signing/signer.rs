use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
        SigningSettings, UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use nexus_raw::ports::SignedUrl;

use super::{Download, Lifetime, PartUpload, Upload, encryption_headers, owner_header};
use crate::{
    endpoint::{BucketUrl, push_parameter},
    settings::S3Settings,
};

/// A signer of uploads to one bucket and of downloads from it, byte for byte like the SDK's `presigned()`, but in a fifth of
/// its time and with credentials that the caller passes.
#[derive(Debug)]
pub(crate) struct Signer {
    bucket: BucketUrl,
    region: String,
    constant_headers: Vec<(String, String)>,
    owner_header: Option<(String, String)>,
}

/// A signed upload, ready to be sent.
#[derive(Debug)]
pub(crate) struct SignedUpload {
    pub(crate) url: SignedUrl,
    /// All signed headers but `host` and `content-length`.
    pub(crate) headers: Vec<(String, String)>,
}

/// The error of signing, without the signer's own error, which could name what it signed.
#[derive(Debug, thiserror::Error)]
#[error("request cannot be signed")]
pub(crate) struct SigningFailure;

impl Signer {
    pub(crate) fn new(bucket: BucketUrl, settings: &S3Settings) -> Self {
        Self {
            bucket,
            region: settings.region.clone(),
            constant_headers: encryption_headers(
                &settings.server_side_encryption,
                settings.expected_bucket_owner.as_deref(),
            ),
            owner_header: owner_header(settings.expected_bucket_owner.as_deref()),
        }
    }

    pub(crate) fn sign_upload(
        &self,
        upload: &Upload<'_>,
        lifetime: Lifetime,
        credentials: Credentials,
    ) -> Result<SignedUpload, SigningFailure> {
        let headers = upload.headers(&self.constant_headers);
        let url = self.bucket.object(upload.key, "PutObject");
        let length = upload.size_bytes.to_string();
        let signed = signed_headers(&headers, &length);
        let url = self.sign("PUT", &url, signed, lifetime, credentials)?;
        Ok(SignedUpload { url, headers })
    }

    pub(crate) fn sign_part(
        &self,
        upload: &PartUpload<'_>,
        lifetime: Lifetime,
        credentials: Credentials,
    ) -> Result<SignedUpload, SigningFailure> {
        let headers = upload.headers(self.owner_header.as_ref());
        let mut url = self.bucket.object(upload.key, "UploadPart");
        push_parameter(&mut url, "partNumber", &upload.part.number.to_string());
        push_parameter(&mut url, "uploadId", upload.upload_id.as_str());
        let length = upload.part.size_bytes.get().to_string();
        let url = self.sign(
            "PUT",
            &url,
            signed_headers(&headers, &length),
            lifetime,
            credentials,
        )?;
        Ok(SignedUpload { url, headers })
    }

    /// Signs a download, which needs no header. The expected owner of the bucket is not signed:
    /// it would be a header that no browser sends.
    pub(crate) fn sign_download(
        &self,
        download: &Download<'_>,
        lifetime: Lifetime,
        credentials: Credentials,
    ) -> Result<SignedUrl, SigningFailure> {
        let mut url = self.bucket.object(download.key, "GetObject");
        for (name, value) in download.parameters() {
            push_parameter(&mut url, name, value);
        }
        self.sign("GET", &url, [].into_iter(), lifetime, credentials)
    }

    fn sign<'h>(
        &self,
        method: &'h str,
        url: &'h str,
        headers: impl Iterator<Item = (&'h str, &'h str)>,
        lifetime: Lifetime,
        credentials: Credentials,
    ) -> Result<SignedUrl, SigningFailure> {
        let request = SignableRequest::new(method, url, headers, SignableBody::UnsignedPayload)
            .map_err(|_| SigningFailure)?;
        let identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("s3")
            .time(lifetime.signed_at())
            .settings(settings(lifetime))
            .build()
            .map_err(|_| SigningFailure)?
            .into();
        let (instructions, _) = sign(request, &params)
            .map_err(|_| SigningFailure)?
            .into_parts();
        let mut signed = url.to_owned();
        for (name, value) in instructions.params() {
            push_parameter(&mut signed, name, value);
        }
        Ok(SignedUrl::new(signed))
    }
}

/// Returns all signed headers but `host`.
fn signed_headers<'h>(
    headers: &'h [(String, String)],
    length: &'h str,
) -> impl Iterator<Item = (&'h str, &'h str)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain([("content-length", length)])
}

/// Returns S3's variant of the signature: an unchanged path, and an unsigned body, which the
/// checksum header of an upload covers.
fn settings(lifetime: Lifetime) -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(lifetime.duration());
    settings
}
