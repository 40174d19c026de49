use nexus_raw::json::Json;

use crate::{Part, TokenFault, compact, keys::KeySource};

/// Parameters that would change how a token is verified or bring a key along: keys come from
/// the configuration, and no extension is understood (RFC 7515, sections 4.1.2 to 4.1.6 and
/// 4.1.11; RFC 7516, section 4.1.3; RFC 7797, section 3).
const FORBIDDEN: [&str; 7] = ["crit", "jwk", "jku", "x5u", "x5c", "zip", "b64"];

/// What a token says of its own verification. Nobody has vouched for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnverifiedHeader {
    /// `kid`, which says which key to try, where there are several.
    pub(crate) key_id: Option<String>,
}

impl UnverifiedHeader {
    /// Reads the header of a token that one of `keys` must have signed.
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

/// Whether a token of this type is one to come in by: of RFC 7519, section 5.1, or RFC 9068,
/// section 2.1. Issuers also sign tokens for other ends with the same keys (logout, `DPoP` proofs,
/// refresh). A media type has no case, and its `application/` may be left out (RFC 7515, 4.1.9).
fn is_ours(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    let subtype = typ.strip_prefix("application/").unwrap_or(&typ);
    matches!(subtype, "jwt" | "at+jwt")
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
