//! Where the formats of images keep Exif. The library would read a TIFF into memory whole, and all
//! other formats but HEIF to their end, so only what may be Exif is given to it.

use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};

use exif::{Exif, Reader};

use super::tiff;

/// Exif may have this many bytes; in JPEG and HEIF it has at most 128 KiB.
const MAX_BYTES: u64 = 2 * 1024 * 1024;

/// An image of 2 GiB has as many chunks, as libpng writes them.
const MAX_CHUNKS: usize = 1 << 18;

/// The headers of chunks are far apart.
const BUFFER_BYTES: usize = 512;

/// What precedes Exif in JPEG, and wrongly in WebP by some programs.
const EXIF_ID: &[u8] = b"Exif\0\0";

/// Why the Exif of an image cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExifFault {
    #[error("Exif is damaged: {0}")]
    Damaged(#[from] exif::Error),
    #[error("Exif is damaged: it ends early")]
    Truncated,
    #[error("Exif has more than {MAX_BYTES} bytes")]
    TooLong,
    #[error("Exif cannot be read: {0}")]
    Unreadable(io::Error),
}

impl From<io::Error> for ExifFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Unreadable(error),
        }
    }
}

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
            Some(tiff::excerpt(&mut BufReader::new(file))?)
        }
        [0xff, 0xd8, ..] => in_jpeg(&mut Chunks::new(file)?)?,
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => in_png(&mut Chunks::new(file)?)?,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] => {
            in_webp(&mut Chunks::new(file)?)?
        }
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => return in_heif(file),
        _ => None,
    };
    block
        .map(|block| parsed(Reader::new().continue_on_error(true).read_raw(block)))
        .transpose()
}

/// Takes what can be parsed.
fn parsed(outcome: Result<Exif, exif::Error>) -> Result<FoundExif, ExifFault> {
    let mut fault = None;
    let exif = outcome.or_else(|error| {
        error.distill_partial_result(|faults| fault = faults.into_iter().next())
    })?;
    Ok(FoundExif {
        exif,
        fault: fault.map(ExifFault::Damaged),
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

/// HEIF, which includes HEIC and AVIF, by the library: it skips what is no box of metadata.
fn in_heif(file: impl Read + Seek) -> Result<Option<FoundExif>, ExifFault> {
    let mut file = Limited {
        file,
        left: MAX_BYTES,
        is_exceeded: false,
    };
    file.rewind()?;
    let mut reader = Reader::new();
    let outcome = reader
        .continue_on_error(true)
        .read_from_container(&mut BufReader::new(&mut file));
    match outcome {
        Err(_) if file.is_exceeded => Err(ExifFault::TooLong),
        Err(exif::Error::NotFound(_)) => Ok(None),
        outcome => parsed(outcome).map(Some),
    }
}

/// A file that ends for its reader after a number of bytes that were read.
struct Limited<F> {
    file: F,
    left: u64,
    is_exceeded: bool,
}

impl<F: Read> Read for Limited<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.by_ref().take(self.left).read(buffer)?;
        self.left -= read as u64;
        self.is_exceeded |= self.left == 0 && !buffer.is_empty();
        Ok(read)
    }
}

impl<F: Seek> Seek for Limited<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// A file of chunks, of which the headers are read. They may be near, so the buffer is kept.
struct Chunks<F> {
    file: BufReader<F>,
    at: u64,
}

impl<F: Read + Seek> Chunks<F> {
    fn new(mut file: F) -> io::Result<Self> {
        file.rewind()?;
        let file = BufReader::with_capacity(BUFFER_BYTES, file);
        Ok(Self { file, at: 0 })
    }

    /// Returns four bytes; `None` if the file ends before.
    fn header(&mut self, at: u64) -> Result<Option<[u8; 4]>, ExifFault> {
        let mut header = Vec::with_capacity(4);
        self.append(at, 4, &mut header)?;
        Ok(header.try_into().ok())
    }

    fn bytes(&mut self, at: u64, length: u64) -> Result<Vec<u8>, ExifFault> {
        if length > MAX_BYTES {
            return Err(ExifFault::TooLong);
        }
        let mut block = Vec::new();
        // what is there, so that a length alone allocates nothing
        self.append(at, length, &mut block)?;
        if (block.len() as u64) < length {
            return Err(ExifFault::Truncated);
        }
        Ok(block)
    }

    fn append(&mut self, at: u64, length: u64, to: &mut Vec<u8>) -> io::Result<()> {
        let distance = i64::try_from(i128::from(at) - i128::from(self.at));
        self.file
            .seek_relative(distance.map_err(io::Error::other)?)?;
        let read = self.file.by_ref().take(length).read_to_end(to)?;
        self.at = at + read as u64;
        Ok(())
    }
}
