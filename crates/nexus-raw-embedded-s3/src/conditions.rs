//! `If-Match` and `If-None-Match` of a read, by RFC 9110, section 13.

use s3s::dto::{ETag, ETagCondition};
use s3s::{S3Result, s3_error};

/// Checks the conditions of a read of the object with `etag`.
///
/// # Errors
/// 412 if `If-Match` names another object, 304 if `If-None-Match` names this one.
pub(crate) fn check_read(
    etag: &ETag,
    if_match: Option<&ETagCondition>,
    if_none_match: Option<&ETagCondition>,
) -> S3Result<()> {
    let names_it = |condition: &ETagCondition| match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(other) => etag.strong_cmp(other),
    };
    // weak comparison: section 13.1.2
    let names_it_weakly = |condition: &ETagCondition| match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(other) => etag.weak_cmp(other),
    };
    if if_match.is_some_and(|condition| !names_it(condition)) {
        return Err(s3_error!(
            PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold"
        ));
    }
    if if_none_match.is_some_and(names_it_weakly) {
        return Err(s3_error!(NotModified, "Not Modified"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3s::S3ErrorCode;

    fn check(if_match: Option<&str>, if_none_match: Option<&str>) -> Result<(), S3ErrorCode> {
        let parse = |text: Option<&str>| text.map(|text| text.parse::<ETagCondition>().unwrap());
        check_read(
            &ETag::Strong("a".to_owned()),
            parse(if_match).as_ref(),
            parse(if_none_match).as_ref(),
        )
        .map_err(|error| error.code().clone())
    }

    #[test]
    fn a_read_goes_on_where_its_conditions_hold() {
        for (if_match, if_none_match) in [
            (None, None),
            (Some("\"a\""), None),
            (Some("*"), Some("\"b\"")),
        ] {
            assert_eq!(check(if_match, if_none_match), Ok(()));
        }
    }

    #[test]
    fn a_read_of_another_object_fails() {
        let failed = Err(S3ErrorCode::PreconditionFailed);
        assert_eq!(check(Some("\"b\""), None), failed);
        assert_eq!(check(Some("W/\"a\""), Some("\"a\"")), failed);
    }

    #[test]
    fn a_read_of_the_known_object_is_not_modified() {
        for condition in ["\"a\"", "W/\"a\"", "*"] {
            assert_eq!(check(None, Some(condition)), Err(S3ErrorCode::NotModified));
        }
    }
}
