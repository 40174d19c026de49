//! What the validated text types have in common.

/// Gives a validated text type its constructor from text, its views and its serde form.
///
/// The type must have one private field of `Arc<str>` and an associated
/// `fn check(&str) -> Result<(), Error>`; every way into the type goes through it, so that a
/// value of the type is the proof that its text was checked.
macro_rules! validated_text {
    ($type:ident, $error:ty) => {
        impl $type {
            /// Checks `text` and takes it as it is: nothing is trimmed, folded or normalised.
            ///
            /// # Errors
            /// Says which rule of the type the text breaks.
            pub fn parse(text: &str) -> Result<Self, $error> {
                Self::check(text)?;
                Ok(Self(std::sync::Arc::from(text)))
            }

            /// The text, exactly as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $type {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(out, concat!(stringify!($type), "({:?})"), &*self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use validated_text;
