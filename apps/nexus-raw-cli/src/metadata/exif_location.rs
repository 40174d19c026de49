//! The place of a photograph, in Exif.

use exif::{Exif, In, Rational, SRational, Tag, Value};
use nexus_raw::asset::CaptureLocation;

/// Returns the place, and appends what cannot be used of it to the faults.
pub(super) fn location(exif: &Exif, faults: &mut Vec<String>) -> Option<CaptureLocation> {
    let latitude = coordinate(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, *b"NS", faults);
    let longitude = coordinate(
        exif,
        Tag::GPSLongitude,
        Tag::GPSLongitudeRef,
        *b"EW",
        faults,
    );
    let (latitude, longitude) = latitude.zip(longitude)?;
    // what receivers write before they have a position
    if latitude == 0.0 && longitude == 0.0 {
        return None;
    }
    let place = CaptureLocation::parse(latitude, longitude, None, None);
    if let Err(error) = place {
        faults.push(format!("the position of GPS is not one: it {error}"));
        return None;
    }
    let altitude = altitude(exif, faults);
    let mut accuracy = metres(exif, Tag::GPSHPositioningError, faults);
    if accuracy.is_some_and(|it| it < 0.0) {
        faults.push("GPSHPositioningError is negative".to_owned());
        accuracy = None;
    }
    CaptureLocation::parse(latitude, longitude, altitude, accuracy).ok()
}

/// Returns degrees, negative towards the second of the two directions.
fn coordinate(
    exif: &Exif,
    tag: Tag,
    reference: Tag,
    directions: [u8; 2],
    faults: &mut Vec<String>,
) -> Option<f64> {
    let value = &exif.get_field(tag, In::PRIMARY)?.value;
    let parts: Vec<f64> = match value {
        Value::Rational(parts) => parts.iter().map(Rational::to_f64).collect(),
        // by some telephones
        Value::SRational(parts) => parts.iter().map(SRational::to_f64).collect(),
        _ => Vec::new(),
    };
    let is_angle =
        (1..=3).contains(&parts.len()) && parts.iter().all(|it| it.is_finite() && *it >= 0.0);
    let units = [1.0, 60.0, 3600.0];
    let degrees: f64 = parts
        .iter()
        .zip(units)
        .map(|(part, unit)| part / unit)
        .sum();
    if !is_angle {
        faults.push(format!("{tag} is not an angle"));
        return None;
    }
    let direction = exif.get_field(reference, In::PRIMARY);
    let direction = direction.and_then(|it| match &it.value {
        Value::Ascii(texts) => texts.first()?.first().map(u8::to_ascii_uppercase),
        _ => None,
    });
    match direction {
        Some(it) if it == directions[0] => Some(degrees),
        Some(it) if it == directions[1] => Some(-degrees),
        _ => {
            let [first, second] = directions.map(char::from);
            faults.push(format!("{reference} is not {first} or {second}"));
            None
        }
    }
}

/// Returns metres above sea level. Without a reference they are that (Exif, 4.6.6).
fn altitude(exif: &Exif, faults: &mut Vec<String>) -> Option<f64> {
    let metres = metres(exif, Tag::GPSAltitude, faults)?;
    let reference = exif.get_field(Tag::GPSAltitudeRef, In::PRIMARY);
    let reference = reference.map_or(Some(0), |it| match &it.value {
        Value::Byte(bytes) => bytes.first().copied(),
        _ => None,
    });
    match reference {
        // of the sea, and since Exif 3.0 of the ellipsoid
        Some(0 | 2) => Some(metres),
        Some(1 | 3) => Some(-metres.abs()),
        _ => {
            faults.push("GPSAltitudeRef is not 0, 1, 2 or 3".to_owned());
            None
        }
    }
}

fn metres(exif: &Exif, tag: Tag, faults: &mut Vec<String>) -> Option<f64> {
    let metres = match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Rational(numbers) => numbers.first().map(Rational::to_f64),
        // by some programs, and `exiftool` takes it
        Value::SRational(numbers) => numbers.first().map(SRational::to_f64),
        _ => None,
    };
    let metres = metres.filter(|it| it.is_finite());
    if metres.is_none() {
        faults.push(format!("{tag} is not a number"));
    }
    metres
}
