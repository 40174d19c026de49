use std::path::Path;

use jsonwebtoken::{DecodingKey, crypto};
use nexus_raw::json::{self, Json};

use super::{JwksAlgorithm, JwksFault, key::UsableKey, location};
use crate::{JwtSettingsError, TokenFault};

/// The longest JWKS, in bytes.
pub(crate) const MAX_SET_BYTES: usize = 256 * 1024;

/// The most keys of a JWKS, those of other algorithms included.
pub(crate) const MAX_KEYS: usize = 100;

/// The public keys of a JWKS that verify tokens of one algorithm: at least one.
pub(crate) struct KeySet {
    algorithm: JwksAlgorithm,
    keys: Vec<UsableKey>,
}

impl KeySet {
    /// Reads a JWKS. Keys that are not meant for `algorithm` are passed over, as RFC 7517,
    /// section 5 asks for.
    pub(crate) fn read(text: &[u8], algorithm: JwksAlgorithm) -> Result<Self, JwksFault> {
        if text.len() > MAX_SET_BYTES {
            return Err(JwksFault::TooLong);
        }
        let set = json::read(text).map_err(JwksFault::Json)?;
        let Some(Json::Array(members)) = set.get("keys") else {
            return Err(JwksFault::NotASet);
        };
        if members.len() > MAX_KEYS {
            return Err(JwksFault::TooManyKeys);
        }
        let keys: Vec<UsableKey> = members
            .iter()
            .filter_map(|jwk| UsableKey::read(jwk, algorithm))
            .collect();
        if keys.is_empty() {
            return Err(JwksFault::NoUsableKey);
        }
        Ok(Self { algorithm, keys })
    }

    /// Whether the key that a token names made its signature; without a name there must be no
    /// choice.
    pub(crate) fn verify(
        &self,
        key_id: Option<&str>,
        signing_input: &str,
        signature: &str,
    ) -> Result<(), TokenFault> {
        let named: Vec<&DecodingKey> = match (key_id, self.keys.as_slice()) {
            (None, [only]) => vec![&only.key],
            (None, _) => vec![],
            (Some(_), keys) => keys
                .iter()
                .filter(|key| key.id.as_deref() == key_id)
                .map(|key| &key.key)
                .collect(),
        };
        if named.is_empty() {
            return Err(TokenFault::UnknownKey);
        }
        let message = signing_input.as_bytes();
        let algorithm = self.algorithm.of_library();
        named
            .into_iter()
            .any(|key| crypto::verify(signature, message, key, algorithm).unwrap_or(false))
            .then_some(())
            .ok_or(TokenFault::Signature)
    }
}

/// Reads a JWKS file at the start.
pub(crate) fn read_file(path: &Path, algorithm: JwksAlgorithm) -> Result<KeySet, JwtSettingsError> {
    let text = location::read(path).map_err(|error| JwtSettingsError::JwksFile(error.kind()))?;
    KeySet::read(&text, algorithm).map_err(JwtSettingsError::Jwks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(text: &str) -> Option<JwksFault> {
        KeySet::read(text.as_bytes(), JwksAlgorithm::EdDsa).err()
    }

    fn ed25519(more: &str) -> String {
        format!(
            r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"{more}}}"#,
            "A".repeat(43)
        )
    }

    #[test]
    fn a_set_is_an_object_with_an_array_of_keys() {
        for text in ["[]", "null", "{}", r#"{"keys":{}}"#, r#"{"Keys":[]}"#] {
            assert_eq!(fault(text), Some(JwksFault::NotASet), "{text}");
        }
        assert_eq!(
            fault("<html>"),
            Some(JwksFault::Json(json::JsonError::Malformed))
        );
    }

    #[test]
    fn a_name_given_twice_spoils_the_set() {
        let twice = format!(r#"{{"keys":[{}]}}"#, ed25519(r#","kty":"OKP""#));
        assert_eq!(
            fault(&twice),
            Some(JwksFault::Json(json::JsonError::RepeatedKey))
        );
    }

    #[test]
    fn a_set_without_a_usable_key_is_none() {
        for keys in ["", "1", "{}", &ed25519(r#","use":"enc""#)] {
            let text = format!(r#"{{"keys":[{keys}]}}"#);
            assert_eq!(fault(&text), Some(JwksFault::NoUsableKey), "{text}");
        }
    }

    #[test]
    fn a_usable_key_is_found_among_others_and_in_front_of_unknown_members() {
        let text = format!(r#"{{"keys":[1,{{}},{}],"x":0}}"#, ed25519(""));
        assert_eq!(fault(&text), None);
    }

    #[test]
    fn keys_and_bytes_are_counted() {
        let of = |count| {
            let keys = vec![ed25519(""); count].join(",");
            format!(r#"{{"keys":[{keys}]}}"#)
        };
        assert_eq!(fault(&of(MAX_KEYS)), None);
        assert_eq!(fault(&of(MAX_KEYS + 1)), Some(JwksFault::TooManyKeys));
        let mut text = of(1);
        text.push_str(&" ".repeat(MAX_SET_BYTES - text.len()));
        assert_eq!(fault(&text), None);
        text.push(' ');
        assert_eq!(fault(&text), Some(JwksFault::TooLong));
    }

    proptest! {
        #[test]
        fn no_text_is_too_much_for_the_reader(text in ".{0,200}") {
            drop(KeySet::read(text.as_bytes(), JwksAlgorithm::Rs256));
        }
    }
}
