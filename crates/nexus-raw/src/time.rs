//! Instants as the records and the wire have them.

use std::{fmt, time::Duration};

use chrono::{DateTime, Datelike, NaiveDateTime, Timelike};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant, to the microsecond, in the years 1 to 9999.
///
/// Its text is RFC 3339 in UTC, ending in `Z`, with a fraction of six digits only where it is
/// not zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a text or number is no instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// Not `YYYY-MM-DDThh:mm:ss`, an optional fraction of 1 to 6 digits, and `Z` or `+hh:mm` or
    /// `-hh:mm`; or no day or time of the calendar.
    #[error(
        "must be an RFC 3339 time such as `2008-10-22T16:28:39.5+02:00`, with a fraction of at most 6 digits and no second 60"
    )]
    Format,
    /// Outside the years 1 to 9999, as written or in UTC.
    #[error("must be within the years 1 to 9999, also in UTC")]
    Range,
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(0);

    /// Takes microseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`TimestampError::Range`] outside the years 1 to 9999.
    pub fn from_micros(micros: i64) -> Result<Self, TimestampError> {
        if (Self::FIRST.0..=Self::LAST.0).contains(&micros) {
            Ok(Self(micros))
        } else {
            Err(TimestampError::Range)
        }
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded towards the past.
    #[must_use]
    pub fn as_unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The instant `duration` later, or the last one there is.
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_add(micros)).unwrap_or(Self::LAST)
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads a text of the wire and gives the instant and the offset it was written with, in
    /// minutes east of UTC.
    ///
    /// Stricter than RFC 3339 and than chrono's reader: capital `T` and `Z`, 1 to 6 digits of
    /// fraction, no leap second, so that one instant is not read in two ways.
    ///
    /// # Errors
    /// See [`TimestampError`].
    pub(crate) fn parse_with_offset(text: &str) -> Result<(Self, i16), TimestampError> {
        let (date_time, offset_minutes) = split_offset(text)?;
        let local = parse_local(date_time)?;
        let micros = local.and_utc().timestamp_micros() - i64::from(offset_minutes) * 60_000_000;
        if !(1..=9999).contains(&local.year()) {
            return Err(TimestampError::Range);
        }
        Ok((Self::from_micros(micros)?, offset_minutes))
    }

    /// 0001-01-01T00:00:00Z.
    const FIRST: Self = Self(-62_135_596_800_000_000);
    /// 9999-12-31T23:59:59.999999Z.
    const LAST: Self = Self(253_402_300_799_999_999);
}

/// Splits `...Z`, `...+hh:mm` or `...-hh:mm` into the text before the offset and its minutes.
fn split_offset(text: &str) -> Result<(&str, i16), TimestampError> {
    if let Some(date_time) = text.strip_suffix('Z') {
        return Ok((date_time, 0));
    }
    let (date_time, offset) = text
        .len()
        .checked_sub(6)
        .and_then(|at| text.split_at_checked(at))
        .ok_or(TimestampError::Format)?;
    let &[sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] = offset.as_bytes() else {
        return Err(TimestampError::Format);
    };
    if ![h1, h2, m1, m2].iter().all(u8::is_ascii_digit) {
        return Err(TimestampError::Format);
    }
    let number = |tens: u8, ones: u8| i16::from(tens - b'0') * 10 + i16::from(ones - b'0');
    let (hours, minutes) = (number(h1, h2), number(m1, m2));
    if hours > 23 || minutes > 59 {
        return Err(TimestampError::Format);
    }
    let east = hours * 60 + minutes;
    Ok((date_time, if sign == b'-' { -east } else { east }))
}

