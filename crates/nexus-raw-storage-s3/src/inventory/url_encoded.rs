//! Keys in lists are requested URL-encoded, since XML cannot have all characters of a key.

use std::borrow::Cow;

use aws_sdk_s3::types::EncodingType;
use percent_encoding::percent_decode;

use super::list_fault::ListFault;

/// Decodes a text of a list. A store that ignores the request returns it as it is.
pub(crate) fn decoded(text: &str, encoding: Option<&EncodingType>) -> Result<String, ListFault> {
    if encoding != Some(&EncodingType::Url) {
        return Ok(text.to_owned());
    }
    // as in a form: a space is a plus
    let spaced = text.replace('+', " ");
    let decoded = percent_decode(spaced.as_bytes()).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| ListFault::Key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_decoded_where_the_store_says_that_it_is_encoded() {
        let url = Some(&EncodingType::Url);
        for (text, encoding, expected) in [
            ("a+b%2Bc%C3%BC/%01", url, "a b+c\u{fc}/\u{1}"),
            ("a+b%2Bc", None, "a+b%2Bc"),
        ] {
            assert_eq!(decoded(text, encoding).unwrap(), expected);
        }
        assert!(matches!(decoded("%ff", url), Err(ListFault::Key)));
    }
}
