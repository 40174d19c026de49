use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// The identifier of one asset, made by the service: a UUID version 7 (RFC 9562).
///
/// Its only accepted text is the lower-case hyphenated one. The other spellings that UUID
/// libraries take (braces, `urn:uuid:`, upper case, no hyphens) would give one asset several
/// names, and access checks and caches compare names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssetId(Uuid);

/// Why a text is no [`AssetId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID in lower-case hyphenated form")]
#[non_exhaustive]
pub struct AssetIdError;

impl AssetId {
    /// Takes the canonical text of an id.
    ///
    /// # Errors
    /// When the text is not a UUID in lower-case hyphenated form.
    pub fn parse(text: &str) -> Result<Self, AssetIdError> {
        let uuid = Uuid::try_parse(text).map_err(|_| AssetIdError)?;
        let mut canonical = Uuid::encode_buffer();
        if uuid.hyphenated().encode_lower(&mut canonical) == text {
            Ok(Self(uuid))
        } else {
            Err(AssetIdError)
        }
    }

    /// Takes an id as a value: one that [`AssetIds`](crate::ports::AssetIds) made, or one that a
    /// catalogue kept.
    #[must_use]
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The id as a value.
    #[must_use]
    pub fn as_uuid(&self) -> Uuid {
        self.0
    }
}

impl FromStr for AssetId {
    type Err = AssetIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for AssetId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), out)
    }
}

impl fmt::Debug for AssetId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "AssetId({self})")
    }
}

impl Serialize for AssetId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

impl<'de> Deserialize<'de> for AssetId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANONICAL: &str = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";

    #[test]
    fn the_lower_case_hyphenated_form_is_accepted_and_given_back() {
        assert_eq!(AssetId::parse(CANONICAL).unwrap().to_string(), CANONICAL);
    }

    #[test]
    fn every_other_spelling_is_refused() {
        for bad in [
            "019AB0C2-7D0E-7C3A-9D55-0F6D2B1C4E11",
            "019ab0c27d0e7c3a9d550f6d2b1c4e11",
            "{019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11}",
            "urn:uuid:019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11",
            "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11 ",
            "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e1",
            "",
        ] {
            assert_eq!(AssetId::parse(bad), Err(AssetIdError), "{bad:?}");
        }
    }
}
