use nexus_raw::time::Timestamp;
use strict_json::Json;

/// 2^63, the first number of seconds beyond 64 bits.
const BEYOND_64_BITS: f64 = 9_223_372_036_854_775_808.0;

/// A `NumericDate` (RFC 7519, section 2): seconds since 1970, with or without a fraction.
///
/// A double is exact to the second for 285 million years, and to the microsecond until the year
/// 2242; later dates are refused by the rules on future and lifetime.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(crate) struct NumericDate(f64);

impl NumericDate {
    /// Reads a number by its value, in any notation; `None` if it is not a number or beyond 64
    /// bits.
    pub(crate) fn read(value: &Json) -> Option<Self> {
        let Json::Number(number) = value else {
            return None;
        };
        number
            .as_f64()
            .filter(|seconds| (-BEYOND_64_BITS..BEYOND_64_BITS).contains(seconds))
            .map(Self)
    }

    /// Converts a time; one before 1970 counts as 1970.
    pub(crate) fn of(now: Timestamp) -> Self {
        Self(now.since(Timestamp::UNIX_EPOCH).as_secs_f64())
    }

    pub(crate) fn as_seconds(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    fn read(text: &str) -> Option<f64> {
        NumericDate::read(&strict_json::read(text.as_bytes()).unwrap()).map(NumericDate::as_seconds)
    }

    #[test]
    fn a_number_of_64_bits_is_taken_by_its_value() {
        for (text, seconds) in [
            ("1795478400", 1_795_478_400.0),
            ("1795478400.5", 1_795_478_400.5),
            ("1.7954784e9", 1_795_478_400.0),
            ("0", 0.0),
            ("-1", -1.0),
            ("-9223372036854775808", -BEYOND_64_BITS),
        ] {
            assert_eq!(read(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_beyond_64_bits_or_no_number_is_no_date() {
        for text in [
            "9223372036854775808",
            "18446744073709551616",
            "-9223372036854777856",
            "1e19",
            "1e400",
            "-1e400",
            "\"1795478400\"",
            "null",
            "true",
            "[1795478400]",
            "{}",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
