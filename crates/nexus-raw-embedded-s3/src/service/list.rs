//! The list of versions of a bucket without versions: each object is its only one, `null`.

use s3s::dto::{
    ETag, EncodingType, ListObjectVersionsInput, ListObjectVersionsOutput, ObjectVersion,
    ObjectVersionStorageClass,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::{StoreService, bucket_name, length, page, timestamp};
use crate::store::ListedObject;

/// The id of the version of an object that was never versioned:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html>.
const NULL_VERSION: &str = "null";

pub(super) async fn list_versions(
    service: &StoreService,
    request: S3Request<ListObjectVersionsInput>,
) -> S3Result<S3Response<ListObjectVersionsOutput>> {
    let input = request.input;
    let bucket = bucket_name(&input.bucket)?;
    let (max_keys, limit) = page("max-keys", input.max_keys)?;
    let encoding = KeyEncoding::of(input.encoding_type)?;
    if input.version_id_marker.is_some() && input.key_marker.is_none() {
        return Err(s3_error!(
            InvalidArgument,
            "A version-id marker cannot be specified without a key marker."
        ));
    }
    let prefix = input.prefix.clone().unwrap_or_default();
    let after = input.key_marker.clone();
    let (objects, is_truncated) = service
        .blocking(move |store| store.list_objects(&bucket, &prefix, after.as_deref(), limit))
        .await?;
    let next = objects.last().filter(|_| is_truncated);
    let encoded = |text: Option<String>| text.map(|it| encoding.encode(&it));
    Ok(S3Response::new(ListObjectVersionsOutput {
        name: Some(input.bucket),
        next_key_marker: next.map(|it| encoding.encode(&it.record.key)),
        next_version_id_marker: next.map(|_| NULL_VERSION.to_owned()),
        prefix: Some(encoded(input.prefix).unwrap_or_default()),
        key_marker: Some(encoded(input.key_marker).unwrap_or_default()),
        version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
        max_keys: Some(max_keys),
        is_truncated: Some(is_truncated),
        encoding_type: encoding.named(),
        versions: Some(
            objects
                .into_iter()
                .map(|it| version(it, encoding))
                .collect::<S3Result<_>>()?,
        ),
        ..Default::default()
    }))
}

fn version(object: ListedObject, encoding: KeyEncoding) -> S3Result<ObjectVersion> {
    let record = object.record;
    let standard = ObjectVersionStorageClass::STANDARD;
    Ok(ObjectVersion {
        e_tag: Some(ETag::Strong(record.etag())),
        is_latest: Some(true),
        key: Some(encoding.encode(&record.key)),
        last_modified: Some(timestamp(record.modified_unix_ms)),
        size: Some(length(object.content_bytes)?),
        storage_class: Some(ObjectVersionStorageClass::from_static(standard)),
        version_id: Some(NULL_VERSION.to_owned()),
        ..Default::default()
    })
}

/// How a list has its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyEncoding {
    Plain,
    Url,
}

impl KeyEncoding {
    pub(super) fn of(requested: Option<EncodingType>) -> S3Result<Self> {
        match requested {
            None => Ok(Self::Plain),
            Some(encoding) if encoding.as_str() == EncodingType::URL => Ok(Self::Url),
            Some(_) => Err(s3_error!(
                InvalidArgument,
                "Invalid Encoding Method specified in Request"
            )),
        }
    }

    /// Returns what the list says of its keys.
    pub(super) fn named(self) -> Option<EncodingType> {
        (self == Self::Url).then(|| EncodingType::from_static(EncodingType::URL))
    }

    /// Encodes as a form does, but for slashes.
    pub(super) fn encode(self, key: &str) -> String {
        match self {
            Self::Plain => key.to_owned(),
            Self::Url => key
                .bytes()
                .map(|byte| match byte {
                    b' ' => "+".to_owned(),
                    b'/' | b'-' | b'.' | b'_' | b'*' => char::from(byte).to_string(),
                    _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
                    _ => format!("%{byte:02X}"),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded_as_in_a_form_if_requested() {
        let url = KeyEncoding::of(Some(EncodingType::from("url".to_owned()))).unwrap();
        assert_eq!(url.encode("a b+c/\u{fc}\u{1}"), "a+b%2Bc/%C3%BC%01");
        assert_eq!(KeyEncoding::of(None).unwrap().encode("a b+c"), "a b+c");
        assert!(KeyEncoding::of(Some(EncodingType::from("xml".to_owned()))).is_err());
    }
}
