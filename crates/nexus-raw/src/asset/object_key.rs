use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::{AssetId, Filename};
use crate::{
    tenancy::{Environment, Scope, TenantId},
    text::validated_text,
};

/// The key of an asset's object: `tenants/<tenant>/<environment>/raw/<asset>/<filename>`.
///
/// This is the one place that spells it. No part can hold a `/`, so the key reads back to
/// exactly the parts it was made of; at most 401 bytes, of the 1024 that S3 takes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(Arc<str>);

/// A text that is not the key of an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `tenants/<tenant>/<environment>/raw/<asset>/<filename>`")]
#[non_exhaustive]
pub struct ObjectKeyError;

impl ObjectKey {
    /// Which spelling of keys this is; kept with each intent, so that a later spelling leaves old
    /// objects where they are.
    pub const LAYOUT: u8 = 1;

    /// The prefix of all keys, for what is granted or listed as a whole.
    pub const ROOT: &str = "tenants/";

    /// The key of one asset.
    #[must_use]
    pub fn for_asset(scope: &Scope, asset: AssetId, filename: &Filename) -> Self {
        let prefix = Self::prefix_of(scope, asset);
        Self([&prefix, "/", filename.as_str()].concat().into())
    }

    /// The key of one asset without its file name: `tenants/<tenant>/<environment>/raw/<asset>`.
    /// It names the asset where its file name is not known, such as a parent in a lineage.
    #[must_use]
    pub fn prefix_of(scope: &Scope, asset: AssetId) -> String {
        let (tenant, environment) = (scope.tenant.as_str(), scope.environment.as_str());
        let mut id = Uuid::encode_buffer();
        let id = asset.as_uuid().hyphenated().encode_lower(&mut id);
        ["tenants/", tenant, "/", environment, "/raw/", id].concat()
    }

    /// The key, unescaped, as S3's API takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a key back to the parts it was made of, by this or an earlier version.
    ///
    /// # Errors
    /// When the text is no key that [`Self::for_asset`] makes.
    pub fn parse_parts(text: &str) -> Result<(Scope, AssetId, Filename), ObjectKeyError> {
        let mut segments = text.split('/');
        let mut next = || segments.next().ok_or(ObjectKeyError);
        let (tenants, tenant, environment, raw, asset, filename) =
            (next()?, next()?, next()?, next()?, next()?, next()?);
        if tenants != "tenants" || raw != "raw" || segments.next().is_some() {
            return Err(ObjectKeyError);
        }
        let scope = Scope {
            tenant: TenantId::parse(tenant).map_err(|_| ObjectKeyError)?,
            environment: Environment::parse(environment).map_err(|_| ObjectKeyError)?,
        };
        let asset = AssetId::parse(asset).map_err(|_| ObjectKeyError)?;
        let filename = Filename::from_stored(filename).map_err(|_| ObjectKeyError)?;
        Ok((scope, asset, filename))
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ObjectKey({:?})", &*self.0)
    }
}

/// A bucket's name, by the rules for general purpose buckets (Amazon S3 User Guide, "Bucket
/// naming rules").
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketName(Arc<str>);

/// Why a text is no [`BucketName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a bucket name by AWS's rules: 3 to 63 of `a-z`, `0-9`, `.` and `-`, starting and ending with a letter or \
     digit, no two dots in a row, no IP address, no reserved prefix or suffix"
)]
#[non_exhaustive]
pub struct BucketNameError;

impl BucketName {
    fn check(text: &str) -> Result<(), BucketNameError> {
        const PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
        const SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
        let alphanumeric = |byte: Option<u8>| {
            byte.is_some_and(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
        };
        let like_an_address = text.split('.').count() == 4
            && text.bytes().all(|it| it.is_ascii_digit() || it == b'.');
        let holds = (3..=63).contains(&text.len())
            && text
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
            && alphanumeric(text.bytes().next())
            && alphanumeric(text.bytes().next_back())
            && !text.contains("..")
            && !like_an_address
            && !PREFIXES.iter().any(|prefix| text.starts_with(prefix))
            && !SUFFIXES.iter().any(|suffix| text.ends_with(suffix));
        if holds { Ok(()) } else { Err(BucketNameError) }
    }
}

validated_text!(BucketName, BucketNameError);

/// Where an object is: a key in a bucket. Its text is `s3://<bucket>/<key>`, the key unescaped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectAddress {
    /// The bucket.
    pub bucket: BucketName,
    /// The key in it.
    pub key: ObjectKey,
}

impl fmt::Display for ObjectAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "s3://{}/{}", self.bucket, self.key)
    }
}

impl Serialize for ObjectAddress {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // at once, which takes less time than piece by piece
        to.serialize_str(&["s3://", self.bucket.as_str(), "/", self.key.as_str()].concat())
    }
}

