use exif::{SRational, Tag, Value};
use nexus_raw::asset::CaptureLocation;

use super::{
    super::Capture,
    photograph::{ratio, read_fields, text},
};

const ZERO: (u32, u32) = (0, 1);

/// Arezzo.
fn position() -> Vec<(Tag, Value)> {
    vec![
        (Tag::GPSLatitudeRef, text("N")),
        (Tag::GPSLatitude, ratio(&[(43, 1), (30, 1), (0, 1)])),
        (Tag::GPSLongitudeRef, text("E")),
        (Tag::GPSLongitude, ratio(&[(11, 1), (45, 1), (9, 2)])),
    ]
}

/// The position with other or further values.
fn with(changes: &[(Tag, Value)]) -> Capture {
    let mut fields = position();
    fields.retain(|(tag, _)| changes.iter().all(|(it, _)| it != tag));
    fields.extend_from_slice(changes);
    read_fields(&fields)
}

fn place(latitude: f64, longitude: f64, altitude: Option<f64>, accuracy: Option<f64>) -> Capture {
    Capture {
        location: Some(CaptureLocation::parse(latitude, longitude, altitude, accuracy).unwrap()),
        ..Capture::default()
    }
}

fn fault(text: &str) -> Capture {
    Capture {
        fault: Some(text.to_owned()),
        ..Capture::default()
    }
}

#[test]
fn degrees_minutes_and_seconds_are_a_number() {
    assert_eq!(with(&[]), place(43.5, 11.751_25, None, None));
    let signed = [(43, 1), (30, 1), (0, 1)].map(SRational::from).to_vec();
    let signed = with(&[(Tag::GPSLatitude, Value::SRational(signed))]);
    assert_eq!(signed, place(43.5, 11.751_25, None, None));
    let decimal = with(&[(Tag::GPSLatitude, ratio(&[(435, 10)]))]);
    assert_eq!(decimal, place(43.5, 11.751_25, None, None));
}

#[test]
fn south_and_west_are_negative() {
    for (south, west) in [("S", "W"), ("s", "w"), ("South", "West")] {
        let found = with(&[
            (Tag::GPSLatitudeRef, text(south)),
            (Tag::GPSLongitudeRef, text(west)),
        ]);
        assert_eq!(found, place(-43.5, -11.751_25, None, None));
    }
}

#[test]
fn an_altitude_is_above_or_below_the_sea() {
    let metres = (Tag::GPSAltitude, ratio(&[(2505, 10)]));
    for (reference, expected) in [
        (None, 250.5),
        (Some(0), 250.5),
        (Some(1), -250.5),
        (Some(2), 250.5),
        (Some(3), -250.5),
    ] {
        let reference = reference.map(|it| (Tag::GPSAltitudeRef, Value::Byte(vec![it])));
        let mut changes = vec![metres.clone()];
        changes.extend(reference);
        assert_eq!(with(&changes), place(43.5, 11.751_25, Some(expected), None));
    }
    let signed = Value::SRational(vec![SRational::from((-5, 2))]);
    let below = with(&[(Tag::GPSAltitude, signed)]);
    assert_eq!(below, place(43.5, 11.751_25, Some(-2.5), None));
}

#[test]
fn the_error_of_the_position_is_its_accuracy() {
    let found = with(&[(Tag::GPSHPositioningError, ratio(&[(47, 10)]))]);
    assert_eq!(found, place(43.5, 11.751_25, None, Some(4.7)));
}

#[test]
fn zero_and_zero_is_no_place() {
    let zeros = ratio(&[ZERO, ZERO, ZERO]);
    let nowhere = with(&[
        (Tag::GPSLatitude, zeros.clone()),
        (Tag::GPSLongitude, zeros.clone()),
        (Tag::GPSLongitudeRef, text("W")),
    ]);
    assert_eq!(nowhere, Capture::default());
    let equator = with(&[(Tag::GPSLatitude, zeros)]);
    assert_eq!(equator, place(0.0, 11.751_25, None, None));
}

