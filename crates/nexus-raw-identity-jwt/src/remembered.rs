use std::{fmt, sync::Arc, time::Duration};

use nexus_raw::{tenancy::Principal, time::Timestamp};
use quick_cache::{Weighter, sync::Cache};

use crate::{
    JwtSettings,
    claims::{Claims, TokenTimes},
    keys::KeyGeneration,
};

/// How long a token is remembered after it was verified.
const KEPT: Duration = Duration::from_mins(1);

/// The memory of all remembered tokens, in bytes; two thousand of usual ones.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// The number of tokens for which the tables are made; they grow beyond it.
const USUAL_TOKENS: usize = 100;

/// Tokens that were verified lately. Refused ones are not remembered.
///
/// A token is found by its whole text: under a hash by a random key, which does not show how much of
/// a guess is right, and then by comparison.
pub(crate) struct RememberedTokens(Cache<Box<str>, Arc<RememberedToken>, TokenWeight>);

/// A verified token.
pub(crate) struct RememberedToken {
    /// With which keys it was verified.
    pub(crate) keys: KeyGeneration,
    pub(crate) principal: Principal,
    times: TokenTimes,
    verified_at: Timestamp,
}

#[derive(Clone)]
struct TokenWeight;

impl Weighter<Box<str>, Arc<RememberedToken>> for TokenWeight {
    /// Estimates the memory of an entry: names of tenants take several times as much as in the text.
    fn weight(&self, token: &Box<str>, _: &Arc<RememberedToken>) -> u64 {
        u64::try_from(8 * token.len()).map_or(u64::MAX, |bytes| bytes + 512)
    }
}

impl Default for RememberedTokens {
    fn default() -> Self {
        Self(Cache::with_weighter(USUAL_TOKENS, MAX_BYTES, TokenWeight))
    }
}

impl RememberedTokens {
    pub(crate) fn find(&self, token: &str) -> Option<Arc<RememberedToken>> {
        self.0.get(token)
    }

    /// Remembers a token that was verified at `now`.
    pub(crate) fn keep(&self, token: &str, keys: KeyGeneration, claims: Claims, now: Timestamp) {
        let Claims { principal, times } = claims;
        let verified = RememberedToken {
            keys,
            principal,
            times,
            verified_at: now,
        };
        self.0.insert(token.into(), Arc::new(verified));
    }
}

impl RememberedToken {
    /// Returns whether verifying the token now with the same keys would have the same result. A
    /// clock that was set back ends it too.
    pub(crate) fn is_valid(&self, settings: &JwtSettings, now: Timestamp) -> bool {
        let is_recent = now >= self.verified_at && now.since(self.verified_at) < KEPT;
        is_recent && self.times.check(settings, now).is_ok()
    }
}

impl fmt::Debug for RememberedTokens {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RememberedTokens").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use nexus_raw::tenancy::UserId;

    use super::*;
    use crate::KeySettings;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(seconds))
    }

    fn settings() -> JwtSettings {
        let keys = KeySettings::Hs256 {
            secret: "not a secret, but 32 bytes long!".into(),
            previous: None,
        };
        JwtSettings::new("https://issuer.test", "nexus-raw", keys)
    }

    fn keep(tokens: &RememberedTokens, token: &str, now: Timestamp) {
        let user = UserId::parse("u").unwrap();
        let claims = Claims {
            principal: Principal::from_verified(user, BTreeMap::new()),
            times: TokenTimes::of(1_000.0, 2_000.0),
        };
        tokens.keep(token, KeyGeneration::of_load(1), claims, now);
    }

    #[test]
    fn a_token_is_remembered_for_a_minute_and_only_under_its_whole_text() {
        let tokens = RememberedTokens::default();
        keep(&tokens, "a.b.c", at(1_000));
        for other in ["", "a.b.", "a.b.cc", "a.b.d", "A.b.c"] {
            assert!(tokens.find(other).is_none(), "{other}");
        }
        let known = tokens.find("a.b.c").unwrap();
        let is_valid = |seconds| known.is_valid(&settings(), at(seconds));
        assert!(is_valid(1_000) && is_valid(1_059));
        assert!(!is_valid(1_060), "a minute later");
        assert!(!is_valid(999), "before it was verified");
    }

    #[test]
    fn a_token_is_not_remembered_beyond_its_end() {
        let tokens = RememberedTokens::default();
        keep(&tokens, "a.b.c", at(2_040));
        let known = tokens.find("a.b.c").unwrap();
        assert!(known.is_valid(&settings(), at(2_059)));
        assert!(!known.is_valid(&settings(), at(2_060)), "exp and leeway");
    }

    #[test]
    fn what_is_remembered_is_bounded_in_bytes() {
        let tokens = RememberedTokens::default();
        for number in 0..5_000 {
            keep(
                &tokens,
                &format!("{number}{}", ".".repeat(1_000)),
                at(1_000),
            );
            assert!(tokens.0.weight() <= MAX_BYTES);
        }
        assert!(tokens.0.len() > 500, "{}", tokens.0.len());
    }

    #[test]
    fn nothing_of_a_token_is_printed() {
        let tokens = RememberedTokens::default();
        keep(&tokens, "a.b.c", at(1_000));
        assert_eq!(format!("{tokens:?}"), "RememberedTokens { .. }");
    }
}
