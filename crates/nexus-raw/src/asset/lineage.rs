use std::sync::Arc;

use iri_string::types::UriStr;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::AssetId;
use crate::text::validated_text;

/// Where an asset came from: the assets it was made of, the place it was taken from, the
/// activity that made it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lineage {
    /// Registered assets of the same tenant and environment, in the caller's order.
    pub derived_from: DerivedFrom,
    /// Where the content was before.
    pub source_uri: Option<SourceUri>,
    /// What made the asset, in the caller's words.
    pub activity: Option<Activity>,
}

/// Up to 64 distinct parents of an asset, in the caller's order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DerivedFrom(Vec<AssetId>);

/// Why a list is no [`DerivedFrom`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DerivedFromError {
    /// More than 64 parents.
    #[error("must have at most 64 members")]
    TooMany,
    /// The same parent twice; the position is that of the repeat.
    #[error("repeats an earlier member")]
    Repeated(usize),
}

impl DerivedFrom {
    /// How many parents an asset may have.
    pub const MAX: usize = 64;

    /// Takes the parents.
    ///
    /// # Errors
    /// When there are more than 64, or one twice.
    pub fn parse(parents: Vec<AssetId>) -> Result<Self, DerivedFromError> {
        if parents.len() > Self::MAX {
            return Err(DerivedFromError::TooMany);
        }
        match (1..parents.len()).find(|&at| parents[..at].contains(&parents[at])) {
            Some(at) => Err(DerivedFromError::Repeated(at)),
            None => Ok(Self(parents)),
        }
    }

    /// The parents, in the caller's order.
    #[must_use]
    pub fn as_slice(&self) -> &[AssetId] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for DerivedFrom {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(Vec::deserialize(from)?).map_err(de::Error::custom)
    }
}

/// A URI with a scheme (RFC 3986), up to 2048 bytes, kept byte for byte, that is no secret.
///
/// It goes into records and events, which many read: one that carries a password or the signature
/// of a presigned URL would hand its rights to all of them, and is refused.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceUri(Arc<str>);

/// Why a text is no [`SourceUri`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SourceUriError {
    /// Empty, or longer than 2048 bytes.
    #[error("must have 1 to 2048 bytes")]
    Length,
    /// Not a URI by RFC 3986, or a relative one.
    #[error("must be a URI with a scheme, by RFC 3986")]
    Grammar,
    /// Carries a password or a signature.
    #[error("must not carry a password or a signature: records and events are read by many")]
    Secret,
}

impl SourceUri {
    fn check(text: &str) -> Result<(), SourceUriError> {
        if !(1..=2048).contains(&text.len()) {
            return Err(SourceUriError::Length);
        }
        let uri = UriStr::new(text).map_err(|_| SourceUriError::Grammar)?;
        let password = uri
            .authority_components()
            .and_then(|it| it.userinfo())
            .is_some_and(|it| it.contains(':'));
        let signature = uri
            .query_str()
            .is_some_and(|query| query.split('&').any(is_signature));
        if password || signature {
            Err(SourceUriError::Secret)
        } else {
            Ok(())
        }
    }
}

/// Whether a query parameter is what makes a presigned URL of AWS, Google Cloud or Azure one.
fn is_signature(parameter: &str) -> bool {
    const NAMES: [&str; 5] = [
        "x-amz-signature",
        "x-amz-security-token",
        "x-goog-signature",
        "signature",
        "sig",
    ];
    let name = parameter.split('=').next().unwrap_or_default();
    NAMES.iter().any(|secret| secret.eq_ignore_ascii_case(name))
}

validated_text!(SourceUri, SourceUriError);

/// The activity that made an asset, in the caller's words: up to 128 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Activity(Arc<str>);

/// Why a text is no [`Activity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have at most 128 bytes of UTF-8 and no U+0000")]
pub struct ActivityError;

impl Activity {
    fn check(text: &str) -> Result<(), ActivityError> {
        if text.len() <= 128 && !text.contains('\0') {
            Ok(())
        } else {
            Err(ActivityError)
        }
    }
}

validated_text!(Activity, ActivityError);

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(n: u128) -> AssetId {
        AssetId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn parents_are_at_most_sixty_four_and_distinct() {
        assert!(DerivedFrom::parse((0..64).map(id).collect()).is_ok());
        assert_eq!(
            DerivedFrom::parse((0..65).map(id).collect()),
            Err(DerivedFromError::TooMany)
        );
        assert_eq!(
            DerivedFrom::parse(vec![id(1), id(2), id(1)]),
            Err(DerivedFromError::Repeated(2))
        );
    }

    #[test]
    fn a_source_is_an_absolute_uri_kept_byte_for_byte() {
        for good in [
            "https://a.example/b%20c?d=e#f",
            "s3://bucket/key",
            "urn:isbn:0451450523",
            "file:///a/b",
            "HTTPS://user@h/",
        ] {
            assert_eq!(
                SourceUri::parse(good).map(|it| it.to_string()),
                Ok(good.to_owned())
            );
        }
        let long = format!("https://a.example/{}", "b".repeat(2048));
        for (bad, reason) in [
            ("", SourceUriError::Length),
            (long.as_str(), SourceUriError::Length),
            ("a/b", SourceUriError::Grammar),
            ("//host/path", SourceUriError::Grammar),
            ("https://a.example/b c", SourceUriError::Grammar),
            ("https://a.example/\u{e9}", SourceUriError::Grammar),
            ("https://a.example/\u{0}", SourceUriError::Grammar),
            ("https://a.example/%zz", SourceUriError::Grammar),
        ] {
            assert_eq!(SourceUri::parse(bad), Err(reason), "{bad:?}");
        }
    }

    #[test]
    fn a_source_that_carries_a_secret_is_refused() {
        for bad in [
            "https://user:password@a.example/",
            "https://b.example/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00",
            "https://b.example/k?a=b&x-amz-security-token=00",
            "https://c.example/k?sv=2024&sig=abc",
        ] {
            assert_eq!(
                SourceUri::parse(bad),
                Err(SourceUriError::Secret),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn an_activity_has_at_most_128_bytes() {
        assert!(Activity::parse("").is_ok());
        assert!(Activity::parse(&"a".repeat(128)).is_ok());
        assert_eq!(Activity::parse(&"a".repeat(129)), Err(ActivityError));
        assert_eq!(Activity::parse("a\0"), Err(ActivityError));
    }
}
