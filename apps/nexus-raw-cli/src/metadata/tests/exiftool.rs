use std::{fs, fs::File, path::Path};

use nexus_raw_testkit::ExifTool;
use serde_json::{Map, Value};

use super::{
    super::{Capture, ExifZone, capture},
    photograph::{block, in_heif, in_jpeg, in_png, in_webp},
};

const TAGS: [&str; 8] = [
    "DateTimeOriginal",
    "SubSecTimeOriginal",
    "OffsetTimeOriginal",
    "Composite:GPSLatitude",
    "Composite:GPSLongitude",
    "Composite:GPSAltitude",
    "GPSAltitude",
    "GPSHPositioningError",
];

/// What `exiftool` reads, in our words: the time as text, and the numbers.
fn expected(found: &Map<String, Value>) -> (Option<String>, [Option<f64>; 4]) {
    let text = |tag| match found.get(tag) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let time = text("DateTimeOriginal").map(|date| {
        let fraction = text("SubSecTimeOriginal");
        let fraction = fraction.map_or(String::new(), |it| format!(".{it}"));
        let offset = text("OffsetTimeOriginal").unwrap_or_else(|| "+00:00".to_owned());
        let (day, time) = date.split_once(' ').unwrap();
        format!("{}T{time}{fraction}{offset}", day.replace(':', "-"))
    });
    let numbers = [
        "GPSLatitude",
        "GPSLongitude",
        "GPSAltitude",
        "GPSHPositioningError",
    ];
    (time, numbers.map(|tag| found.get(tag)?.as_f64()))
}

/// Compares what is read of a file with what `exiftool` reads.
fn compare(file: &Path, media_type: &str) -> Capture {
    let zone = ExifZone::parse("UTC").unwrap();
    let ours = capture(File::open(file).unwrap(), media_type, &zone);
    let (time, numbers) = expected(&ExifTool::read(file, &TAGS));
    assert_eq!(ours.captured_at, time, "{}", file.display());
    let place = ours.location;
    let found = [
        place.map(|it| it.latitude()),
        place.map(|it| it.longitude()),
        place.and_then(|it| it.altitude_m()),
        place.and_then(|it| it.accuracy_m()),
    ];
    for (ours, theirs) in found.into_iter().zip(numbers) {
        // it rounds each ratio to ten digits
        let is_same = match (ours, theirs) {
            (Some(ours), Some(theirs)) => (ours - theirs).abs() < 1e-8,
            (ours, theirs) => ours == theirs,
        };
        assert!(is_same, "{}: {ours:?} {theirs:?}", file.display());
    }
    assert_eq!(ours.fault, None, "{}", file.display());
    ours
}

#[test]
fn photographs_say_what_exiftool_reads() {
    let photographs =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../nexus-raw-server/tests/fixtures/photos");
    let mut count = 0;
    for file in fs::read_dir(photographs).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_some_and(|it| it == "jpg") {
            let ours = compare(&file, "image/jpeg");
            assert!(ours.captured_at.is_some() && ours.location.is_some());
            count += 1;
        }
    }
    assert_eq!(count, 3);
}

#[test]
fn every_format_says_what_exiftool_wrote_or_reads() {
    let directory = tempfile::tempdir().unwrap();
    let plain = block(&[(exif::Tag::Orientation, exif::Value::Short(vec![1]))]);
    let written = [
        "DateTimeOriginal=2026:07:15 12:30:45",
        "SubSecTimeOriginal=123",
        "OffsetTimeOriginal=-03:30",
        "GPSLatitude=48.858370111",
        "GPSLatitudeRef=S",
        "GPSLongitude=2.294481222",
        "GPSLongitudeRef=W",
        "GPSAltitude=330.25",
        "GPSAltitudeRef=1",
        "GPSHPositioningError=4.7",
    ];
    for (name, media_type, content) in [
        ("a.jpg", "image/jpeg", in_jpeg(&plain)),
        ("a.png", "image/png", in_png(&plain)),
        ("a.webp", "image/webp", in_webp(&plain)),
        ("a.tif", "image/tiff", plain.clone()),
    ] {
        let file = directory.path().join(name);
        fs::write(&file, content).unwrap();
        ExifTool::write(&file, &written);
        let ours = compare(&file, media_type);
        let time = ours.captured_at.as_deref();
        assert_eq!(time, Some("2026-07-15T12:30:45.123-03:30"), "{name}");
        assert!(ours.location.is_some_and(|it| it.latitude() < 0.0));
    }
    // it writes no image without pixels of these
    let tiff = fs::read(directory.path().join("a.tif")).unwrap();
    for (name, brand) in [("a.heic", *b"heic"), ("a.avif", *b"avif")] {
        let file = directory.path().join(name);
        fs::write(&file, in_heif(brand, &tiff)).unwrap();
        let ours = compare(&file, "image/heic");
        assert!(ours.captured_at.is_some() && ours.location.is_some());
    }
}
