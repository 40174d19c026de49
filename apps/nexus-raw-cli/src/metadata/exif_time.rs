//! The time of a photograph, in Exif.

use exif::{Exif, In, Tag, Value};
use jiff::{civil::DateTime, tz::Offset};
use nexus_raw::asset::CapturedAt;

use super::zone::{self, ExifZone};

/// When a photograph was taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ExifTime {
    /// RFC 3339, with an offset.
    pub(super) text: String,
    /// Whether the offset is that of the zone, since Exif has none.
    pub(super) zone_assumed: bool,
}

/// Returns the time of `DateTimeOriginal`, and appends what cannot be used of it to the faults.
pub(super) fn time(exif: &Exif, zone: &ExifZone, faults: &mut Vec<String>) -> Option<ExifTime> {
    let date = text(exif, Tag::DateTimeOriginal, faults)?;
    if is_unknown(&date) {
        return None;
    }
    let Some(local) = local(&date) else {
        faults.push(format!("DateTimeOriginal {date:?} is not a time"));
        return None;
    };
    let micros = match text(exif, Tag::SubSecTimeOriginal, faults) {
        Some(digits) if !digits.is_empty() => micros(&digits).unwrap_or_else(|| {
            faults.push(format!("SubSecTimeOriginal {digits:?} is not a fraction"));
            0
        }),
        _ => 0,
    };
    let offset = match text(exif, Tag::OffsetTimeOriginal, faults) {
        Some(text) if !is_unknown_offset(&text) => {
            let offset = zone::offset(&text).or_else(|| (text == "Z").then_some(Offset::UTC));
            if offset.is_none() {
                faults.push(format!("OffsetTimeOriginal {text:?} is not an offset"));
            }
            offset
        }
        _ => None,
    };
    let text = match offset {
        Some(offset) => Some(rfc_3339(local, micros, offset)),
        None => in_zone(local, micros, zone),
    };
    match text {
        Some(text) if CapturedAt::parse(&text).is_ok() => Some(ExifTime {
            text,
            zone_assumed: offset.is_none(),
        }),
        _ => {
            faults.push(format!("DateTimeOriginal {date:?} is out of range"));
            None
        }
    }
}

/// Returns the local time with the offset of the zone.
fn in_zone(local: DateTime, micros: u32, zone: &ExifZone) -> Option<String> {
    let (instant, offset) = zone.instant(local)?;
    // before there were zones, offsets had seconds, which RFC 3339 has not
    let offset = if offset.seconds() % 60 == 0 {
        offset
    } else {
        Offset::UTC
    };
    // not the local time given, which clocks may have skipped
    let local = offset.to_datetime(instant);
    Some(rfc_3339(local, micros, offset))
}

fn rfc_3339(local: DateTime, micros: u32, offset: Offset) -> String {
    let fraction = match micros {
        0 => String::new(),
        micros => format!(".{micros:06}"),
    };
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
    let local = local.strftime("%Y-%m-%dT%H:%M:%S");
    format!(
        "{local}{}{sign}{hours:02}:{minutes:02}",
        fraction.trim_end_matches('0')
    )
}

/// Parses `YYYY:MM:DD hh:mm:ss`.
fn local(text: &str) -> Option<DateTime> {
    let is_digit = |at| !matches!(at, 4 | 7 | 10 | 13 | 16);
    let has_form = text.len() == 19
        && text.bytes().enumerate().all(|(at, byte)| match at {
            10 => byte == b' ',
            at if is_digit(at) => byte.is_ascii_digit(),
            _ => byte == b':',
        });
    if !has_form {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<i8>().ok();
    DateTime::new(
        text[..4].parse().ok()?,
        number(5, 7)?,
        number(8, 10)?,
        number(11, 13)?,
        number(14, 16)?,
        number(17, 19)?,
        0,
    )
    .ok()
}

/// Returns the microseconds of a fraction, without what is finer.
fn micros(digits: &str) -> Option<u32> {
    let is_fraction = digits.bytes().all(|it| it.is_ascii_digit());
    let six: String = digits.chars().chain("00000".chars()).take(6).collect();
    is_fraction.then_some(six.parse().ok()?)
}

/// Exif has blanks for a time that is not known, and cameras write zeros.
fn is_unknown(date: &str) -> bool {
    date.bytes().all(|it| matches!(it, b' ' | b':' | b'0'))
}

fn is_unknown_offset(text: &str) -> bool {
    text.bytes().all(|it| matches!(it, b' ' | b':'))
}

/// Returns a text, without what fills it up.
fn text(exif: &Exif, tag: Tag, faults: &mut Vec<String>) -> Option<String> {
    let field = exif.get_field(tag, In::PRIMARY)?;
    let Value::Ascii(texts) = &field.value else {
        faults.push(format!("{tag} is not a text"));
        return None;
    };
    // a longer one is not what it should be, and is shown in a fault
    let text = texts.first().map_or(&[][..], |it| &it[..it.len().min(40)]);
    Some(String::from_utf8_lossy(text).trim_end().to_owned())
}
