use exif::{Tag, Value};

use super::{
    super::Capture,
    photograph::{read_fields, text},
};

fn captured(date: &str, more: &[(Tag, &str)]) -> Capture {
    let mut fields = vec![(Tag::DateTimeOriginal, text(date))];
    fields.extend(more.iter().map(|(tag, value)| (*tag, text(value))));
    read_fields(&fields)
}

fn at(text: &str, zone_assumed: bool) -> Capture {
    Capture {
        captured_at: Some(text.to_owned()),
        zone_assumed,
        ..Capture::default()
    }
}

fn fault(text: &str) -> Capture {
    Capture {
        fault: Some(text.to_owned()),
        ..Capture::default()
    }
}

const SUMMER: &str = "2026:07:15 12:30:45";

#[test]
fn a_time_has_the_offset_that_exif_says() {
    for (offset, expected) in [
        ("+02:00", "2026-07-15T12:30:45+02:00"),
        ("-03:30", "2026-07-15T12:30:45-03:30"),
        ("-00:30", "2026-07-15T12:30:45-00:30"),
        ("+00:00", "2026-07-15T12:30:45+00:00"),
        ("Z", "2026-07-15T12:30:45+00:00"),
    ] {
        let found = captured(SUMMER, &[(Tag::OffsetTimeOriginal, offset)]);
        assert_eq!(found, at(expected, false), "{offset}");
    }
}

#[test]
fn a_time_without_an_offset_is_in_the_zone() {
    let expected = at("2026-07-15T12:30:45+02:00", true);
    assert_eq!(captured(SUMMER, &[]), expected);
    for blank in ["   :  ", "      ", ""] {
        let found = captured(SUMMER, &[(Tag::OffsetTimeOriginal, blank)]);
        assert_eq!(found, expected, "{blank:?}");
    }
    let winter = captured("2026:01:15 12:30:45", &[]);
    assert_eq!(winter, at("2026-01-15T12:30:45+01:00", true));
}

#[test]
fn a_local_time_that_is_twice_or_never_is_settled() {
    let twice = captured("2026:10:25 02:30:00", &[]);
    assert_eq!(twice, at("2026-10-25T02:30:00+02:00", true));
    let never = captured("2026:03:29 02:30:00", &[]);
    assert_eq!(never, at("2026-03-29T03:30:00+02:00", true));
}

#[test]
fn a_time_before_zones_is_in_utc() {
    // Berlin had an offset of 53 minutes and 28 seconds
    let found = captured("1880:06:01 12:00:00", &[]);
    assert_eq!(found, at("1880-06-01T11:06:32+00:00", true));
}

#[test]
fn a_fraction_has_up_to_six_digits() {
    for (digits, expected) in [
        ("5", "2026-07-15T12:30:45.5+02:00"),
        ("05", "2026-07-15T12:30:45.05+02:00"),
        ("123456", "2026-07-15T12:30:45.123456+02:00"),
        ("1234567890", "2026-07-15T12:30:45.123456+02:00"),
        ("120   ", "2026-07-15T12:30:45.12+02:00"),
        ("00", "2026-07-15T12:30:45+02:00"),
        ("", "2026-07-15T12:30:45+02:00"),
        ("   ", "2026-07-15T12:30:45+02:00"),
    ] {
        let found = captured(SUMMER, &[(Tag::SubSecTimeOriginal, digits)]);
        assert_eq!(found, at(expected, true), "{digits:?}");
    }
}

#[test]
fn an_unknown_time_is_none() {
    for date in [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "                   ",
        "",
    ] {
        assert_eq!(captured(date, &[]), Capture::default(), "{date:?}");
    }
    // the last change, and the time of scanning
    let others = read_fields(&[
        (Tag::DateTime, text(SUMMER)),
        (Tag::DateTimeDigitized, text(SUMMER)),
    ]);
    assert_eq!(others, Capture::default());
}

#[test]
fn the_time_of_gps_is_not_used() {
    let found = read_fields(&[
        (Tag::GPSDateStamp, text("2026:07:15")),
        (
            Tag::GPSTimeStamp,
            super::photograph::ratio(&[(12, 1), (0, 1), (0, 1)]),
        ),
    ]);
    assert_eq!(found, Capture::default());
}

#[test]
fn a_time_that_is_none_is_a_fault() {
    for date in [
        "2026-07-15 12:30:45",
        "2026:07:15T12:30:45",
        "2026:13:15 12:30:45",
        "2026:02:29 12:30:45",
        "2026:07:15 24:00:00",
        "2026:07:15 12:30:60",
        "2026:07:15 12:30",
        "2026:07:15 12:30:45Z",
        "+026:07:15 12:30:45",
        "2026: 7:15 12:30:45",
        "yesterday",
    ] {
        let expected = format!("DateTimeOriginal {date:?} is not a time");
        assert_eq!(captured(date, &[]), fault(&expected));
    }
    let year = "DateTimeOriginal \"0000:07:15 12:30:45\" is out of range";
    assert_eq!(captured("0000:07:15 12:30:45", &[]), fault(year));
    let number = read_fields(&[(Tag::DateTimeOriginal, Value::Short(vec![2026]))]);
    assert_eq!(number, fault("DateTimeOriginal is not a text"));
}

#[test]
fn a_quoted_time_is_short_and_escaped() {
    let date = format!("\u{1b}[2J{}", "9".repeat(4000));
    let expected = format!(
        "DateTimeOriginal \"\\u{{1b}}[2J{}\" is not a time",
        "9".repeat(36)
    );
    assert_eq!(captured(&date, &[]), fault(&expected));
}

#[test]
fn a_wrong_offset_or_fraction_is_a_fault_beside_the_time() {
    let found = captured(
        SUMMER,
        &[
            (Tag::SubSecTimeOriginal, "1.5"),
            (Tag::OffsetTimeOriginal, "+25:00"),
        ],
    );
    let expected = Capture {
        fault: Some(
            "SubSecTimeOriginal \"1.5\" is not a fraction; \
             OffsetTimeOriginal \"+25:00\" is not an offset"
                .to_owned(),
        ),
        ..at("2026-07-15T12:30:45+02:00", true)
    };
    assert_eq!(found, expected);
}
