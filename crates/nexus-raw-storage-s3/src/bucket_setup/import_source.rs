use std::str::FromStr;

use nexus_raw::asset::BucketName;

/// The place of objects that are imported: `s3://bucket/prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportSource {
    bucket: BucketName,
    prefix: String,
}

/// The error of a text that is no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be s3://BUCKET/PREFIX, the prefix of at most 1024 visible ASCII characters without *, ? and $"
)]
#[non_exhaustive]
pub struct ImportSourceError;

impl ImportSource {
    /// Returns the bucket.
    #[must_use]
    pub fn bucket(&self) -> &BucketName {
        &self.bucket
    }

    /// Returns the prefix of the keys; empty for all objects of the bucket.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl FromStr for ImportSource {
    type Err = ImportSourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("s3://").ok_or(ImportSourceError)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        // wildcards and variables of policies would grant more than the text shows (AWS IAM User
        // Guide, "Resource" and "Policy elements: Variables")
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"*?$".contains(&byte);
        if prefix.len() > 1024 || !prefix.bytes().all(is_plain) {
            return Err(ImportSourceError);
        }
        Ok(Self {
            bucket: BucketName::parse(bucket).map_err(|_| ImportSourceError)?,
            prefix: prefix.to_owned(),
        })
    }
}
