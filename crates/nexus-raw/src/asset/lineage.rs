use std::{borrow::Cow, sync::Arc};

use iri_string::types::UriStr;
use percent_encoding::percent_decode_str;
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

/// A URI of a listed scheme (RFC 3986), up to 2048 bytes, kept byte for byte, that is no secret.
///
/// It goes into records and events, which many read: one that carries user information, or the
/// signature or key of a URL that opens something, would hand its rights to all of them, and is
/// refused.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceUri(Arc<str>);

/// Why a text is no [`SourceUri`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SourceUriError {
    /// Empty, or longer than 2048 bytes.
    #[error("must have 1 to 2048 bytes")]
    Length,
    /// Not a URI by RFC 3986, a relative one, or one without the host that its scheme needs.
    #[error("must be a URI with a scheme, by RFC 3986")]
    Grammar,
    /// Of a scheme that is not listed.
    #[error(
        "must be of the scheme https, http, s3, gs, az, abfss, ftp, ftps, sftp, file, urn, doi or ipfs"
    )]
    Scheme,
    /// Names a user, with or without a password.
    #[error("must not carry user information: records and events are read by many")]
    UserInformation,
    /// Carries a signature or a key.
    #[error("must not carry a signature or a key: records and events are read by many")]
    Secret,
}

impl SourceUri {
    fn check(text: &str) -> Result<(), SourceUriError> {
        Self::check_stored(text)?;
        let uri = UriStr::new(text).map_err(|_| SourceUriError::Grammar)?;
        let is = |scheme: &&str| scheme.eq_ignore_ascii_case(uri.scheme_str());
        let needs_host = HOSTED_SCHEMES.iter().any(is);
        if !needs_host && !OTHER_SCHEMES.iter().any(is) {
            return Err(SourceUriError::Scheme);
        }
        let authority = uri.authority_components();
        if authority.is_some_and(|it| it.userinfo().is_some()) {
            return Err(SourceUriError::UserInformation);
        }
        // browsers take `https:user@host` and `https:///user@host` for `https://user@host`
        if needs_host && authority.is_none_or(|it| it.host().is_empty()) {
            return Err(SourceUriError::Grammar);
        }
        let query = uri.query_str().is_some_and(|it| has_secret(it, 0));
        let fragment = uri.fragment().is_some_and(|it| has_secret(it.as_str(), 0));
        // what comes first in a path is the path itself
        if query || fragment || has_secret(uri.path_str(), 1) {
            return Err(SourceUriError::Secret);
        }
        Ok(())
    }

    /// A URI: what every version has required.
    fn check_stored(text: &str) -> Result<(), SourceUriError> {
        if !(1..=2048).contains(&text.len()) {
            return Err(SourceUriError::Length);
        }
        UriStr::new(text)
            .map(drop)
            .map_err(|_| SourceUriError::Grammar)
    }
}

/// Schemes whose URIs name a host, or a substitute for one.
const HOSTED_SCHEMES: [&str; 9] = [
    "https", "http", "s3", "gs", "az", "abfss", "ftp", "ftps", "sftp",
];
const OTHER_SCHEMES: [&str; 4] = ["file", "urn", "doi", "ipfs"];

/// Parameters that open what they stand beside: those of presigned URLs of AWS, Google Cloud and
/// Azure, of OAuth (RFC 6750, section 2.3), and what APIs call their keys.
const SECRETS: [&str; 14] = [
    "x-amz-signature",
    "x-amz-credential",
    "x-amz-security-token",
    "x-goog-signature",
    "signature",
    "sig",
    "sas",
    "token",
    "access_token",
    "id_token",
    "api_key",
    "apikey",
    "password",
    "secret",
];

/// Whether a part of a URI, decoded once and split at `&` and `;`, has a parameter by one of these
/// names. Of the first `bare` pieces only those with a `=` are parameters.
fn has_secret(part: &str, bare: usize) -> bool {
    let decoded: Cow<'_, [u8]> = percent_decode_str(part).into();
    let mut pieces = decoded
        .split(|byte| matches!(byte, b'&' | b';'))
        .enumerate();
    pieces.any(|(at, piece)| {
        let end = piece.iter().position(|byte| *byte == b'=');
        let name = &piece[..end.unwrap_or(piece.len())];
        let is_parameter = at >= bare || end.is_some();
        is_parameter
            && SECRETS
                .iter()
                .any(|it| it.as_bytes().eq_ignore_ascii_case(name))
    })
}

validated_text!(SourceUri, SourceUriError, stored: check_stored);

/// The activity that made an asset, in the caller's words: up to 128 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Activity(Arc<str>);

