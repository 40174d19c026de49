//! The Exif of HEIF, which includes HEIC and AVIF: an item, whose place is in a table (ISO/IEC
//! 23008-12, A.2.1, and 14496-12, 8.11).

use std::io::{Read, Seek};

use super::chunks::{Chunks, ExifFault, MAX_BYTES};

/// There are a handful of boxes beside the metadata.
const MAX_BOXES: usize = 1000;

/// Returns the Exif of a file; `None` if it has none.
pub(super) fn block(file: &mut Chunks<impl Read + Seek>) -> Result<Option<Vec<u8>>, ExifFault> {
    let Some(meta) = meta(file)? else {
        return Ok(None);
    };
    // after the version
    let boxes: Vec<_> = Boxes(meta.get(4..).unwrap_or_default()).collect();
    let named = |name| {
        boxes
            .iter()
            .find(|(it, _)| it == name)
            .map(|(_, body)| *body)
    };
    let Some(item) = named(b"iinf").and_then(exif_item) else {
        return Ok(None);
    };
    let place = named(b"iloc").and_then(|it| place(it, item));
    let place = place.ok_or_else(|| ExifFault::Damaged("its place is not given".to_owned()))?;
    let mut data = Vec::new();
    for (offset, length) in place.extents {
        match place.method {
            0 => data.extend(file.bytes(offset, length)?),
            1 => {
                let kept = named(b"idat").unwrap_or_default();
                data.extend(part(kept, offset, length).ok_or(ExifFault::Truncated)?);
            }
            _ => return Err(ExifFault::Damaged("its place is another item".to_owned())),
        }
        if data.len() as u64 > MAX_BYTES {
            return Err(ExifFault::TooLong);
        }
    }
    // where the TIFF is in it
    let skipped = Fields(&data)
        .number(4)
        .and_then(|it| usize::try_from(it).ok());
    let start = skipped.and_then(|it| it.checked_add(4));
    let block = start.and_then(|it| data.get(it..));
    block
        .map(|it| Some(it.to_vec()))
        .ok_or(ExifFault::Truncated)
}

/// Returns the box of metadata.
fn meta(file: &mut Chunks<impl Read + Seek>) -> Result<Option<Vec<u8>>, ExifFault> {
    let mut at: u64 = 0;
    for _ in 0..MAX_BOXES {
        let (Some(length), Some(name)) = (file.header(at)?, file.header(at + 4)?) else {
            return Ok(None);
        };
        let (header, length) = match u32::from_be_bytes(length) {
            1 => {
                let (Some(high), Some(low)) = (file.header(at + 8)?, file.header(at + 12)?) else {
                    return Ok(None);
                };
                let [high, low] = [high, low].map(|it| u64::from(u32::from_be_bytes(it)));
                (16, (high << 32) | low)
            }
            length => (8, u64::from(length)),
        };
        // the last one, which has no length, is of pixels
        let Some(body) = length.checked_sub(header) else {
            return Ok(None);
        };
        if &name == b"meta" {
            return file.bytes(at + header, body).map(Some);
        }
        match at.checked_add(length) {
            Some(next) if i64::try_from(next).is_ok() => at = next,
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// Returns the number of the item that is Exif.
fn exif_item(table: &[u8]) -> Option<u64> {
    let mut fields = Fields(table);
    let count_bytes = if fields.number(4)? >> 24 == 0 { 2 } else { 4 };
    fields.number(count_bytes)?;
    Boxes(fields.0).find_map(|(_, entry)| {
        let mut fields = Fields(entry);
        let id_bytes = match fields.number(4)? >> 24 {
            2 => 2,
            3 => 4,
            _ => return None,
        };
        let id = fields.number(id_bytes)?;
        fields.number(2)?;
        fields.0.starts_with(b"Exif").then_some(id)
    })
}

/// Where an item is.
struct ItemPlace {
    /// 0 in the file, 1 in the metadata.
    method: u64,
    /// Offsets and lengths.
    extents: Vec<(u64, u64)>,
}

/// Returns the place of an item.
fn place(table: &[u8], item: u64) -> Option<ItemPlace> {
    let mut fields = Fields(table);
    let version = fields.number(4)? >> 24;
    let sizes = fields.number(2)?;
    let [offset_bytes, length_bytes, base_bytes, index_bytes] =
        [12, 8, 4, 0].map(|shift| (sizes >> shift) & 0xf);
    let id_bytes = if version < 2 { 2 } else { 4 };
    for _ in 0..fields.number(id_bytes)? {
        let id = fields.number(id_bytes)?;
        let method = if version == 0 {
            0
        } else {
            fields.number(2)? & 0xf
        };
        // in this file
        fields.number(2)?;
        let base = fields.number(base_bytes)?;
        let mut extents = Vec::new();
        for _ in 0..fields.number(2)? {
            if version > 0 {
                fields.number(index_bytes)?;
            }
            let offset = base.checked_add(fields.number(offset_bytes)?)?;
            let length = fields.number(length_bytes)?;
            i64::try_from(offset).ok()?;
            if id == item {
                extents.push((offset, length));
            }
        }
        if id == item {
            return Some(ItemPlace { method, extents });
        }
    }
    None
}

fn part(bytes: &[u8], offset: u64, length: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(usize::try_from(length).ok()?)?)
}

/// Numbers in big-endian order.
struct Fields<'b>(&'b [u8]);

impl Fields<'_> {
    /// Returns the next number, of up to eight bytes.
    fn number(&mut self, bytes: u64) -> Option<u64> {
        let bytes = usize::try_from(bytes).ok().filter(|it| *it <= 8)?;
        let (number, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(number.iter().fold(0, |sum, it| (sum << 8) | u64::from(*it)))
    }
}

/// Boxes with their names, up to one that is cut.
struct Boxes<'b>(&'b [u8]);

impl<'b> Iterator for Boxes<'b> {
    type Item = ([u8; 4], &'b [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (length, rest) = self.0.split_first_chunk()?;
        let (name, _) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let body = self.0.get(8..length)?;
        self.0 = &self.0[length..];
        Some((*name, body))
    }
}
