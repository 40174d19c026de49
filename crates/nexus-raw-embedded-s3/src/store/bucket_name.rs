//! Names of buckets.

/// A bucket's name by AWS's rules, which also make it one safe component of a path:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BucketName(String);

impl BucketName {
    /// `None` for a name that breaks the rules.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        s3s::path::check_bucket_name(name).then(|| Self(name.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_safe_component_of_a_path() {
        for name in ["raw", "nexus-raw.dev", "0ab"] {
            assert_eq!(BucketName::parse(name).unwrap().as_str(), name);
        }
        for name in [
            "", "ab", ".", "..", "a/b", "a..b", "-ab", "Raw", "a_b", "a\0b", "1.2.3.4",
        ] {
            assert_eq!(BucketName::parse(name), None, "{name:?}");
        }
    }
}
