use std::borrow::Cow;

use nexus_raw::ports::{InventoryError, PageToken};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::list_fault::ListFault;

/// Where a page begins, in the store's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PagePlace {
    /// Of a list of versions: after this key and version.
    Version(String, String),
    /// Of a list of objects: at this token.
    Object(String),
    /// Of a list of uploads: after this key and id.
    Upload(String, String),
}

impl PagePlace {
    pub(crate) fn token(&self) -> PageToken {
        let encoded = |text: &String| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        PageToken::new(match self {
            Self::Version(key, id) => format!("version {} {}", encoded(key), encoded(id)),
            Self::Object(token) => format!("object {}", encoded(token)),
            Self::Upload(key, id) => format!("upload {} {}", encoded(key), encoded(id)),
        })
    }

    pub(crate) fn parse(token: &PageToken) -> Result<Self, InventoryError> {
        let decoded = |text: &str| {
            let text = percent_decode_str(text).decode_utf8();
            text.map(Cow::into_owned).ok()
        };
        let parts: Vec<&str> = token.as_str().split(' ').collect();
        let place = match parts.as_slice() {
            ["version", key, id] => decoded(key)
                .zip(decoded(id))
                .map(|(k, i)| Self::Version(k, i)),
            ["object", token] => decoded(token).map(Self::Object),
            ["upload", key, id] => decoded(key)
                .zip(decoded(id))
                .map(|(k, i)| Self::Upload(k, i)),
            _ => None,
        };
        place.ok_or_else(|| InventoryError::Unusable(Box::new(ListFault::Token)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_reads_back(one in "(?s).{0,20}", other in "(?s).{0,20}") {
            for place in [
                PagePlace::Version(one.clone(), other.clone()),
                PagePlace::Object(one.clone()),
                PagePlace::Upload(one.clone(), other.clone()),
            ] {
                prop_assert_eq!(PagePlace::parse(&place.token()).unwrap(), place);
            }
        }
    }

    #[test]
    fn another_text_is_no_place() {
        for text in [
            "",
            "version a",
            "object",
            "object a b",
            "page 1",
            "object %ff",
        ] {
            let parsed = PagePlace::parse(&PageToken::new(text.to_owned()));
            assert!(
                matches!(parsed, Err(InventoryError::Unusable(_))),
                "{text:?}"
            );
        }
    }
}