#[test]
fn half_a_position_is_none() {
    for missing in [Tag::GPSLatitude, Tag::GPSLongitude] {
        let mut fields = position();
        fields.retain(|(tag, _)| *tag != missing);
        assert_eq!(read_fields(&fields), Capture::default());
    }
}

#[test]
fn a_position_without_a_direction_is_a_fault() {
    for (reference, directions) in [
        (Tag::GPSLatitudeRef, "N or S"),
        (Tag::GPSLongitudeRef, "E or W"),
    ] {
        let expected = fault(&format!("{reference} is not {directions}"));
        let mut fields = position();
        fields.retain(|(tag, _)| *tag != reference);
        assert_eq!(read_fields(&fields), expected);
        for value in [text(""), text("X"), Value::Byte(vec![b'N'])] {
            assert_eq!(with(&[(reference, value)]), expected);
        }
    }
}

#[test]
fn an_impossible_position_is_a_fault_and_does_not_hide_the_time() {
    for (tag, value, expected) in [
        (
            Tag::GPSLatitude,
            ratio(&[(91, 1), ZERO, ZERO]),
            "the position of GPS is not one: it must be a number from -90 to 90",
        ),
        (
            Tag::GPSLongitude,
            ratio(&[(180, 1), (1, 1), ZERO]),
            "the position of GPS is not one: it must be a number from -180 to 180",
        ),
        (
            Tag::GPSLatitude,
            ratio(&[(1, 0), ZERO, ZERO]),
            "GPSLatitude is not an angle",
        ),
        (
            Tag::GPSLatitude,
            ratio(&[(43, 1), (0, 0), ZERO]),
            "GPSLatitude is not an angle",
        ),
        (
            Tag::GPSLongitude,
            ratio(&[]),
            "GPSLongitude is not an angle",
        ),
        (
            Tag::GPSLongitude,
            ratio(&[ZERO; 4]),
            "GPSLongitude is not an angle",
        ),
        (
            Tag::GPSLongitude,
            Value::SRational(vec![SRational::from((-11, 1))]),
            "GPSLongitude is not an angle",
        ),
        (
            Tag::GPSLongitude,
            text("11.75"),
            "GPSLongitude is not an angle",
        ),
    ] {
        let date = (Tag::DateTimeOriginal, text("2026:07:15 12:30:45"));
        let found = with(&[date, (tag, value)]);
        let expected = Capture {
            captured_at: Some("2026-07-15T12:30:45+02:00".to_owned()),
            zone_assumed: true,
            ..fault(expected)
        };
        assert_eq!(found, expected);
    }
}

#[test]
fn a_wrong_altitude_or_accuracy_is_a_fault_beside_the_position() {
    let below = Value::SRational(vec![SRational::from((-1, 1))]);
    for (changes, expected) in [
        (
            vec![(Tag::GPSAltitude, ratio(&[(1, 0)]))],
            "GPSAltitude is not a number",
        ),
        (
            vec![(Tag::GPSAltitude, text("high"))],
            "GPSAltitude is not a number",
        ),
        (
            vec![
                (Tag::GPSAltitude, ratio(&[(250, 1)])),
                (Tag::GPSAltitudeRef, Value::Byte(vec![4])),
            ],
            "GPSAltitudeRef is not 0, 1, 2 or 3",
        ),
        (
            vec![
                (Tag::GPSAltitude, ratio(&[(0, 0)])),
                (Tag::GPSHPositioningError, ratio(&[(0, 0)])),
            ],
            "GPSAltitude is not a number; GPSHPositioningError is not a number",
        ),
        (
            vec![(Tag::GPSHPositioningError, below)],
            "GPSHPositioningError is negative",
        ),
    ] {
        let expected = Capture {
            fault: Some(expected.to_owned()),
            ..place(43.5, 11.751_25, None, None)
        };
        assert_eq!(with(&changes), expected);
    }
}