/// Reads `YYYY-MM-DDThh:mm:ss[.1-6 digits]` exactly.
fn parse_local(text: &str) -> Result<NaiveDateTime, TimestampError> {
    const SHAPE: &[u8; 19] = b"0000-00-00T00:00:00";
    let (whole, fraction) = text
        .split_at_checked(SHAPE.len())
        .ok_or(TimestampError::Format)?;
    let fits = |(byte, shape): (u8, &u8)| {
        if *shape == b'0' {
            byte.is_ascii_digit()
        } else {
            byte == *shape
        }
    };
    let shaped = whole.bytes().zip(SHAPE).all(fits) && !whole.ends_with("60");
    let fraction_shaped = fraction.is_empty()
        || fraction.strip_prefix('.').is_some_and(|digits| {
            (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
    if !shaped || !fraction_shaped {
        return Err(TimestampError::Format);
    }
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map_err(|_| TimestampError::Format)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // each record, event and log line has some: chrono's writer takes several times as long
        let at = DateTime::from_timestamp_micros(self.0).unwrap_or_default();
        // without its offset, which each of its fields would be computed with
        let at = at.naive_utc();
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let fields = [
            (0..4, at.year().unsigned_abs()),
            (5..7, at.month()),
            (8..10, at.day()),
            (11..13, at.hour()),
            (14..16, at.minute()),
            (17..19, at.second()),
            (20..26, at.nanosecond() / 1000),
        ];
        for (place, mut number) in fields {
            for digit in text[place].iter_mut().rev() {
                *digit += u8::try_from(number % 10).unwrap_or(0);
                number /= 10;
            }
        }
        let written = if self.0 % 1_000_000 == 0 {
            text[19] = b'Z';
            &text[..20]
        } else {
            &text[..]
        };
        out.write_str(str::from_utf8(written).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Timestamp({self})")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Self::parse_with_offset(&text)
            .map(|(at, _)| at)
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<(String, i16), TimestampError> {
        Timestamp::parse_with_offset(text).map(|(at, offset)| (at.to_string(), offset))
    }

    #[test]
    fn an_instant_is_written_in_utc_with_six_digits_only_where_they_are_not_zero() {
        for (text, written, offset) in [
            ("2008-10-22T16:28:39Z", "2008-10-22T16:28:39Z", 0),
            ("2008-10-22T16:28:39.000Z", "2008-10-22T16:28:39Z", 0),
            ("2008-10-22T16:28:39.5Z", "2008-10-22T16:28:39.500000Z", 0),
            (
                "2008-10-22T16:28:39.123456+02:00",
                "2008-10-22T14:28:39.123456Z",
                120,
            ),
            ("2008-10-22T16:28:39-23:59", "2008-10-23T16:27:39Z", -1439),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", 0),
            (
                "9999-12-31T23:59:59.999999Z",
                "9999-12-31T23:59:59.999999Z",
                0,
            ),
            ("2024-02-29T00:00:00-00:00", "2024-02-29T00:00:00Z", 0),
        ] {
            assert_eq!(read(text), Ok((written.to_owned(), offset)), "{text}");
        }
    }

    #[test]
    fn every_other_spelling_is_refused() {
        for bad in [
            "",
            "Z",
            "2008-10-22",
            "2008-10-22T16:28:39",
            "2008-10-22 16:28:39Z",
            "2008-10-22t16:28:39Z",
            "2008-10-22T16:28:39z",
            "2008-10-22T16:28Z",
            "2008-10-22T16:28:60Z",
            "2008-10-22T24:00:00Z",
            "2008-02-30T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2008-10-22T16:28:39.Z",
            "2008-10-22T16:28:39.1234567Z",
            "2008-10-22T16:28:39,5Z",
            "2008-10-22T16:28:39+0200",
            "2008-10-22T16:28:39+2:00",
            "2008-10-22T16:28:39+24:00",
            "2008-10-22T16:28:39+02:60",
            " 2008-10-22T16:28:39Z",
            "2008-10-22T16:28:39Z ",
            "+2008-10-22T16:28:39Z",
            "12008-10-22T16:28:39Z",
            "2008-1-2T3:4:5Z",
            "2008-10-22T16:28:39ZZ",
            "2008-10-22T16:28:39\u{2212}02:00",
            "\u{0662}008-10-22T16:28:39Z",
        ] {
            assert_eq!(read(bad), Err(TimestampError::Format), "{bad:?}");
        }
    }

    #[test]
    fn years_outside_one_to_9999_are_refused_as_written_and_in_utc() {
        for bad in [
            "0000-06-01T00:00:00Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "0000-12-31T23:59:59-01:00",
        ] {
            assert_eq!(read(bad), Err(TimestampError::Range), "{bad:?}");
        }
        let (first, last) = (Timestamp::FIRST, Timestamp::LAST);
        assert_eq!(first.to_string(), "0001-01-01T00:00:00Z");
        assert_eq!(last.to_string(), "9999-12-31T23:59:59.999999Z");
        for (micros, good) in [
            (first.0 - 1, false),
            (first.0, true),
            (last.0, true),
            (last.0 + 1, false),
        ] {
            assert_eq!(Timestamp::from_micros(micros).is_ok(), good, "{micros}");
        }
    }

    #[test]
    fn adding_saturates_and_distance_never_is_negative() {
        let first = Timestamp::from_micros(0).unwrap();
        let later = first.saturating_add(Duration::from_secs(90));
        assert_eq!(later.to_string(), "1970-01-01T00:01:30Z");
        assert_eq!(later.since(first), Duration::from_secs(90));
        assert_eq!(first.since(later), Duration::ZERO);
        assert_eq!(first.saturating_add(Duration::MAX), Timestamp::LAST);
        assert_eq!(Timestamp::LAST.to_string(), "9999-12-31T23:59:59.999999Z");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(micros in -62_135_596_800_000_000_i64..=253_402_300_799_999_999) {
            let at = Timestamp::from_micros(micros).unwrap();
            prop_assert_eq!(Timestamp::parse_with_offset(&at.to_string()), Ok((at, 0)));
        }

        #[test]
        fn no_text_panics_the_reader(text in "\\PC{0,32}") {
            let _ = Timestamp::parse_with_offset(&text);
        }
    }
}
