use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use strict_json::Json;

use crate::{Part, TokenFault};

/// The maximum length of a token, in bytes. Longer ones are refused before parsing.
pub(crate) const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// A JWS in compact form (RFC 7515, section 3.1), split but not verified.
pub(crate) struct UnverifiedToken<'a> {
    /// The exact bytes that were signed: the first two parts and the dot between them.
    pub(crate) signing_input: &'a str,
    pub(crate) header: &'a str,
    pub(crate) claims: &'a str,
    pub(crate) signature: &'a str,
}

impl<'a> UnverifiedToken<'a> {
    pub(crate) fn split(token: &'a str) -> Result<Self, TokenFault> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenFault::TooLong {
                limit: MAX_TOKEN_BYTES,
            });
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(TokenFault::NotThreeParts)?;
        let (header, claims) = signing_input
            .split_once('.')
            .filter(|(_, claims)| !claims.contains('.'))
            .ok_or(TokenFault::NotThreeParts)?;
        Ok(Self {
            signing_input,
            header,
            claims,
            signature,
        })
    }
}

/// Decodes base64url (RFC 7515, section 2): no padding, no line breaks, and the last character's
/// spare bits zero, so that no two texts decode to the same bytes.
pub(crate) fn decode(part: Part, text: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| TokenFault::Base64(part))
}

/// Decodes a part that must be a JSON object.
pub(crate) fn decode_object(part: Part, text: &str) -> Result<Json, TokenFault> {
    let value = strict_json::read(&decode(part, text)?)
        .map_err(|source| TokenFault::Json { part, source })?;
    match value {
        Json::Object(_) => Ok(value),
        _ => Err(TokenFault::NotAnObject(part)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_exactly_three_parts() {
        let token = UnverifiedToken::split("aa.bb.cc").ok().unwrap();
        assert_eq!(
            [
                token.signing_input,
                token.header,
                token.claims,
                token.signature
            ],
            ["aa.bb", "aa", "bb", "cc"]
        );
        for other in ["", "aa", "aa.bb", "aa.bb.cc.dd", "aa.bb.cc.dd.ee"] {
            assert_eq!(
                UnverifiedToken::split(other).err(),
                Some(TokenFault::NotThreeParts),
                "{other}"
            );
        }
    }

    #[test]
    fn base64url_has_one_spelling() {
        assert_eq!(decode(Part::Claims, "-_8"), Ok(vec![0xfb, 0xff]));
        for other in ["-_8=", "+/8", "-_9", "-_8\n", " -_8", "-", "-_8A\u{e9}"] {
            assert_eq!(
                decode(Part::Claims, other),
                Err(TokenFault::Base64(Part::Claims)),
                "{other:?}"
            );
        }
    }
}
