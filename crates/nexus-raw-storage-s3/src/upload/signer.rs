use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
        SigningSettings, UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use nexus_raw::ports::SignedUrl;

use super::{Lifetime, Upload, encryption_headers};
use crate::{
    endpoint::{BucketUrl, push_parameter},
    settings::S3Settings,
};

/// Signs uploads to one bucket, byte for byte as the SDK's `presigned()` does, in a fifth of its
/// time and with credentials that the caller names.
#[derive(Debug)]
pub(crate) struct UploadSigner {
    bucket: BucketUrl,
    region: String,
    constant_headers: Vec<(String, String)>,
}

/// An upload that may be sent as it stands.
#[derive(Debug)]
pub(crate) struct SignedUpload {
    pub(crate) url: SignedUrl,
    /// All signed headers but `host` and `content-length`.
    pub(crate) headers: Vec<(String, String)>,
}

/// The signer's own error could name what it was to sign.
#[derive(Debug, thiserror::Error)]
#[error("the upload cannot be signed")]
pub(crate) struct SigningFailure;

impl UploadSigner {
    pub(crate) fn new(bucket: BucketUrl, settings: &S3Settings) -> Self {
        Self {
            bucket,
            region: settings.region.clone(),
            constant_headers: encryption_headers(
                &settings.server_side_encryption,
                settings.expected_bucket_owner.as_deref(),
            ),
        }
    }

    pub(crate) fn sign(
        &self,
        upload: &Upload<'_>,
        lifetime: Lifetime,
        credentials: Credentials,
    ) -> Result<SignedUpload, SigningFailure> {
        let headers = upload.headers(&self.constant_headers);
        let mut url = self.bucket.put_object(upload.key);
        let length = upload.size_bytes.to_string();
        let signed = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain([("content-length", length.as_str())]);
        let request = SignableRequest::new("PUT", &url, signed, SignableBody::UnsignedPayload)
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
        for (name, value) in instructions.params() {
            push_parameter(&mut url, name, value);
        }
        Ok(SignedUpload {
            url: SignedUrl::new(url),
            headers,
        })
    }
}

/// S3's dialect of the signature: the path as it is, and the body left to the checksum header.
fn settings(lifetime: Lifetime) -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(lifetime.duration());
    settings
}
