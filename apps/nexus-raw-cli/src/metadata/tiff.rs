//! What matters of Exif, which is a TIFF; an image that is a TIFF has it beside the pixels.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

/// A value of Exif that matters has at most 24 bytes, or is a short text.
const MAX_VALUE_BYTES: u64 = 4096;

/// The type of a pointer.
const LONG: u16 = 4;

/// A directory of entries, and its entries that matter.
struct Wanted {
    tags: &'static [u16],
    /// Tags of entries that point to a directory.
    children: &'static [(u16, &'static Wanted)],
}

const IMAGE: Wanted = Wanted {
    tags: &[],
    children: &[(0x8769, &PHOTOGRAPH), (0x8825, &GPS)],
};
/// Of the time.
const PHOTOGRAPH: Wanted = Wanted {
    tags: &[0x9003, 0x9011, 0x9291],
    children: &[],
};
/// Of the place.
const GPS: Wanted = Wanted {
    tags: &[1, 2, 3, 4, 5, 6, 31],
    children: &[],
};

/// Returns a small TIFF with the entries of the time and the place of another one, which may be Exif
/// or an image of gigabytes. What is read is bounded: the entries of three directories, and their
/// short values.
///
/// # Errors
/// When the file cannot be read, or an offset or a length in it is wrong.
pub(super) fn excerpt(file: &mut (impl Read + Seek)) -> io::Result<Vec<u8>> {
    let mut header = [0; 8];
    file.rewind()?;
    file.read_exact(&mut header)?;
    let order = match &header[..4] {
        b"II*\0" => ByteOrder::Little,
        b"MM\0*" => ByteOrder::Big,
        _ => return Err(io::Error::new(ErrorKind::InvalidData, "it is no TIFF")),
    };
    let offset = order.long(&header[4..]);
    let mut source = Source { file, order };
    let mut written = header[..4].to_vec();
    written.extend(order.of_long(8));
    source.copy(offset, &IMAGE, &mut written)?;
    Ok(written)
}

#[derive(Clone, Copy)]
enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    fn short(self, bytes: &[u8]) -> u16 {
        let bytes = [bytes[0], bytes[1]];
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    fn long(self, bytes: &[u8]) -> u32 {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    fn of_short(self, number: u16) -> [u8; 2] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }

    fn of_long(self, number: u32) -> [u8; 4] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }
}

struct Source<'f, F> {
    file: &'f mut F,
    order: ByteOrder,
}

/// An entry of a directory: tag, type and number as they are, and the value or its offset.
struct DirectoryEntry {
    head: [u8; 8],
    value: [u8; 4],
}

impl<F: Read + Seek> Source<'_, F> {
    /// Appends the directory at an offset, its values and then its children.
    fn copy(&mut self, offset: u32, wanted: &Wanted, written: &mut Vec<u8>) -> io::Result<()> {
        let entries = self.entries(offset, wanted)?;
        let start = written.len();
        let count = u16::try_from(entries.len()).map_err(io::Error::other)?;
        written.extend(self.order.of_short(count));
        for entry in &entries {
            written.extend(entry.head);
            written.extend(entry.value);
        }
        // no directory follows
        written.extend([0; 4]);
        for (index, entry) in entries.iter().enumerate() {
            let tag = self.order.short(&entry.head);
            let size = self.size_bytes(entry);
            let offset = self.order.long(&entry.value);
            let here = u32::try_from(written.len()).map_err(io::Error::other)?;
            let child = wanted.children.iter().find(|(it, _)| *it == tag);
            let copied = match child {
                Some((_, wanted)) => self.copy(offset, wanted, written),
                None if size > 4 => self.value(offset, size).map(|it| written.extend(it)),
                None => continue,
            };
            let at = start + 2 + index * 12;
            match copied {
                Ok(()) => {
                    if child.is_some() {
                        // one pointer, also where its type is the newer one of directories
                        written[at + 2..at + 4].copy_from_slice(&self.order.of_short(LONG));
                        written[at + 4..at + 8].copy_from_slice(&self.order.of_long(1));
                    }
                    written[at + 8..at + 12].copy_from_slice(&self.order.of_long(here));
                }
                // the library says that it has no such type; the other entries are as they were
                Err(error) if is_damage(&error) => written[at + 2..at + 4].fill(0),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns the entries that matter, each tag once.
    fn entries(&mut self, offset: u32, wanted: &Wanted) -> io::Result<Vec<DirectoryEntry>> {
        self.file.seek(SeekFrom::Start(offset.into()))?;
        let mut count = [0; 2];
        self.file.read_exact(&mut count)?;
        let mut table = Vec::new();
        let length = u64::from(self.order.short(&count)) * 12;
        self.file.by_ref().take(length).read_to_end(&mut table)?;
        let (whole, rest) = table.as_chunks::<12>();
        if !rest.is_empty() || whole.len() * 12 != usize::try_from(length).unwrap_or(usize::MAX) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let mut entries: Vec<DirectoryEntry> = Vec::new();
        for [h0, h1, h2, h3, h4, h5, h6, h7, value @ ..] in whole {
            let tag = self.order.short(&[*h0, *h1]);
            let is_wanted =
                wanted.tags.contains(&tag) || wanted.children.iter().any(|(it, _)| *it == tag);
            let is_new = || entries.iter().all(|it| self.order.short(&it.head) != tag);
            if is_wanted && is_new() {
                entries.push(DirectoryEntry {
                    head: [*h0, *h1, *h2, *h3, *h4, *h5, *h6, *h7],
                    value: *value,
                });
            }
        }
        Ok(entries)
    }

    /// Returns the size of an entry's value; 0 for a type that nobody knows.
    fn size_bytes(&self, entry: &DirectoryEntry) -> u64 {
        let unit = match self.order.short(&entry.head[2..]) {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 => 8,
            _ => 0,
        };
        unit * u64::from(self.order.long(&entry.head[4..]))
    }

    fn value(&mut self, offset: u32, size: u64) -> io::Result<Vec<u8>> {
        if size > MAX_VALUE_BYTES {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                "a value is too long",
            ));
        }
        self.file.seek(SeekFrom::Start(offset.into()))?;
        let mut value = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        self.file.read_exact(&mut value)?;
        Ok(value)
    }
}

/// Whether the file is to blame.
fn is_damage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData
    )
}