/// Why a text is no [`Activity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have at most 128 bytes of UTF-8 and no U+0000")]
#[non_exhaustive]
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
    use percent_encoding::percent_encode_byte;
    use proptest::prelude::*;
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
    fn a_source_is_a_uri_of_a_listed_scheme_kept_byte_for_byte() {
        use SourceUriError::{Grammar, Length, Scheme};
        for good in [
            "https://a.example/b%20c?d=e#f",
            "HTTPS://a.example",
            "http://[::1]:8080/a@b:c",
            "s3://bucket/key",
            "gs://bucket/key",
            "az://container/blob",
            "abfss://account.dfs.core.windows.net/container/key",
            "ftp://a.example/a",
            "ftps://a.example/a",
            "sftp://a.example/a",
            "file:///a/b",
            "file:/a/b",
            "urn:isbn:0451450523",
            "doi:10.5281/zenodo.1234",
            "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi/a",
        ] {
            assert_eq!(
                SourceUri::parse(good).map(|it| it.to_string()),
                Ok(good.to_owned())
            );
        }
        let long = format!("https://a.example/{}", "b".repeat(2048));
        for (bad, reason) in [
            ("", Length),
            (long.as_str(), Length),
            ("a/b", Grammar),
            ("//host/path", Grammar),
            ("https://a.example/b c", Grammar),
            ("https://a.example/\u{e9}", Grammar),
            ("https://a.example/\u{0}", Grammar),
            ("https://a.example/%zz", Grammar),
            ("https:", Grammar),
            ("https:///a", Grammar),
            ("https:a.example/b", Grammar),
            ("s3:/bucket/key", Grammar),
            ("javascript:alert(1)", Scheme),
            ("JavaScript://a.example/%0aalert(1)", Scheme),
            ("data:text/html,x", Scheme),
            ("vbscript:x", Scheme),
            ("blob:https://a.example/1", Scheme),
            ("mailto:a@b.example", Scheme),
            ("httpsx://a.example/", Scheme),
            ("x-https://a.example/", Scheme),
        ] {
            assert_eq!(SourceUri::parse(bad), Err(reason), "{bad:?}");
        }
    }

    #[test]
    fn a_source_that_names_a_user_is_refused() {
        for bad in [
            "https://user:password@a.example/",
            "https://user@a.example/",
            "https://@a.example/",
            "https://:@a.example/",
            "https://a%3ab@a.example/",
            "s3://key:secret@bucket/k",
            "abfss://container@account.dfs.core.windows.net/k",
            "sftp://user@a.example/",
            "file://user@host/a",
            "ipfs://u@cid/",
        ] {
            assert_eq!(
                SourceUri::parse(bad),
                Err(SourceUriError::UserInformation),
                "{bad:?}"
            );
        }
        for bad in [
            "https:user:password@a.example/",
            "http:///user:password@a.example/",
        ] {
            assert_eq!(
                SourceUri::parse(bad),
                Err(SourceUriError::Grammar),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_source_that_carries_a_secret_is_refused() {
        for bad in [
            "https://b.example/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00",
            "https://b.example/k?X-Amz-Sig%6eature=00",
            "https://b.example/k?a=b&x-amz-security-token=00",
            "https://b.example/k?X-Amz-Credential=AKIA%2f",
            "https://b.example/k?X-Goog-Signature=00",
            "https://b.example/k?Expires=1;Signature=00",
            "https://c.example/k?sv=2024&sig=abc",
            "https://c.example/k?sv=2024%26sig=abc",
            "https://c.example/k?sv=2024%3BSiG%3Dabc",
            "https://c.example/k?sas=abc",
            "https://c.example/k?token=abc",
            "https://c.example/k?token",
            "https://c.example/cb#access_token=abc&state=1",
            "https://c.example/cb#a=b;id_token=abc",
            "https://c.example/k?API_KEY=abc",
            "https://c.example/k?ApiKey=abc",
            "https://c.example/k?password=abc",
            "https://c.example/k?secret=abc",
            "https://c.example/k;sig=abc/more",
            "https://c.example/k%3bsig=abc",
            "https://c.example/k&token=abc",
            "urn:sig=abc",
            "doi:10.1/a;token=abc",
        ] {
            assert_eq!(
                SourceUri::parse(bad),
                Err(SourceUriError::Secret),
                "{bad:?}"
            );
        }
        for good in [
            "https://c.example/token/sig/secret",
            "https://c.example/k?tokens=3&sigma=1&design=2&signature_version=4",
            "https://c.example/k?x=sig&y=token",
            "https://c.example/k?%2573ig=twice-encoded",
            "https://c.example/k#signatures",
            "urn:token",
        ] {
            assert!(SourceUri::parse(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn a_stored_source_is_any_uri() {
        for stored in [
            "https://user@h/",
            "javascript:alert(1)",
            "https://a.example/?token=abc",
        ] {
            let source = SourceUri::from_stored(stored).unwrap();
            assert_eq!(source.as_str(), stored);
            assert!(SourceUri::parse(stored).is_err(), "{stored:?}");
        }
        for bad in [
            "",
            "a/b",
            "https://a.example/\u{202e}",
            "https://a.example/\n",
        ] {
            assert!(SourceUri::from_stored(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        /// In any spelling of a secret's name, at any place.
        #[test]
        fn no_spelling_of_a_secret_passes(
            name in proptest::sample::select(&SECRETS[..]),
            upper in any::<u32>(), encoded in any::<u32>(),
            part in proptest::sample::select(&["?", "#", ";", "&", "?a=b&", "?a=b;", "#a;", "?a%26", "#a%3b", ";a=b;"][..]),
            end in proptest::sample::select(&["=", "=a", "%3dA", "=%3D", "=a&b", "=a;b"][..]),
        ) {
            let name: String = name.bytes().enumerate().map(|(at, byte)| {
                let is_set = |bits: u32| bits >> at & 1 == 1;
                let byte = if is_set(upper) { byte.to_ascii_uppercase() } else { byte };
                if is_set(encoded) { percent_encode_byte(byte).to_owned() } else { char::from(byte).to_string() }
            }).collect();
            for uri in [format!("https://a.example/k{part}{name}{end}"), format!("urn:x{part}{name}{end}")] {
                prop_assert_eq!(SourceUri::parse(&uri), Err(SourceUriError::Secret), "{}", uri);
            }
        }

        #[test]
        fn an_accepted_source_names_no_user_and_reads_back(text in "[a-z]{2,5}:(//)?[a-z:@/?#&;=%2]{0,24}") {
            if let Ok(source) = SourceUri::parse(&text) {
                let authority = text.split("://").nth(1).and_then(|it| it.split(['/', '?', '#']).next());
                prop_assert!(!authority.unwrap_or_default().contains('@'), "{}", text);
                prop_assert_eq!(SourceUri::from_stored(&text), Ok(source));
            }
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