impl<'de> Deserialize<'de> for ObjectAddress {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        let parsed = text
            .strip_prefix("s3://")
            .and_then(|rest| rest.split_once('/'))
            .and_then(|(bucket, key)| {
                let (scope, asset, filename) = ObjectKey::parse_parts(key).ok()?;
                let key = ObjectKey::for_asset(&scope, asset, &filename);
                Some(Self {
                    bucket: BucketName::parse(bucket).ok()?,
                    key,
                })
            });
        parsed.ok_or_else(|| serde::de::Error::custom(ObjectKeyError))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_key_spells_tenant_environment_asset_and_name() {
        let scope = Scope {
            tenant: TenantId::parse("t_demo").unwrap(),
            environment: Environment::parse("dev").unwrap(),
        };
        let asset = AssetId::parse("019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11").unwrap();
        let key = ObjectKey::for_asset(&scope, asset, &Filename::parse("DSCN0010.jpg").unwrap());
        assert_eq!(
            key.as_str(),
            "tenants/t_demo/dev/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11/DSCN0010.jpg"
        );
        assert!(key.as_str().starts_with(ObjectKey::ROOT));
        assert_eq!(
            ObjectKey::prefix_of(&scope, asset),
            "tenants/t_demo/dev/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11"
        );
        let address = ObjectAddress {
            bucket: BucketName::parse("nexus-raw").unwrap(),
            key,
        };
        assert_eq!(
            address.to_string(),
            "s3://nexus-raw/tenants/t_demo/dev/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11/DSCN0010.jpg"
        );
    }

    #[test]
    fn bucket_names_follow_the_rules_of_aws() {
        for good in ["abc", "my.bucket-1", "nexus-raw", &"a".repeat(63)] {
            assert!(BucketName::parse(good).is_ok(), "{good:?}");
        }
        for bad in [
            "",
            "ab",
            &"a".repeat(64),
            "Abc",
            "a_b",
            "-abc",
            "abc-",
            ".abc",
            "abc.",
            "a..b",
            "192.168.5.4",
            "xn--abc",
            "sthree-abc",
            "amzn-s3-demo-abc",
            "abc-s3alias",
            "abc--ol-s3",
            "abc.mrap",
            "abc--x-s3",
            "abc--table-s3",
            "a/b",
            "a b",
        ] {
            assert_eq!(BucketName::parse(bad), Err(BucketNameError), "{bad:?}");
        }
    }

    #[test]
    fn a_text_with_a_part_too_many_or_wrong_is_no_key() {
        let id = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";
        for bad in [
            format!("tenants/t_a/dev/raw/{id}/a/b"),
            format!("tenants/t_a/dev/raw/{id}"),
            format!("tenants/t_a/dev/raw/{id}/"),
            format!("tenants/t_a/dev/raw/{id}/.."),
            format!("tenants/t_a/../raw/{id}/a"),
            format!("tenants/t_a/dev/cooked/{id}/a"),
            format!("/tenants/t_a/dev/raw/{id}/a"),
            "nexus-raw-probe/v1/x".to_owned(),
        ] {
            assert_eq!(ObjectKey::parse_parts(&bad), Err(ObjectKeyError), "{bad:?}");
        }
    }

    #[test]
    fn the_longest_parts_make_a_key_of_401_bytes_of_the_1024_that_s3_takes() {
        let tenant = |letters: usize| TenantId::parse(&format!("t_{}", "a".repeat(letters)));
        let environment = |letters: usize| Environment::parse(&"a".repeat(letters));
        let longest = ["a".repeat(255), format!("a{}", "\u{e4}".repeat(127))];
        assert!(tenant(62).is_err() && environment(33).is_err());
        for filename in longest {
            assert!(Filename::parse(&format!("{filename}a")).is_err());
            let scope = Scope {
                tenant: tenant(61).unwrap(),
                environment: environment(32).unwrap(),
            };
            let filename = Filename::parse(&filename).unwrap();
            let asset = AssetId::from_uuid(Uuid::max());
            let key = ObjectKey::for_asset(&scope, asset, &filename);
            assert_eq!(key.as_str().len(), 401);
            let parts = (scope, asset, filename);
            assert_eq!(ObjectKey::parse_parts(key.as_str()), Ok(parts));
        }
    }

    proptest! {
        #[test]
        fn an_accepted_key_reads_back_to_the_same_parts(
            tenant in "t_[a-z0-9_-]{1,61}", environment in "[a-z][a-z0-9-]{0,31}", id in any::<u128>(), name in "\\PC{1,60}",
        ) {
            let Ok(filename) = Filename::parse(&name) else { return Ok(()) };
            let scope = Scope {
                tenant: TenantId::parse(&tenant).unwrap(),
                environment: Environment::parse(&environment).unwrap(),
            };
            let asset = AssetId::from_uuid(Uuid::from_u128(id));
            let key = ObjectKey::for_asset(&scope, asset, &filename);
            prop_assert!(key.as_str().len() <= 1024);
            prop_assert_eq!(ObjectKey::parse_parts(key.as_str()), Ok((scope, asset, filename)));
        }
    }
}
