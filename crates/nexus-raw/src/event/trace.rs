use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::text::validated_text;

/// The trace that a request belongs to (W3C Trace Context, `trace-id`): 16 bytes, not all zero,
/// written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// Why something is no [`TraceId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 32 lower-case hexadecimal digits, not all zero")]
#[non_exhaustive]
pub struct TraceIdError;

impl TraceId {
    /// Takes the 16 bytes of an id.
    ///
    /// # Errors
    /// When all are zero.
    pub fn from_bytes(bytes: [u8; 16]) -> Result<Self, TraceIdError> {
        if bytes == [0; 16] {
            Err(TraceIdError)
        } else {
            Ok(Self(bytes))
        }
    }

    /// Reads 32 lower-case hexadecimal digits.
    ///
    /// # Errors
    /// On any other text, and when all digits are zero.
    pub fn parse(text: &str) -> Result<Self, TraceIdError> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(TraceIdError);
        }
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| TraceIdError)?;
        Self::from_bytes(bytes)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 32];
        hex::encode_to_slice(self.0, &mut digits).map_err(|_| fmt::Error)?;
        out.write_str(str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TraceId({self})")
    }
}

impl Serialize for TraceId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TraceId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// One request, as the caller or the service named it: `^[A-Za-z0-9._-]{1,128}$`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

/// Why a text is no [`RequestId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 128 of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`")]
#[non_exhaustive]
pub struct RequestIdError;

impl RequestId {
    fn check(text: &str) -> Result<(), RequestIdError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if (1..=128).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(())
        } else {
            Err(RequestIdError)
        }
    }
}

validated_text!(RequestId, RequestIdError);

/// What ties records, events and log lines to the request that caused them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The request.
    pub request_id: RequestId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_id_is_thirty_two_lower_case_digits_not_all_zero() {
        let good = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(
            TraceId::parse(good).map(|id| id.to_string()),
            Ok(good.to_owned())
        );
        for bad in [
            "",
            "00000000000000000000000000000000",
            "4BF92F3577B34DA6A3CE929D0E0E4736",
            &good[1..],
        ] {
            assert_eq!(TraceId::parse(bad), Err(TraceIdError), "{bad:?}");
        }
    }

    #[test]
    fn a_request_id_has_no_character_that_could_break_a_log_line() {
        assert!(RequestId::parse("a.B_9-").is_ok());
        for bad in ["", "a b", "a\n", "a\u{1b}[0m", "\u{e9}", &"a".repeat(129)] {
            assert_eq!(RequestId::parse(bad), Err(RequestIdError), "{bad:?}");
        }
    }
}
