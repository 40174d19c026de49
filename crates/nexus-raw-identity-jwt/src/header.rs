use strict_json::Json;

use crate::{Part, TokenFault, compact, keys::KeySource};

/// Parameters that would change how a token is verified or contain a key: keys come only from the
/// configuration, and no extension is supported (RFC 7515, sections 4.1.2 to 4.1.6 and
/// 4.1.11; RFC 7516, section 4.1.3; RFC 7797, section 3).
const FORBIDDEN: [&str; 7] = ["crit", "jwk", "jku", "x5u", "x5c", "zip", "b64"];

/// The unverified header of a token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnverifiedHeader {
    /// `kid`, which selects one of several keys.
    pub(crate) key_id: Option<String>,
}

impl UnverifiedHeader {
    /// Reads and checks the header of a token against `keys`.
    pub(crate) fn read(text: &str, keys: &KeySource) -> Result<Self, TokenFault> {
        let header = compact::decode_object(Part::Header, text)?;
        if let Some(name) = FORBIDDEN
            .into_iter()
            .find(|name| header.get(name).is_some())
        {
            return Err(TokenFault::HeaderForbidden { name });
        }
        let alg = header.get("alg").and_then(Json::as_str);
        if !alg.is_some_and(|alg| keys.takes(alg)) {
            return Err(TokenFault::Algorithm);
        }
        if optional_string(&header, "typ")?.is_some_and(|it| !is_ours(it)) {
            return Err(TokenFault::Type);
        }
        let key_id = optional_string(&header, "kid")?.map(str::to_owned);
        Ok(Self { key_id })
    }
}

/// Returns whether this type is one of access tokens: RFC 7519, section 5.1, or RFC 9068, section
/// 2.1. Issuers sign tokens for other uses with the same keys (logout, `DPoP` proofs, refresh). A
/// media type ignores case, and its `application/` may be omitted (RFC 7515, 4.1.9).
fn is_ours(typ: &str) -> bool {
    const NAMES: [&str; 4] = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"];
    NAMES.iter().any(|name| typ.eq_ignore_ascii_case(name))
}

fn optional_string<'a>(
    header: &'a Json,
    name: &'static str,
) -> Result<Option<&'a str>, TokenFault> {
    header
        .get(name)
        .map(|value| value.as_str().ok_or(TokenFault::HeaderType { name }))
        .transpose()
}
