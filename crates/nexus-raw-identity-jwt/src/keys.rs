use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use secrecy::{ExposeSecret, SecretString};

use crate::{TokenFault, header::UnverifiedHeader, settings::KeySettings};

/// The longest `kid`, in bytes.
const MAX_KEY_ID_BYTES: usize = 128;

/// Where the keys come from that tokens are verified with, and for which one algorithm.
///
/// A source decides by the header which of its keys to try, and never takes one from the token.
pub(crate) enum KeySource {
    /// Secrets shared with the issuer: the current one, and the one before while it is being
    /// rotated out.
    SharedSecrets(Vec<DecodingKey>),
}

impl KeySource {
    pub(crate) fn from_settings(settings: &KeySettings) -> Self {
        match settings {
            KeySettings::Hs256 { secret, previous } => Self::SharedSecrets(
                std::iter::once(secret)
                    .chain(previous)
                    .map(|secret: &SecretString| {
                        DecodingKey::from_secret(secret.expose_secret().as_bytes())
                    })
                    .collect(),
            ),
        }
    }

    /// The only `alg` that tokens may have.
    pub(crate) fn algorithm(&self) -> (Algorithm, &'static str) {
        match self {
            Self::SharedSecrets(_) => (Algorithm::HS256, "HS256"),
        }
    }

    /// Whether one of the keys made `signature`, in base64url, for `signing_input`. The library
    /// compares in constant time.
    pub(crate) fn verify(
        &self,
        header: &UnverifiedHeader,
        signing_input: &str,
        signature: &str,
    ) -> Result<(), TokenFault> {
        let (algorithm, _) = self.algorithm();
        let signed_by = |key: &DecodingKey| {
            crypto::verify(signature, signing_input.as_bytes(), key, algorithm).unwrap_or(false)
        };
        if self.candidates(header)?.iter().any(signed_by) {
            Ok(())
        } else {
            Err(TokenFault::Signature)
        }
    }

    fn candidates(&self, header: &UnverifiedHeader) -> Result<&[DecodingKey], TokenFault> {
        match self {
            // there is nothing to choose, but a name that no key has is a sign of an attack
            Self::SharedSecrets(keys) => match &header.key_id {
                Some(key_id) if !is_key_id(key_id) => Err(TokenFault::KeyId),
                _ => Ok(keys),
            },
        }
    }
}

/// Whether `text` can be the name of a shared secret: 1 to 128 letters, digits and `-._~:+=@`.
/// No path, no SQL, no white space, no control character.
fn is_key_id(text: &str) -> bool {
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
