use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

/// A SHA-256 digest (FIPS 180-4) of an asset's whole content.
///
/// The wire spells it as 64 lower-case hexadecimal digits, S3 as base64 of the same 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest([u8; 32]);

/// Why a text is no [`Sha256Digest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Sha256DigestError {
    /// Not the spelling of the wire.
    #[error("must be 64 lower-case hexadecimal digits")]
    Hex,
    /// Not the spelling of S3.
    #[error("must be base64 of 32 bytes")]
    Base64,
}

impl Sha256Digest {
    /// The digest of `content`.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self(Sha256::digest(content).into())
    }

    /// Takes the 32 bytes of a digest.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Takes the wire's spelling: 64 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// On any other text, upper case included.
    pub fn parse(text: &str) -> Result<Self, Sha256DigestError> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(Sha256DigestError::Hex);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| Sha256DigestError::Hex)?;
        Ok(Self(bytes))
    }

    /// Takes S3's spelling, as in `x-amz-checksum-sha256`.
    ///
    /// # Errors
    /// When the text is not base64 of exactly 32 bytes.
    pub fn parse_base64(text: &str) -> Result<Self, Sha256DigestError> {
        let bytes = BASE64_STANDARD
            .decode(text)
            .map_err(|_| Sha256DigestError::Base64)?;
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| Sha256DigestError::Base64)
    }

    /// S3's spelling.
    #[must_use]
    pub fn to_base64(&self) -> String {
        BASE64_STANDARD.encode(self.0)
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 64];
        hex::encode_to_slice(self.0, &mut digits).map_err(|_| fmt::Error)?;
        out.write_str(str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sha256Digest({self})")
    }
}

impl Serialize for Sha256Digest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256Digest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4 example: the digest of `abc`.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn the_digest_is_the_published_one_and_spelled_both_ways() {
        let digest = Sha256Digest::of(b"abc");
        assert_eq!(digest.to_string(), ABC);
        assert_eq!(
            digest.to_base64(),
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
        );
        assert_eq!(Sha256Digest::parse(ABC), Ok(digest));
        assert_eq!(Sha256Digest::parse_base64(&digest.to_base64()), Ok(digest));
    }

    #[test]
    fn other_spellings_are_refused() {
        let upper = ABC.to_uppercase();
        for bad in [
            "",
            &ABC[1..],
            &upper,
            "g7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ] {
            assert_eq!(
                Sha256Digest::parse(bad),
                Err(Sha256DigestError::Hex),
                "{bad:?}"
            );
        }
        for bad in [
            "",
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0",
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=-2",
        ] {
            assert_eq!(
                Sha256Digest::parse_base64(bad),
                Err(Sha256DigestError::Base64),
                "{bad:?}"
            );
        }
    }
}
