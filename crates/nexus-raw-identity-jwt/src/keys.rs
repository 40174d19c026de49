use hmac::{Hmac, KeyInit as _, Mac as _, digest::InvalidLength};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::{
    JwtSettingsError, Part, TokenFault, compact,
    header::UnverifiedHeader,
    jwks::{self, Jwks, Location},
    settings::KeySettings,
};

/// The maximum length of `kid`, in bytes.
const MAX_KEY_ID_BYTES: usize = 128;

/// Keys that were loaded together: those of another load are others, even if they are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyGeneration(u64);

impl KeyGeneration {
    /// Of keys that never change.
    const FIXED: Self = Self(0);

    /// Of the keys of this load, counted from 1.
    pub(crate) fn of_load(number: u64) -> Self {
        Self(number)
    }
}

/// The keys that verify tokens, for one algorithm.
///
/// The header selects one of them; no key is taken from the token.
pub(crate) enum KeySource {
    /// Secrets shared with the issuer: the current one, and the previous one during a rotation.
    SharedSecrets(Vec<SharedSecret>),
    /// Public keys that the issuer publishes.
    Jwks(Jwks),
}

/// The key of HS256 (RFC 7518, section 3.2), which has taken in the secret: for each token only the
/// message is left.
pub(crate) struct SharedSecret(Hmac<Sha256>);

impl SharedSecret {
    fn new(secret: &SecretString) -> Result<Self, InvalidLength> {
        Hmac::new_from_slice(secret.expose_secret().as_bytes()).map(Self)
    }

    /// Returns whether the whole signature is of this message. Compares in constant time.
    fn has_signed(&self, message: &str, signature: &[u8]) -> bool {
        let mut mac = self.0.clone();
        mac.update(message.as_bytes());
        mac.verify_slice(signature).is_ok()
    }
}

impl KeySource {
    /// Creates the source. A JWKS file is read now; a JWKS of a URL is fetched by
    /// [`Jwks::loaded`] or for the first token.
    pub(crate) fn from_settings(settings: &KeySettings) -> Result<Self, JwtSettingsError> {
        Ok(match settings {
            KeySettings::Hs256 { secret, previous } => Self::SharedSecrets(
                std::iter::once(secret)
                    .chain(previous)
                    .map(SharedSecret::new)
                    .collect::<Result<_, _>>()
                    // not reached: any length will do
                    .map_err(|_| JwtSettingsError::SecretTooShort)?,
            ),
            KeySettings::JwksFile { path, algorithm } => {
                let set = jwks::read_file(path, *algorithm)?;
                Self::Jwks(Jwks::new(
                    *algorithm,
                    Location::File(path.clone()),
                    Some(set),
                ))
            }
            KeySettings::JwksUrl { url, algorithm } => {
                Self::Jwks(Jwks::new(*algorithm, Location::of_url(url)?, None))
            }
        })
    }

    /// Returns whether tokens may have this `alg`. It is compared exactly, including case.
    pub(crate) fn takes(&self, alg: &str) -> bool {
        match self {
            Self::SharedSecrets(_) => alg == "HS256",
            Self::Jwks(jwks) => jwks.algorithm().is_named(alg),
        }
    }

    /// Returns whether keys are available. Shared secrets always are.
    pub(crate) fn are_available(&self) -> bool {
        match self {
            Self::SharedSecrets(_) => true,
            Self::Jwks(jwks) => jwks.has_keys(),
        }
    }

    /// Checks the form of `signature`, without a key.
    pub(crate) fn check_form(&self, signature: &str) -> Result<(), TokenFault> {
        let bytes = compact::decode(Part::Signature, signature)?.len();
        let fits = match self {
            Self::SharedSecrets(_) => bytes == 32,
            Self::Jwks(jwks) => jwks.algorithm().has_signatures_of(bytes),
        };
        fits.then_some(()).ok_or(TokenFault::Signature)
    }

    /// Returns which keys are trusted now, after a reload if that is due; `None` if there are none.
    pub(crate) async fn generation(&self) -> Option<KeyGeneration> {
        match self {
            Self::SharedSecrets(_) => Some(KeyGeneration::FIXED),
            Self::Jwks(jwks) => jwks.generation().await,
        }
    }

    /// Verifies that one of the keys made `signature`, in base64url, for `signing_input`. Returns of which keys that one is.
    pub(crate) async fn verify(
        &self,
        header: &UnverifiedHeader,
        signing_input: &str,
        signature: &str,
    ) -> Result<KeyGeneration, TokenFault> {
        // an invalid key id is a sign of an attack: nothing is loaded for it
        if header.key_id.as_deref().is_some_and(|id| !is_key_id(id)) {
            return Err(TokenFault::KeyId);
        }
        match self {
            Self::SharedSecrets(secrets) => {
                let signature = compact::decode(Part::Signature, signature)
                    .map_err(|_| TokenFault::Signature)?;
                let mut secrets = secrets.iter();
                secrets
                    .any(|secret| secret.has_signed(signing_input, &signature))
                    .then_some(KeyGeneration::FIXED)
                    .ok_or(TokenFault::Signature)
            }
            Self::Jwks(jwks) => jwks.verify(header, signing_input, signature).await,
        }
    }
}

/// Returns whether `text` is a valid key id: 1 to 128 letters, digits and `-._~:+=@`.
/// No path, no SQL, no white space, no control character.
pub(crate) fn is_key_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:+=@".contains(&byte);
    (1..=MAX_KEY_ID_BYTES).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_is_a_plain_name() {
        for name in [
            "1",
            "2026-11",
            "a.b_c~d",
            "urn:key:1",
            "Zm9v+w==",
            &"k".repeat(128),
        ] {
            assert!(is_key_id(name), "{name:?}");
        }
        for other in [
            "",
            "../../../dev/null",
            "/etc/passwd",
            "c:\\keys",
            "k' OR '1'='1",
            "k;drop",
            "a b",
            "a\0",
            "a\n",
            "\u{e9}",
            &"k".repeat(129),
        ] {
            assert!(!is_key_id(other), "{other:?}");
        }
    }
}
