use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How many bytes an asset has. An empty file is an asset too.
///
/// At most 2^53 - 1, the largest integer that every JSON reader keeps exact (RFC 8259, section
/// 6); what a store or an installation takes is less and is its own limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

/// Why a number is no [`ByteSize`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an integer from 0 to 9007199254740991")]
#[non_exhaustive]
pub struct ByteSizeError;

impl ByteSize {
    /// The largest object that S3 takes in a single PUT: 5 GiB (Amazon S3 User Guide, "Uploading
    /// objects").
    pub const MAX_SINGLE_PUT: Self = Self(5 * 1024 * 1024 * 1024);

    /// The size of a part of an upload, unless an installation says otherwise: 8 MiB.
    pub const PART: Self = Self(8 * 1024 * 1024);

    /// The largest object that S3 takes in parts: 5 TiB (Amazon S3 User Guide, "Amazon S3 multipart
    /// upload limits").
    pub const MAX_MULTIPART: Self = Self(5 * 1024 * 1024 * 1024 * 1024);

    const MAX: u64 = (1 << 53) - 1;

    /// Takes a number of bytes.
    ///
    /// # Errors
    /// When it is above 2^53 - 1.
    pub fn parse(bytes: u64) -> Result<Self, ByteSizeError> {
        if bytes <= Self::MAX {
            Ok(Self(bytes))
        } else {
            Err(ByteSizeError)
        }
    }

    /// The number of bytes.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(u64::deserialize(from)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_between_zero_and_the_largest_exact_json_integer() {
        assert_eq!(ByteSize::parse(0).map(ByteSize::get), Ok(0));
        assert_eq!(
            ByteSize::parse(9_007_199_254_740_991).map(ByteSize::get),
            Ok(9_007_199_254_740_991)
        );
        assert_eq!(ByteSize::parse(9_007_199_254_740_992), Err(ByteSizeError));
    }
}
