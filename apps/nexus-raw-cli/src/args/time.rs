use std::fmt;

use nexus_raw::{
    asset::CapturedAt,
    time::{Timestamp, TimestampError},
};

/// A time of an option. It is sent as it is written, with its UTC offset.
#[derive(Debug, Clone)]
pub(crate) struct Time {
    sent: String,
    at: Timestamp,
    /// What was written is a date alone.
    is_date: bool,
}

impl Time {
    /// Parses an RFC 3339 time, or a date, which is its midnight in UTC.
    pub(super) fn parse(text: &str) -> Result<Self, TimeError> {
        let midnight = format!("{text}T00:00:00Z");
        let (sent, time, is_date) = if let Ok(time) = CapturedAt::parse(&midnight) {
            (midnight, time, true)
        } else {
            let time = CapturedAt::parse(text).map_err(TimeError)?;
            (text.to_owned(), time, false)
        };
        Ok(Self {
            sent,
            at: time.at(),
            is_date,
        })
    }

    pub(crate) fn sent(&self) -> &str {
        &self.sent
    }

    pub(super) fn at(&self) -> Timestamp {
        self.at
    }
}

/// Why a text is no [`Time`].
#[derive(Debug, thiserror::Error)]
#[error("{0}; or a date such as 2008-10-22, which is its midnight in UTC")]
pub(crate) struct TimeError(TimestampError);

/// What is sent for a date, since the user may have meant another time zone.
#[derive(Debug)]
pub(crate) struct Note<'t> {
    option: &'static str,
    sent: &'t str,
}

impl<'t> Note<'t> {
    pub(super) fn of(option: &'static str, time: &'t Time) -> Option<Self> {
        let sent = time.sent();
        time.is_date.then_some(Self { option, sent })
    }
}

impl fmt::Display for Note<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} is sent as {}", self.option, self.sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_midnight_in_utc_and_a_time_keeps_its_offset() {
        let date = Time::parse("2008-10-22").unwrap();
        let time = Time::parse("2008-10-22T02:00:00+02:00").unwrap();
        assert_eq!(date.sent(), "2008-10-22T00:00:00Z");
        assert_eq!(time.sent(), "2008-10-22T02:00:00+02:00");
        assert_eq!(date.at(), time.at());
        let note = Note::of("--captured-at", &date).map(|it| it.to_string());
        let expected = "--captured-at is sent as 2008-10-22T00:00:00Z";
        assert_eq!(note.as_deref(), Some(expected));
        assert!(Note::of("--captured-at", &time).is_none());
    }

    #[test]
    fn anything_else_is_no_time() {
        for text in ["", "2008", "2008-10", "2008-02-30", "22.10.2008", "today"] {
            assert!(Time::parse(text).is_err(), "{text}");
        }
    }
}
