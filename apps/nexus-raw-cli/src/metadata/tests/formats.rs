use std::io::Cursor;

use exif::{Tag, Value};

use super::{
    super::{Capture, ExifZone, capture},
    photograph::{block, heif, in_heif, in_jpeg, in_png, in_webp, ratio, read, text},
};

fn photograph() -> Vec<u8> {
    block(&[
        (Tag::Make, text("a camera")),
        (Tag::DateTimeOriginal, text("2026:07:15 12:30:45")),
        (Tag::OffsetTimeOriginal, text("+02:00")),
        (Tag::GPSLatitudeRef, text("N")),
        (Tag::GPSLatitude, ratio(&[(43, 1), (30, 1), (0, 1)])),
        (Tag::GPSLongitudeRef, text("E")),
        (Tag::GPSLongitude, ratio(&[(11, 1), (45, 1), (0, 1)])),
        (Tag::GPSAltitude, ratio(&[(250, 1)])),
    ])
}

fn assert_is_photograph(found: &Capture, what: &str) {
    let time = found.captured_at.as_deref();
    assert_eq!(time, Some("2026-07-15T12:30:45+02:00"), "{what}");
    let place = found.location.unwrap();
    let place = (place.latitude(), place.longitude(), place.altitude_m());
    assert_eq!(place, (43.5, 11.75, Some(250.0)), "{what}");
    assert_eq!((found.zone_assumed, &found.fault), (false, &None), "{what}");
}

#[test]
fn exif_is_found_in_each_format() {
    let block = photograph();
    for (media_type, file) in [
        ("image/jpeg", in_jpeg(&block)),
        ("image/png", in_png(&block)),
        ("image/webp", in_webp(&block)),
        ("image/webp", in_webp(&[b"Exif\0\0", &block[..]].concat())),
        ("image/heic", in_heif(*b"heic", &block)),
        ("image/avif", in_heif(*b"avif", &block)),
        ("image/tiff", block.clone()),
        ("image/x-adobe-dng", block.clone()),
        ("Image/JPEG; a=b", in_jpeg(&block)),
        // whatever it is said to be
        ("image/png", in_jpeg(&block)),
    ] {
        assert_is_photograph(&read(&file, media_type), media_type);
    }
}

