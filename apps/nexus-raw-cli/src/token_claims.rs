//! What a token says of its user. Nothing is verified, which only the service can: the claims are
//! shown to the user, and decide nothing.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nexus_raw::time::Timestamp;
use serde_json::{Map, Value};

/// Every server refuses a longer token.
pub(crate) const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The claims of a token that say who its user is. A claim of another type is as an absent one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) sub: Option<String>,
    pub(crate) iss: Option<String>,
    /// End of the token.
    pub(crate) exp: Option<Timestamp>,
    /// The tenants of the user, each with a role if there is one; `None` of a token that has them
    /// elsewhere.
    pub(crate) roles: Option<BTreeMap<String, Option<String>>>,
}

/// Decodes the payload of a JSON Web Token; `None` if it has none.
///
/// The claims with tenants and roles are those of the server's default configuration.
pub(crate) fn claims(token: &str) -> Option<Claims> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let payload: Map<String, Value> = serde_json::from_slice(&payload).ok()?;
    let text = |name: &str| payload.get(name)?.as_str().map(str::to_owned);
    Some(Claims {
        sub: text("sub"),
        iss: text("iss"),
        exp: payload.get("exp").and_then(instant),
        roles: roles(&payload),
    })
}

/// Reads seconds since 1970, whose fraction does not matter here.
fn instant(value: &Value) -> Option<Timestamp> {
    let whole = value.as_number()?.to_string();
    let whole = whole.split('.').next()?;
    let micros = whole.parse::<i64>().ok()?.checked_mul(1_000_000)?;
    Timestamp::from_micros(micros).ok()
}

fn roles(payload: &Map<String, Value>) -> Option<BTreeMap<String, Option<String>>> {
    let tenants = payload.get("tenant_ids")?.as_array()?;
    let tenants = tenants.iter().filter_map(Value::as_str);
    let role_map = payload.get("role_map").and_then(Value::as_object);
    let role = |tenant: &str| {
        let role = role_map?.get(tenant)?.as_str()?;
        Some(role.to_owned())
    };
    Some(tenants.map(|it| (it.to_owned(), role(it))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn the_claims_are_those_of_the_payload() {
        let payload = r#"{"sub":"u_demo","iss":"i","exp":1700000000,
            "tenant_ids":["t_a","t_b"],"role_map":{"t_a":"owner","t_c":"admin"},"jti":"x"}"#;
        let expected = Claims {
            sub: Some("u_demo".to_owned()),
            iss: Some("i".to_owned()),
            exp: Timestamp::from_micros(1_700_000_000_000_000).ok(),
            roles: Some(BTreeMap::from([
                ("t_a".to_owned(), Some("owner".to_owned())),
                ("t_b".to_owned(), None),
            ])),
        };
        assert_eq!(claims(&token(payload)), Some(expected));
    }

    #[test]
    fn a_claim_of_another_type_is_absent() {
        let payload = r#"{"sub":7,"iss":null,"exp":"soon","tenant_ids":"t_a","role_map":[]}"#;
        assert_eq!(claims(&token(payload)), Some(Claims::default()));
        let fraction = claims(&token(r#"{"exp":1700000000.5}"#)).unwrap();
        assert_eq!(fraction.exp.unwrap().as_unix_seconds(), 1_700_000_000);
        for exp in [
            "1e30",
            "-1e300",
            "99999999999999999999",
            "9223372036854775807",
        ] {
            let claims = claims(&token(&format!("{{\"exp\":{exp}}}"))).unwrap();
            assert_eq!(claims.exp, None, "{exp}");
        }
    }

    #[test]
    fn what_is_no_token_has_no_claims() {
        let long = token(&format!("{{\"sub\":\"{}\"}}", "x".repeat(MAX_TOKEN_BYTES)));
        let array = token("[]");
        for text in [
            "",
            "a",
            "aaaa.bbbb.cccc",
            "e30.e30",
            "e30.e30.e30.e30",
            &long,
            &array,
        ] {
            assert_eq!(claims(text), None, "{text}");
        }
    }
}
