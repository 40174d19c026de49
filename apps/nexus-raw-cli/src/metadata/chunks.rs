//! Files of chunks, as images are: what is looked for is read, and the rest skipped.

use std::io::{self, BufReader, ErrorKind, Read, Seek};

/// Exif may have this many bytes; in JPEG and HEIF it has at most 128 KiB.
pub(super) const MAX_BYTES: u64 = 2 * 1024 * 1024;

/// An image of 2 GiB has as many chunks, as libpng writes them.
pub(super) const MAX_CHUNKS: usize = 1 << 18;

/// The headers of chunks are far apart.
const BUFFER_BYTES: usize = 512;

/// Why the Exif of an image cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExifFault {
    #[error("Exif is damaged: {0}")]
    Damaged(String),
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
            ErrorKind::InvalidData => Self::Damaged(error.to_string()),
            _ => Self::Unreadable(error),
        }
    }
}

/// A file of chunks, of which the headers are read. They may be near, so the buffer is kept.
pub(super) struct Chunks<F> {
    file: BufReader<F>,
    at: u64,
}

impl<F: Read + Seek> Chunks<F> {
    pub(super) fn new(mut file: F) -> io::Result<Self> {
        file.rewind()?;
        let file = BufReader::with_capacity(BUFFER_BYTES, file);
        Ok(Self { file, at: 0 })
    }

    /// Returns four bytes; `None` if the file ends before.
    pub(super) fn header(&mut self, at: u64) -> Result<Option<[u8; 4]>, ExifFault> {
        let mut header = Vec::with_capacity(4);
        self.append(at, 4, &mut header)?;
        Ok(header.try_into().ok())
    }

    pub(super) fn bytes(&mut self, at: u64, length: u64) -> Result<Vec<u8>, ExifFault> {
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
