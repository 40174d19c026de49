use serde::{Deserialize, Deserializer, Serialize, de};

macro_rules! pii_flags {
    ($($(#[$doc:meta])* $flag:ident = $name:literal),+ $(,)?) => {
        /// A kind of personal data that an asset holds, by the caller's word.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
pub enum PiiFlag {
            $($(#[$doc])* #[serde(rename = $name)] $flag),+
        }

        impl PiiFlag {
            /// Every flag.
            pub const ALL: &'static [Self] = &[$(Self::$flag),+];

            /// The flag's name on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$flag => $name),+
                }
            }
        }
    };
}

pii_flags! {
    /// E-mail addresses.
    Email = "email",
    /// Telephone numbers.
    Phone = "phone",
    /// Payment card numbers.
    Card = "card",
    /// Postal addresses.
    Postal = "postal",
    /// Names of persons.
    Name = "name",
    /// Faces.
    Face = "face",
    /// Where a person was.
    Location = "location",
    /// Health data.
    Health = "health",
    /// Biometric data.
    Biometric = "biometric",
    /// Any other personal data.
    Other = "other",
}

/// A name that is no [`PiiFlag`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be one of email, phone, card, postal, name, face, location, health, biometric, other"
)]
#[non_exhaustive]
pub struct PiiFlagError;

impl PiiFlag {
    /// The flag of this exact name.
    ///
    /// # Errors
    /// When there is none.
    pub fn parse(name: &str) -> Result<Self, PiiFlagError> {
        Self::ALL
            .iter()
            .copied()
            .find(|flag| flag.as_str() == name)
            .ok_or(PiiFlagError)
    }
}

/// Distinct kinds of personal data, in the caller's order; equal when they have the same members.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PiiFlags(Vec<PiiFlag>);

/// A list that names a flag twice; the position is that of the repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("repeats an earlier member")]
pub struct PiiFlagsError(pub usize);

impl PiiFlags {
    /// Takes the flags.
    ///
    /// # Errors
    /// When one is there twice.
    pub fn parse(flags: Vec<PiiFlag>) -> Result<Self, PiiFlagsError> {
        match (1..flags.len()).find(|&at| flags[..at].contains(&flags[at])) {
            Some(at) => Err(PiiFlagsError(at)),
            None => Ok(Self(flags)),
        }
    }

    /// The flags, in the caller's order.
    #[must_use]
    pub fn as_slice(&self) -> &[PiiFlag] {
        &self.0
    }

    /// The flags in the order of [`PiiFlag::ALL`], for comparing and digesting.
    #[must_use]
    pub fn sorted(&self) -> Vec<PiiFlag> {
        let mut flags = self.0.clone();
        flags.sort_unstable();
        flags
    }
}

impl PartialEq for PiiFlags {
    fn eq(&self, other: &Self) -> bool {
        self.sorted() == other.sorted()
    }
}

impl Eq for PiiFlags {}

impl<'de> Deserialize<'de> for PiiFlags {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(Vec::deserialize(from)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flag_is_read_by_the_name_it_is_written_with() {
        for flag in PiiFlag::ALL {
            assert_eq!(PiiFlag::parse(flag.as_str()), Ok(*flag));
            assert_eq!(
                serde_json::to_string(flag).unwrap(),
                format!("{:?}", flag.as_str())
            );
        }
        assert_eq!(PiiFlag::parse("Face"), Err(PiiFlagError));
    }

    #[test]
    fn flags_are_distinct_and_equal_without_order() {
        let flags = |list: &[PiiFlag]| PiiFlags::parse(list.to_vec());
        assert_eq!(
            flags(&[PiiFlag::Face, PiiFlag::Email]),
            flags(&[PiiFlag::Email, PiiFlag::Face])
        );
        assert_ne!(flags(&[PiiFlag::Face]), flags(&[]));
        assert_eq!(
            flags(&[PiiFlag::Face, PiiFlag::Email, PiiFlag::Face]),
            Err(PiiFlagsError(2))
        );
    }
}
