//! The time zone of a camera that does not write it down.

use std::fmt;

use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{Offset, TimeZone},
};

/// The time zone in which times of Exif without an offset are read.
#[derive(Debug, Clone)]
pub(crate) struct ExifZone {
    zone: TimeZone,
    name: String,
}

impl ExifZone {
    /// Parses a name of the IANA database, an offset such as `+02:00`, `UTC` or `Z`.
    ///
    /// # Errors
    /// When the text is none of them, with the rule.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text == "Z" {
            return Ok(Self::new(TimeZone::UTC, "UTC"));
        }
        if let Some(offset) = offset(text) {
            return Ok(Self::new(TimeZone::fixed(offset), text));
        }
        let zone = TimeZone::get(text).ok();
        let named = zone.and_then(|zone| {
            let name = zone.iana_name()?.to_owned();
            Some(Self { zone, name })
        });
        named.ok_or_else(|| {
            "must be a time zone such as Europe/Berlin, an offset such as +02:00, or UTC".to_owned()
        })
    }

    /// Returns the time zone of the machine; UTC if the machine has none.
    pub(crate) fn of_machine() -> Self {
        let zone = TimeZone::try_system().unwrap_or(TimeZone::UTC);
        let name = match zone.iana_name() {
            Some(name) => name.to_owned(),
            // a rule without a name, as in `TZ=CET-1CEST`
            None => "the time zone of this machine".to_owned(),
        };
        Self { zone, name }
    }

    /// Returns the instant of a local time, and the offset then. Of a time that occurs twice, when
    /// clocks are set back, it is the first. A time that clocks skip is as far past the gap as it
    /// would be into it: 02:30 becomes 03:30.
    pub(super) fn instant(&self, local: DateTime) -> Option<(Timestamp, Offset)> {
        let zoned = self
            .zone
            .to_ambiguous_zoned_datetime(local)
            .compatible()
            .ok()?;
        Some((zoned.timestamp(), zoned.offset()))
    }

    fn new(zone: TimeZone, name: &str) -> Self {
        Self {
            zone,
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for ExifZone {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.name)
    }
}

/// Parses `+hh:mm` or `-hh:mm`.
pub(super) fn offset(text: &str) -> Option<Offset> {
    let (sign, hours, minutes) = match text.as_bytes() {
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => (sign, [h1, h2], [m1, m2]),
        _ => return None,
    };
    let number = |[tens, ones]: [&u8; 2]| {
        let both = tens.is_ascii_digit() && ones.is_ascii_digit();
        both.then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = (hours * 60 + minutes) * 60;
    Offset::from_seconds(if *sign == b'-' { -seconds } else { seconds }).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn instant(zone: &str, local: DateTime) -> String {
        let (instant, offset) = ExifZone::parse(zone).unwrap().instant(local).unwrap();
        format!("{instant} {offset}")
    }

    #[test]
    fn zones_are_names_offsets_and_utc() {
        for (text, name) in [
            ("Europe/Berlin", "Europe/Berlin"),
            ("america/new_york", "America/New_York"),
            ("+02:00", "+02:00"),
            ("-03:30", "-03:30"),
            ("+14:00", "+14:00"),
            ("UTC", "UTC"),
            ("Z", "UTC"),
        ] {
            assert_eq!(ExifZone::parse(text).unwrap().to_string(), name, "{text}");
        }
    }

    #[test]
    fn what_is_no_zone_is_refused_with_the_rule() {
        let rule = "must be a time zone such as Europe/Berlin, an offset such as +02:00, or UTC";
        for text in [
            "",
            "Europe",
            "Europe/Bielefeld",
            "../../etc/passwd",
            "/etc/localtime",
            "+2:00",
            "+0200",
            "+24:00",
            "+01:60",
            "+0a:00",
            "02:00",
            "\u{2212}02:00",
            " UTC",
            "CET-1CEST",
        ] {
            assert_eq!(ExifZone::parse(text).err().as_deref(), Some(rule), "{text}");
        }
    }

    #[test]
    fn a_local_time_has_the_offset_of_its_season() {
        let winter = date(2026, 1, 15).at(12, 0, 0, 0);
        let summer = date(2026, 7, 15).at(12, 0, 0, 0);
        assert_eq!(instant("Europe/Berlin", winter), "2026-01-15T11:00:00Z +01");
        assert_eq!(instant("Europe/Berlin", summer), "2026-07-15T10:00:00Z +02");
        assert_eq!(instant("-03:30", summer), "2026-07-15T15:30:00Z -03:30");
    }

    #[test]
    fn of_a_time_that_occurs_twice_it_is_the_first() {
        let twice = date(2026, 10, 25).at(2, 30, 0, 0);
        assert_eq!(instant("Europe/Berlin", twice), "2026-10-25T00:30:00Z +02");
    }

    #[test]
    fn a_skipped_time_is_past_the_gap() {
        let skipped = date(2026, 3, 29).at(2, 30, 0, 0);
        assert_eq!(
            instant("Europe/Berlin", skipped),
            "2026-03-29T01:30:00Z +02"
        );
    }

    #[test]
    fn the_machine_has_a_zone() {
        let zone = ExifZone::of_machine();
        assert!(!zone.to_string().is_empty());
        assert!(zone.instant(date(2026, 7, 15).at(12, 0, 0, 0)).is_some());
    }
}
