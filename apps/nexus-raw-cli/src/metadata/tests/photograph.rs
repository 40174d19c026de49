//! Photographs with the Exif that a test wants.

use std::io::Cursor;

use exif::{Field, In, Rational, Tag, Value, experimental::Writer};

use super::super::{Capture, ExifZone, capture};

/// Exif of these values, as a TIFF.
pub(super) fn block(fields: &[(Tag, Value)]) -> Vec<u8> {
    let fields: Vec<_> = fields
        .iter()
        .map(|(tag, value)| field(*tag, value))
        .collect();
    let mut writer = Writer::new();
    for field in &fields {
        writer.push_field(field);
    }
    let mut block = Cursor::new(Vec::new());
    writer.write(&mut block, true).unwrap();
    block.into_inner()
}

fn field(tag: Tag, value: &Value) -> Field {
    Field {
        tag,
        ifd_num: In::PRIMARY,
        value: value.clone(),
    }
}

pub(super) fn text(text: &str) -> Value {
    Value::Ascii(vec![text.as_bytes().to_vec()])
}

pub(super) fn ratio(numbers: &[(u32, u32)]) -> Value {
    Value::Rational(numbers.iter().map(|it| Rational::from(*it)).collect())
}

pub(super) fn in_jpeg(block: &[u8]) -> Vec<u8> {
    let mut segment = b"Exif\0\0".to_vec();
    segment.extend(block);
    let length = u16::try_from(segment.len() + 2).unwrap();
    let mut file = b"\xff\xd8\xff\xe0\x00\x04JF\xff\xff\xff\xe1".to_vec();
    file.extend(length.to_be_bytes());
    file.extend(segment);
    file.extend(b"\xff\xda\x00\x02pixels\xff\xd9");
    file
}

pub(super) fn in_png(block: &[u8]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in [
        (b"IHDR", &[0; 13][..]),
        (b"IDAT", &[0; 1000]),
        (b"eXIf", block),
        (b"IEND", &[]),
    ] {
        file.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        file.extend(name);
        file.extend(data);
        file.extend([0; 4]);
    }
    file
}

pub(super) fn in_webp(block: &[u8]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (name, data) in [
        (b"VP8X", &[0; 10][..]),
        (b"VP8 ", &[0; 101]),
        (b"EXIF", block),
    ] {
        body.extend(name);
        body.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        body.extend(data);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    let mut file = b"RIFF".to_vec();
    file.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    file.extend(body);
    file
}

/// A box of ISO base media.
fn boxed(name: [u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let length = u32::try_from(content.len() + 8).unwrap();
    [&length.to_be_bytes()[..], &name, &content].concat()
}

pub(super) fn in_heif(brand: [u8; 4], block: &[u8]) -> Vec<u8> {
    let data = [&[0; 4][..], block].concat();
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    let before = |offset: u32| {
        // one item, number 7, with one extent
        let items = [0, 0, 0, 0, 0x44, 0, 0, 1, 0, 7, 0, 0, 0, 1];
        let place = [&items[..], &offset.to_be_bytes(), &length].concat();
        heif(brand, &[2, 0, 0, 0, 0, 7, 0, 0], &place, &[])
    };
    let offset = before(0).len() + 8;
    let before = before(u32::try_from(offset).unwrap());
    [before, boxed(*b"mdat", &[&data])].concat()
}

/// HEIF up to the pixels: the start of the entry of Exif, the places of items, and their data.
pub(super) fn heif(brand: [u8; 4], entry: &[u8], places: &[u8], data: &[u8]) -> Vec<u8> {
    let image = boxed(*b"infe", &[&[2, 0, 0, 0, 0, 1, 0, 0], b"hvc1", &[0]]);
    let exif = boxed(*b"infe", &[entry, b"Exif", &[0]]);
    let meta = [
        &[0; 4][..],
        &boxed(*b"hdlr", &[&[0; 8], b"pict", &[0; 13]]),
        &boxed(*b"iinf", &[&[0, 0, 0, 0, 0, 2], &image, &exif]),
        &boxed(*b"iloc", &[places]),
        &boxed(*b"idat", &[data]),
    ];
    let brands = boxed(*b"ftyp", &[&brand, &[0; 4], b"mif1", &brand]);
    [brands, boxed(*b"meta", &meta)].concat()
}

/// What is read of an image in Berlin.
pub(super) fn read(file: &[u8], media_type: &str) -> Capture {
    let zone = ExifZone::parse("Europe/Berlin").unwrap();
    capture(Cursor::new(file), media_type, &zone)
}

/// What is read of a JPEG image with these values.
pub(super) fn read_fields(fields: &[(Tag, Value)]) -> Capture {
    read(&in_jpeg(&block(fields)), "image/jpeg")
}
