use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de};

/// The caller's own labels of an asset: up to 32, key to value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Labels(BTreeMap<String, String>);

/// Why something is no [`Labels`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// More than 32 labels.
    #[error("must have at most 32 members")]
    TooMany,
    /// A key that does not match `^[a-z0-9][a-z0-9._-]{0,62}$`.
    #[error(
        "must have keys of 1 to 63 of `a-z`, `0-9`, `.`, `_` and `-`, starting with a letter or digit"
    )]
    Key,
    /// A value longer than 256 bytes, or with U+0000.
    #[error("must have at most 256 bytes of UTF-8 and no U+0000")]
    Value,
}

impl Labels {
    /// How many labels an asset may have.
    pub const MAX: usize = 32;

    /// Checks one label.
    ///
    /// # Errors
    /// [`LabelError::Key`] or [`LabelError::Value`].
    pub fn check_label(key: &str, value: &str) -> Result<(), LabelError> {
        let mut bytes = key.bytes();
        let first = bytes
            .next()
            .is_some_and(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
        let rest = bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'));
        if !first || !rest || key.len() > 63 {
            return Err(LabelError::Key);
        }
        if value.len() > 256 || value.contains('\0') {
            return Err(LabelError::Value);
        }
        Ok(())
    }

    /// Takes the labels.
    ///
    /// # Errors
    /// When there are too many, or the first that is ill-formed.
    pub fn parse(labels: BTreeMap<String, String>) -> Result<Self, LabelError> {
        if labels.len() > Self::MAX {
            return Err(LabelError::TooMany);
        }
        labels
            .iter()
            .try_for_each(|(key, value)| Self::check_label(key, value))?;
        Ok(Self(labels))
    }

    /// The labels, by key.
    #[must_use]
    pub fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(BTreeMap::deserialize(from)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_short_lower_case_names() {
        let longest = "a".repeat(63);
        for good in ["a", "0", "camera.model", "a_b-c", longest.as_str()] {
            assert_eq!(Labels::check_label(good, "x"), Ok(()), "{good:?}");
        }
        let too_long = "a".repeat(64);
        for bad in [
            "",
            ".a",
            "_a",
            "A",
            "a b",
            "a\n",
            "\u{e9}",
            too_long.as_str(),
        ] {
            assert_eq!(
                Labels::check_label(bad, "x"),
                Err(LabelError::Key),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn values_have_at_most_256_bytes() {
        assert_eq!(Labels::check_label("a", &"v".repeat(256)), Ok(()));
        assert_eq!(Labels::check_label("a", ""), Ok(()));
        assert_eq!(
            Labels::check_label("a", &"v".repeat(257)),
            Err(LabelError::Value)
        );
        assert_eq!(Labels::check_label("a", "\0"), Err(LabelError::Value));
    }

    #[test]
    fn there_are_at_most_thirty_two() {
        let labels = |n: usize| (0..n).map(|n| (format!("k{n}"), String::new())).collect();
        assert!(Labels::parse(labels(32)).is_ok());
        assert_eq!(Labels::parse(labels(33)), Err(LabelError::TooMany));
    }
}
