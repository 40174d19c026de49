use std::collections::BTreeMap;

use nexus_raw::{
    tenancy::{Principal, Role, TenantId, UserId},
    time::Timestamp,
};
use strict_json::Json;

use crate::{JwtSettings, Part, TokenFault, compact, numeric_date::NumericDate};

/// What the claims of a token say.
pub(crate) struct Claims {
    pub(crate) principal: Principal,
    pub(crate) times: TokenTimes,
}

/// When a token is valid, in seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenTimes {
    issued: f64,
    not_before: Option<f64>,
    expires: f64,
}

/// Reads the claims of a token with a verified signature, and checks its issuer, audience and
/// lifetime.
pub(crate) fn read(
    text: &str,
    settings: &JwtSettings,
    now: Timestamp,
) -> Result<Claims, TokenFault> {
    let claims = compact::decode_object(Part::Claims, text)?;
    // valid only with a proof of possession (RFC 7800), which is not supported
    if claims.get("cnf").is_some() {
        return Err(TokenFault::ClaimForbidden { name: "cnf" });
    }
    check_issuer(&claims, settings)?;
    check_audience(&claims, settings)?;
    let times = TokenTimes::read(&claims)?;
    times.check(settings, now)?;
    let subject = string(&claims, "sub")?;
    let user = UserId::parse(subject).map_err(|_| TokenFault::Subject)?;
    Ok(Claims {
        principal: Principal::from_verified(user, memberships(&claims, settings)?),
        times,
    })
}

fn check_issuer(claims: &Json, settings: &JwtSettings) -> Result<(), TokenFault> {
    if string(claims, "iss")? == settings.issuer {
        Ok(())
    } else {
        Err(TokenFault::Issuer)
    }
}

/// Checks `aud` (RFC 7519, section 4.1.3): a string, or an array of strings, with our audience.
fn check_audience(claims: &Json, settings: &JwtSettings) -> Result<(), TokenFault> {
    let is_us = match required(claims, "aud")? {
        Json::String(audience) => *audience == settings.audience,
        other => strings(other, "aud")?.contains(&settings.audience.as_str()),
    };
    if is_us {
        Ok(())
    } else {
        Err(TokenFault::Audience)
    }
}

impl TokenTimes {
    fn read(claims: &Json) -> Result<Self, TokenFault> {
        Ok(Self {
            expires: date(required(claims, "exp")?, "exp")?,
            issued: date(required(claims, "iat")?, "iat")?,
            not_before: claims.get("nbf").map(|it| date(it, "nbf")).transpose()?,
        })
    }

    #[cfg(test)]
    pub(crate) fn of(issued: f64, expires: f64) -> Self {
        Self {
            issued,
            not_before: None,
            expires,
        }
    }

    /// Checks that the token is valid now.
    pub(crate) fn check(self, settings: &JwtSettings, now: Timestamp) -> Result<(), TokenFault> {
        let now = NumericDate::of(now).as_seconds();
        let leeway = settings.leeway.as_secs_f64();
        let Self {
            issued,
            not_before,
            expires,
        } = self;
        if issued > now + leeway {
            return Err(TokenFault::IssuedInFuture);
        }
        if not_before.is_some_and(|not_before| not_before > now + leeway) {
            return Err(TokenFault::NotYetValid);
        }
        // RFC 7519, section 4.1.4: not on `exp` either
        if now - leeway >= expires {
            return Err(TokenFault::Expired);
        }
        let lifetime = expires - issued;
        if lifetime <= 0.0 || lifetime > settings.max_lifetime.as_secs_f64() {
            return Err(TokenFault::Lifetime);
        }
        Ok(())
    }
}

/// Returns the tenants that the token lists, each with its role. A role for any other tenant is
/// ignored; so is a member that is not a valid tenant name, since no header can have it.
fn memberships(
    claims: &Json,
    settings: &JwtSettings,
) -> Result<BTreeMap<TenantId, Option<Role>>, TokenFault> {
    let tenant_ids = match claims.get(&settings.tenant_ids_claim) {
        Some(value) => strings(value, &settings.tenant_ids_claim)?,
        None => Vec::new(),
    };
    let roles = match claims.get(&settings.role_map_claim) {
        Some(value) => string_map(value, &settings.role_map_claim)?,
        None => BTreeMap::new(),
    };
    Ok(tenant_ids
        .into_iter()
        .filter_map(|tenant| {
            let role = roles.get(tenant).and_then(|name| Role::from_name(name));
            TenantId::parse(tenant).ok().map(|tenant| (tenant, role))
        })
        .collect())
}

fn required<'a>(claims: &'a Json, name: &'static str) -> Result<&'a Json, TokenFault> {
    claims.get(name).ok_or(TokenFault::ClaimMissing { name })
}

fn string<'a>(claims: &'a Json, name: &'static str) -> Result<&'a str, TokenFault> {
    required(claims, name)?
        .as_str()
        .ok_or_else(|| wrong_type(name))
}

fn date(value: &Json, name: &str) -> Result<f64, TokenFault> {
    NumericDate::read(value)
        .map(NumericDate::as_seconds)
        .ok_or_else(|| wrong_type(name))
}

fn strings<'a>(value: &'a Json, name: &str) -> Result<Vec<&'a str>, TokenFault> {
    let Json::Array(members) = value else {
        return Err(wrong_type(name));
    };
    members
        .iter()
        .map(|member| member.as_str().ok_or_else(|| wrong_type(name)))
        .collect()
}

fn string_map<'a>(value: &'a Json, name: &str) -> Result<BTreeMap<&'a str, &'a str>, TokenFault> {
    let Json::Object(members) = value else {
        return Err(wrong_type(name));
    };
    members
        .iter()
        .map(|(key, member)| {
            let member = member.as_str().ok_or_else(|| wrong_type(name))?;
            Ok((key.as_str(), member))
        })
        .collect()
}

fn wrong_type(name: &str) -> TokenFault {
    TokenFault::ClaimType {
        name: name.to_owned(),
    }
}
