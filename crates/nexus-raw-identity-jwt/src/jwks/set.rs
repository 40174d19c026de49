use std::path::Path;

use jsonwebtoken::{DecodingKey, crypto};
use strict_json::Json;

use super::{
    JwksAlgorithm, JwksFault,
    fault::DroppedKey,
    key::{self, UsableKey},
    location,
};
use crate::{JwtSettingsError, TokenFault};

/// The maximum length of a JWKS, in bytes.
pub(crate) const MAX_SET_BYTES: usize = 256 * 1024;

/// The maximum number of keys of a JWKS, including those of other algorithms.
pub(crate) const MAX_KEYS: usize = 100;

/// The public keys of a JWKS for one algorithm, at least one.
pub(crate) struct KeySet {
    algorithm: JwksAlgorithm,
    keys: Vec<UsableKey>,
    /// The ignored keys, for the log.
    pub(crate) dropped: Vec<DroppedKey>,
}

impl KeySet {
    /// Reads a JWKS. Keys for other algorithms are ignored, as RFC 7517, section 5 requires.
    pub(crate) fn read(text: &[u8], algorithm: JwksAlgorithm) -> Result<Self, JwksFault> {
        if text.len() > MAX_SET_BYTES {
            return Err(JwksFault::TooLong);
        }
        let set = strict_json::read(text).map_err(JwksFault::Json)?;
        let Some(Json::Array(members)) = set.get("keys") else {
            return Err(JwksFault::NotASet);
        };
        if members.len() > MAX_KEYS {
            return Err(JwksFault::TooManyKeys);
        }
        let (mut keys, mut dropped) = (Vec::new(), Vec::new());
        for (jwk, position) in members.iter().zip(1..) {
            match UsableKey::read(jwk, algorithm) {
                Ok(key) => keys.push(key),
                Err(fault) => dropped.push(DroppedKey {
                    position,
                    id: key::id(jwk).ok().flatten().map(str::to_owned),
                    fault,
                }),
            }
        }
        if keys.is_empty() {
            return Err(JwksFault::NoUsableKey(dropped));
        }
        Ok(Self {
            algorithm,
            keys,
            dropped,
        })
    }

    /// Returns the number of keys.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Verifies a signature with the key that the token names, or with the only key.
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

/// Reads a JWKS file, at the start.
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
            Some(JwksFault::Json(strict_json::JsonError::Malformed))
        );
    }

    #[test]
    fn a_name_given_twice_spoils_the_set() {
        let twice = format!(r#"{{"keys":[{}]}}"#, ed25519(r#","kty":"OKP""#));
        assert_eq!(
            fault(&twice),
            Some(JwksFault::Json(strict_json::JsonError::RepeatedKey))
        );
    }

    #[test]
    fn a_set_without_a_usable_key_is_none_and_says_why_of_each() {
        for (keys, reasons) in [
            ("", ""),
            ("1", "; key 1: it is not a JSON object"),
            ("{}", "; key 1: kty is not OKP"),
            (
                &ed25519(r#","use":"enc","kid":"2026-11""#),
                "; key 1 (kid 2026-11): use is not sig",
            ),
            (
                &[&ed25519(r#","kid":"../x""#), r#"{"kty":"EC","kid":"b"}"#].join(","),
                "; key 1: kid is not a valid key name; key 2 (kid b): kty is not OKP",
            ),
            (
                &["1"; 17].join(","),
                &(1..=16)
                    .map(|it| format!("; key {it}: it is not a JSON object"))
                    .chain(["; and so on".to_owned()])
                    .collect::<String>(),
            ),
        ] {
            let text = format!(r#"{{"keys":[{keys}]}}"#);
            assert_eq!(
                fault(&text).unwrap().to_string(),
                format!("the JWKS has no public key for the configured algorithm{reasons}"),
            );
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