#[test]
fn exif_of_heif_may_be_among_the_metadata() {
    let block = photograph();
    let length = u16::try_from(block.len()).unwrap().to_be_bytes();
    // where the TIFF is, and what precedes it in JPEG
    let data = [&[0, 0, 0, 6][..], b"Exif\0\0", &block].concat();
    let entry_2 = [2, 0, 0, 0, 0, 7, 0, 0];
    let entry_3 = [3, 0, 0, 0, 0, 0, 0, 7, 0, 0];
    // item 1 with one extent of zeros, then Exif in two extents: ten bytes, and the rest
    let version_1 = [
        &[1, 0, 0, 0, 0x22, 0, 0, 2][..],
        &[0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
        &[0, 7, 0, 1, 0, 0, 0, 2, 0, 0, 0, 10, 0, 10],
        &length,
    ]
    .concat();
    // with a base of eight bytes and an index of four
    let version_2 = [
        &[2, 0, 0, 0, 0x22, 0x84, 0, 0, 0, 1][..],
        &[0, 0, 0, 7, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
        &[0, 0, 0, 1, 0, 0, 0, 10, 0, 0, 0, 2, 0, 10],
        &length,
    ]
    .concat();
    for (entry, places) in [
        (&entry_2[..], &version_1),
        (&entry_3, &version_1),
        (&entry_2, &version_2),
    ] {
        let file = heif(*b"heic", entry, places, &data);
        assert_is_photograph(&read(&file, "image/heic"), "heic");
        // a box with a long length
        let long = [
            &[0, 0, 0, 1][..],
            b"free",
            &[0, 0, 0, 0, 0, 0, 0, 20],
            &[0; 4],
        ]
        .concat();
        let file = [&file[..24], &long, &file[24..]].concat();
        assert_is_photograph(&read(&file, "image/heic"), "long");
    }
    let mut elsewhere = version_1.clone();
    elsewhere[23] = 2;
    let mut unplaced = version_1.clone();
    unplaced[21] = 8;
    let mut behind = version_1;
    behind[30] = 0xff;
    for (places, expected) in [
        (elsewhere, "Exif is damaged: its place is another item"),
        (unplaced, "Exif is damaged: its place is not given"),
        (behind, "Exif is damaged: it ends early"),
    ] {
        let file = heif(*b"heic", &entry_2, &places, &data);
        let found = read(&file, "image/heic");
        assert_eq!(found.fault.as_deref(), Some(expected));
    }
}

#[test]
fn the_file_is_read_from_its_start() {
    let mut file = Cursor::new(in_jpeg(&photograph()));
    file.set_position(100);
    let zone = ExifZone::parse("UTC").unwrap();
    assert_is_photograph(&capture(file, "image/jpeg", &zone), "at 100");
}

#[test]
fn nothing_is_read_of_what_is_no_still_image() {
    let file = in_jpeg(&photograph());
    for media_type in [
        "video/mp4",
        "application/octet-stream",
        "image/svg+xml",
        "text/plain; a=image/png",
        "",
    ] {
        assert_eq!(read(&file, media_type), Capture::default(), "{media_type}");
    }
}

#[test]
fn an_image_without_exif_says_nothing() {
    let bare_webp = in_webp(b"")[..12].to_vec();
    for file in [
        &b""[..],
        b"GIF89a",
        b"BM",
        b"\xff\xd8",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\x00\x04JF\xff\xda\x00\x02",
        b"\xff\xd8no segments",
        // of XMP
        b"\xff\xd8\xff\xe1\x00\x08http:/\xff\xd9",
        b"\x89PNG\r\n\x1a\n\0\0\0\0IEND",
        &bare_webp,
        &in_heif(*b"heic", b"")[..24],
    ] {
        assert_eq!(read(file, "image/jpeg"), Capture::default(), "{file:?}");
    }
}

#[test]
fn damaged_exif_is_a_fault() {
    let block = photograph();
    let ends_early = "Exif is damaged: it ends early";
    for (file, expected) in [
        (in_jpeg(&block)[..100].to_vec(), ends_early),
        (in_png(&block)[..1100].to_vec(), ends_early),
        (in_webp(&block)[..200].to_vec(), ends_early),
        (block[..6].to_vec(), ends_early),
        (block[..12].to_vec(), ends_early),
        (in_heif(*b"heic", &block)[..150].to_vec(), ends_early),
        (in_jpeg(b"II"), ends_early),
        (
            in_jpeg(b"XX*\0\x08\0\0\0"),
            "Exif is damaged: it is no TIFF",
        ),
        (in_png(&block[..20]), ends_early),
    ] {
        let found = read(&file, "image/jpeg");
        assert_eq!(found.fault.as_deref(), Some(expected));
        assert_eq!(found.captured_at, None);
    }
}

#[test]
fn what_is_whole_of_damaged_exif_is_used() {
    // the values of GPS come last
    let block = photograph();
    let cut = &block[..block.len() - 40];
    for file in [in_jpeg(cut), cut.to_vec()] {
        let found = read(&file, "image/tiff");
        let time = found.captured_at.as_deref();
        assert_eq!(time, Some("2026-07-15T12:30:45+02:00"));
        assert_eq!(found.location, None);
        assert!(found.fault.is_some());
    }
}

#[test]
fn a_fault_of_other_values_is_not_reported() {
    let mut block = photograph();
    let make = block.windows(8).position(|it| it == b"a camera").unwrap();
    let offset = u32::try_from(make).unwrap().to_le_bytes();
    let pointer = block.windows(4).position(|it| it == offset).unwrap();
    block[pointer..pointer + 4].fill(0xff);
    assert_is_photograph(&read(&in_jpeg(&block), "image/jpeg"), "jpeg");
    assert_is_photograph(&read(&block, "image/tiff"), "tiff");
}

#[test]
fn a_tiff_of_the_other_byte_order_is_read() {
    let text_at = 8 + 2 + 12 + 4;
    let file = [
        &b"MM\0*\0\0\0\x08"[..],
        &[
            0, 1, 0x87, 0x69, 0, 13, 0, 0, 0, 1, 0, 0, 0, text_at, 0, 0, 0, 0,
        ],
        &[
            0,
            1,
            0x90,
            0x03,
            0,
            2,
            0,
            0,
            0,
            20,
            0,
            0,
            0,
            text_at + 18,
            0,
            0,
            0,
            0,
        ],
        b"2026:07:15 12:30:45\0",
    ]
    .concat();
    let found = read(&file, "image/tiff");
    let time = found.captured_at.as_deref();
    assert_eq!(time, Some("2026-07-15T12:30:45+02:00"), "{found:?}");
    assert_eq!(found.fault, None);
}

#[test]
fn values_of_another_type_are_no_text() {
    let found = read(
        &in_jpeg(&block(&[(Tag::OffsetTimeOriginal, Value::Byte(vec![1]))])),
        "image/jpeg",
    );
    assert_eq!(found, Capture::default());
}
