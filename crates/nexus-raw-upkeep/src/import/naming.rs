//! What an object of the source is called here.

use std::path::Path;

use nexus_raw::asset::{
    BucketName, ContentType, Filename, FilenameError, SourceUri, SourceUriError,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use unicode_normalization::UnicodeNormalization as _;

/// All but the unreserved characters of RFC 3986, section 2.3, and `/`.
const IN_A_PATH: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// What stores and tools write where nobody has stated a type.
const UNSTATED: [&str; 2] = ["application/octet-stream", "binary/octet-stream"];

/// Returns the name of the asset: the last segment of the key, composed, since a decomposed name of a Mac
/// is the same name.
pub(super) fn filename(key: &str) -> Result<Filename, FilenameError> {
    let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
    Filename::parse(&name.nfc().collect::<String>())
}

/// Returns `s3://BUCKET/KEY`, the key percent-encoded. A key may be the end of a signed URL, as some
/// tools name what they download: it is refused as such a URL is.
pub(super) fn source_uri(bucket: &BucketName, key: &str) -> Result<SourceUri, SourceUriError> {
    let uri = |key: &str| {
        let path = utf8_percent_encode(key, &IN_A_PATH);
        SourceUri::parse(&format!("s3://{bucket}/{path}"))
    };
    let named = uri(key)?;
    match uri(&key.replace(['?', '#'], "&")) {
        Err(SourceUriError::Secret) => Err(SourceUriError::Secret),
        _ => Ok(named),
    }
}

/// Returns the media type of the source, if it states one, else that of the name.
pub(super) fn content_type(stated: Option<&str>, filename: &Filename) -> ContentType {
    let stated = stated.filter(|it| !UNSTATED.contains(it));
    let stated = stated.and_then(|it| ContentType::parse(it).ok());
    stated.unwrap_or_else(|| {
        let ending = Path::new(filename.as_str()).extension();
        let ending = ending.and_then(|it| it.to_str()).unwrap_or_default();
        let by_name = mime_guess::from_ext(ending).first_raw();
        let by_name = by_name.and_then(|it| ContentType::parse(it).ok());
        by_name.unwrap_or_else(ContentType::octet_stream)
    })
}

/// Whether bytes with this content coding are those of the media type.
pub(super) fn is_plain(content_encoding: Option<&str>) -> bool {
    // some clients leave the framing of their upload in it
    let is_none = |it: &str| matches!(it.trim(), "" | "identity" | "aws-chunked");
    content_encoding.is_none_or(|it| it.split(',').all(is_none))
}

#[cfg(test)]
mod tests {
    use nexus_raw_testkit::sample;

    use super::*;

    #[test]
    fn the_last_segment_of_a_key_is_the_name() {
        for (key, name) in [
            ("a.jpg", Some("a.jpg")),
            ("2024/01/b c.jpg", Some("b c.jpg")),
            ("2024/01/", None),
            (
                "Cafe\u{301}/e\u{301}te\u{301}.pdf",
                Some("\u{e9}t\u{e9}.pdf"),
            ),
            ("2024/..", None),
            ("a\u{202e}gpj.exe", None),
        ] {
            let found = filename(key).ok();
            assert_eq!(found.as_ref().map(Filename::as_str), name, "{key:?}");
        }
    }

    #[test]
    fn the_source_is_a_uri_of_the_key() {
        let uri = |key: &str| source_uri(&sample::bucket(), key).map(|it| it.to_string());
        for (key, path) in [
            ("a/b.jpg", "a/b.jpg"),
            ("a b/\u{fc}%.jpg", "a%20b/%C3%BC%25.jpg"),
            ("a?b#c", "a%3Fb%23c"),
        ] {
            assert_eq!(uri(key), Ok(format!("s3://nexus-raw-test/{path}")));
        }
        for key in [
            "a.jpg?X-Amz-Signature=0123",
            "a.jpg?X-Amz-Date=1&X-Amz-Signature=0123",
            "a.jpg#token=0123",
            "a&sig=0123/b.jpg",
        ] {
            assert_eq!(uri(key), Err(SourceUriError::Secret), "{key}");
        }
        assert_eq!(uri(&"\u{fc}".repeat(400)), Err(SourceUriError::Length));
    }

    #[test]
    fn the_type_is_what_the_source_states_or_else_that_of_the_name() {
        let named = |name: &str| Filename::parse(name).unwrap();
        for (stated, name, expected) in [
            (Some("image/png"), "a.jpg", "image/png"),
            (Some("binary/octet-stream"), "a.jpg", "image/jpeg"),
            (Some("application/octet-stream"), "a.JPG", "image/jpeg"),
            (Some("not a type"), "a.jpg", "image/jpeg"),
            (None, "a.jpg", "image/jpeg"),
            (None, "a", "application/octet-stream"),
        ] {
            let found = content_type(stated, &named(name));
            assert_eq!(found.as_str(), expected, "{stated:?} {name}");
        }
    }

    #[test]
    fn encoded_bytes_are_not_those_of_the_type() {
        for coding in [None, Some(""), Some("identity"), Some("aws-chunked")] {
            assert!(is_plain(coding), "{coding:?}");
        }
        for coding in ["gzip", "br", "aws-chunked,gzip"] {
            assert!(!is_plain(Some(coding)), "{coding}");
        }
    }
}
