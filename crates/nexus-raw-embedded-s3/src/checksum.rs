//! The additional checksums of S3.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

/// An algorithm that a client may have the store check with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ChecksumAlgorithm {
    Crc32,
    Crc32c,
    Crc64nvme,
    Sha1,
    Sha256,
}

impl ChecksumAlgorithm {
    pub(crate) const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    /// The header or trailer that carries a value of this algorithm.
    pub(crate) const fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The name in `x-amz-checksum-algorithm`, `x-amz-sdk-checksum-algorithm` and error messages.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    pub(crate) fn of_name(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().as_bytes() == name)
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    pub(crate) fn of_header(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.header().eq_ignore_ascii_case(name))
    }
}

/// A checksum of a whole object, in canonical base64, as S3 spells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    pub(crate) algorithm: ChecksumAlgorithm,
    pub(crate) value: String,
}

impl Checksum {
    /// `None` unless `value` is canonical base64 of as many bytes as the algorithm gives.
    pub(crate) fn parse(algorithm: ChecksumAlgorithm, value: &str) -> Option<Self> {
        let decoded = BASE64_STANDARD.decode(value).ok()?;
        (decoded.len() == algorithm.bytes()).then(|| Self {
            algorithm,
            value: value.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_length_of_its_algorithm() {
        for algorithm in ChecksumAlgorithm::ALL {
            let right = BASE64_STANDARD.encode(vec![7; algorithm.bytes()]);
            let long = BASE64_STANDARD.encode(vec![7; algorithm.bytes() + 1]);
            assert_eq!(
                Checksum::parse(algorithm, &right),
                Some(Checksum {
                    algorithm,
                    value: right
                })
            );
            assert_eq!(Checksum::parse(algorithm, &long), None);
        }
    }

    #[test]
    fn a_value_is_canonical_base64() {
        for value in ["", "AAAAAB==", "AAAAAA", "AAAA_A==", "AAAAAA== "] {
            assert_eq!(
                Checksum::parse(ChecksumAlgorithm::Crc32, value),
                None,
                "{value:?}"
            );
        }
    }

    #[test]
    fn headers_name_their_algorithm() {
        for algorithm in ChecksumAlgorithm::ALL {
            assert_eq!(
                ChecksumAlgorithm::of_header(algorithm.header()),
                Some(algorithm)
            );
        }
        assert_eq!(ChecksumAlgorithm::of_header("x-amz-checksum-type"), None);
    }
}
