//! Where the formats of images keep Exif. The library would read images into memory whole, or to
//! their end, and all directories that Exif says it has, overlapping ones too; so it is given an
//! [excerpt](tiff::excerpt).

use std::io::{BufReader, Cursor, Read, Seek};

use exif::{Exif, Reader};

use super::{
    chunks::{Chunks, ExifFault, MAX_CHUNKS},
    heif, tiff,
};

/// What precedes Exif in JPEG, and wrongly in WebP by some programs.
const EXIF_ID: &[u8] = b"Exif\0\0";

/// Exif, and the first fault of it, if some of it is damaged.
pub(super) struct FoundExif {
    pub(super) exif: Exif,
    pub(super) fault: Option<ExifFault>,
}

/// Returns the Exif of an image; `None` if it has none, or its format is not known.
pub(super) fn read(mut file: impl Read + Seek) -> Result<Option<FoundExif>, ExifFault> {
    let mut head = Vec::new();
    file.by_ref().take(12).read_to_end(&mut head)?;
    let block = match head.as_slice() {
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => {
            return parsed(tiff::excerpt(&mut BufReader::new(file))?).map(Some);
        }
        [0xff, 0xd8, ..] => in_jpeg(&mut Chunks::new(file)?)?,
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => in_png(&mut Chunks::new(file)?)?,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] => {
            in_webp(&mut Chunks::new(file)?)?
        }
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => heif::block(&mut Chunks::new(file)?)?,
        _ => None,
    };
    let Some(block) = block else {
        return Ok(None);
    };
    parsed(tiff::excerpt(&mut Cursor::new(block))?).map(Some)
}

/// Takes what can be parsed.
fn parsed(excerpt: Vec<u8>) -> Result<FoundExif, ExifFault> {
    let mut fault = None;
    let mut reader = Reader::new();
    let outcome = reader.continue_on_error(true).read_raw(excerpt);
    let exif = outcome
        .or_else(|error| error.distill_partial_result(|faults| fault = faults.into_iter().next()));
    let damaged = |error: exif::Error| ExifFault::Damaged(error.to_string());
    Ok(FoundExif {
        exif: exif.map_err(damaged)?,
        fault: fault.map(damaged),
    })
}

/// Looks through the segments before the pixels.
fn in_jpeg(file: &mut Chunks<impl Read + Seek>) -> Result<Option<Vec<u8>>, ExifFault> {
    let mut at = 2;
    for _ in 0..MAX_CHUNKS {
        let Some([prefix, marker, high, low]) = file.header(at)? else {
            return Ok(None);
        };
        match (prefix, marker) {
            // any number of these may precede a marker
            (0xff, 0xff) => at += 1,
            // without a length
            (0xff, 0x01 | 0xd0..=0xd7) => at += 2,
            // no longer among segments, or at the pixels
            (0xff, 0x00 | 0xd8..=0xda) | (..0xff, _) => return Ok(None),
            (0xff, marker) => {
                let length = u64::from(u16::from_be_bytes([high, low]));
                if marker == 0xe1 && file.header(at + 4)? == Some(*b"Exif") {
                    let mut block = file.bytes(at + 4, length.saturating_sub(2))?;
                    if block.starts_with(EXIF_ID) {
                        return Ok(Some(block.split_off(EXIF_ID.len())));
                    }
                }
                at += 2 + length.max(2);
            }
        }
    }
    Ok(None)
}

fn in_png(file: &mut Chunks<impl Read + Seek>) -> Result<Option<Vec<u8>>, ExifFault> {
    let mut at = 8;
    for _ in 0..MAX_CHUNKS {
        let (Some(length), Some(name)) = (file.header(at)?, file.header(at + 4)?) else {
            return Ok(None);
        };
        let length = u64::from(u32::from_be_bytes(length));
        match &name {
            b"eXIf" => return file.bytes(at + 8, length).map(Some),
            b"IEND" => return Ok(None),
            // the checksum follows
            _ => at += 8 + length + 4,
        }
    }
    Ok(None)
}

fn in_webp(file: &mut Chunks<impl Read + Seek>) -> Result<Option<Vec<u8>>, ExifFault> {
    let mut at = 12;
    for _ in 0..MAX_CHUNKS {
        let (Some(name), Some(length)) = (file.header(at)?, file.header(at + 4)?) else {
            return Ok(None);
        };
        let length = u64::from(u32::from_le_bytes(length));
        if &name == b"EXIF" {
            let mut block = file.bytes(at + 8, length)?;
            if block.starts_with(EXIF_ID) {
                block.drain(..EXIF_ID.len());
            }
            return Ok(Some(block));
        }
        at += 8 + length.next_multiple_of(2);
    }
    Ok(None)
}
