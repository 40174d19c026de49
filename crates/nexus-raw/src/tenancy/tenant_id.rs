use std::sync::Arc;

use crate::text::validated_text;

/// A tenant of the platform, as `X-Tenant-Id` names it: `^t_[a-z0-9_-]{1,61}$`.
///
/// The alphabet has neither `/` nor upper case, so that a tenant is one segment of an object
/// key, one token of a message subject, and never equal to another tenant but for case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Arc<str>);

/// Why a text is no [`TenantId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `t_` and then 1 to 61 of `a-z`, `0-9`, `_` and `-`")]
#[non_exhaustive]
pub struct TenantIdError;

impl TenantId {
    fn check(text: &str) -> Result<(), TenantIdError> {
        let rest = text.strip_prefix("t_").ok_or(TenantIdError)?;
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if (1..=61).contains(&rest.len()) && rest.bytes().all(allowed) {
            Ok(())
        } else {
            Err(TenantIdError)
        }
    }
}

validated_text!(TenantId, TenantIdError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_id_is_t_underscore_and_one_to_sixty_one_lower_case_characters() {
        let longest = format!("t_{}", "a".repeat(61));
        for good in ["t_demo", "t_a", "t_a_b-9", longest.as_str()] {
            assert_eq!(
                TenantId::parse(good).map(|id| id.to_string()),
                Ok(good.to_owned())
            );
        }
    }

    #[test]
    fn any_other_text_is_refused_whole() {
        let too_long = format!("t_{}", "a".repeat(62));
        for bad in [
            "",
            "t_",
            "demo",
            "T_demo",
            "t_Demo",
            "t_a b",
            " t_a",
            "t_a ",
            "t_a\n",
            "t_a,t_b",
            "t_a/b",
            "t_\u{e4}",
            "t_a.b",
            "t_a\u{0}",
            too_long.as_str(),
        ] {
            assert_eq!(TenantId::parse(bad), Err(TenantIdError), "{bad:?}");
        }
    }
}
