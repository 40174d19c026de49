//! The file of an object, and of a part: `content ‖ record ‖ tail`.
//!
//! The record comes last because it holds digests of the content. The tail, of a fixed length,
//! has the lengths and a digest, so that a truncated, extended or mixed-up file is detected. All
//! numbers are big-endian.
//!
//! ```text
//! content bytes   u64
//! record bytes    u32
//! SHA-256         of the two lengths and the record
//! magic           8 bytes
//! ```

use std::io::{self, Read, Seek, SeekFrom};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

const MAGIC: [u8; 8] = *b"NXRAWOB1";
const TAIL_BYTES: usize = 8 + 4 + 32 + 8;
/// Headers of a request have at most 128 KiB; JSON escapes may double them.
const MAX_RECORD_BYTES: u32 = 512 * 1024;

/// What is read first of a file: most records are shorter, so that one read is enough.
const END_BYTES: u64 = 2048;

/// The error of a damaged object file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormatError {
    #[error("file has no tail")]
    NoTail,
    #[error("file length differs from the tail")]
    WrongLength,
    #[error("record digest differs from the tail")]
    WrongDigest,
    #[error("record cannot be parsed")]
    Record(#[source] serde_json::Error),
    #[error("record is of another object")]
    OtherObject,
    #[error("file cannot be read")]
    Io(#[from] io::Error),
}

/// Returns the record and tail that follow `content_bytes` of content.
pub(super) fn record_and_tail(record: &impl Serialize, content_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(record)?;
    let record_bytes = u32::try_from(bytes.len())
        .ok()
        .filter(|length| *length <= MAX_RECORD_BYTES)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "record is too large"))?;
    let digest = digest(content_bytes, record_bytes, &bytes);
    bytes.extend_from_slice(&content_bytes.to_be_bytes());
    bytes.extend_from_slice(&record_bytes.to_be_bytes());
    bytes.extend_from_slice(&digest);
    bytes.extend_from_slice(&MAGIC);
    Ok(bytes)
}

/// Reads the record of a file and the length of its content.
pub(super) fn read<Record: DeserializeOwned>(
    file: &mut (impl Read + Seek),
) -> Result<(Record, u64), FormatError> {
    let file_bytes = file.seek(SeekFrom::End(0))?;
    let end_bytes = file_bytes.min(END_BYTES);
    let end = take(file, file_bytes - end_bytes, end_bytes)?;
    let (before_tail, tail) = end
        .split_last_chunk::<TAIL_BYTES>()
        .ok_or(FormatError::NoTail)?;
    let tail = Tail::parse(tail).ok_or(FormatError::NoTail)?;
    let tail_start = file_bytes - TAIL_BYTES as u64;
    let record_bytes = u64::from(tail.record_bytes);
    let expected_start = tail.content_bytes.checked_add(record_bytes);
    if expected_start != Some(tail_start) || tail.record_bytes > MAX_RECORD_BYTES {
        return Err(FormatError::WrongLength);
    }
    let read_more;
    let record = if record_bytes <= before_tail.len() as u64 {
        let (_content, record) =
            before_tail.split_at(before_tail.len() - tail.record_bytes as usize);
        record
    } else {
        read_more = take(file, tail.content_bytes, record_bytes)?;
        &read_more
    };
    if digest(tail.content_bytes, tail.record_bytes, record) != tail.digest {
        return Err(FormatError::WrongDigest);
    }
    let record = serde_json::from_slice(record).map_err(FormatError::Record)?;
    Ok((record, tail.content_bytes))
}

/// The end of a file.
struct Tail {
    content_bytes: u64,
    record_bytes: u32,
    digest: [u8; 32],
}

impl Tail {
    fn parse(tail: &[u8; TAIL_BYTES]) -> Option<Self> {
        let (content_bytes, rest) = tail.split_first_chunk()?;
        let (record_bytes, rest) = rest.split_first_chunk()?;
        let (digest, magic) = rest.split_first_chunk()?;
        (magic == MAGIC).then(|| Self {
            content_bytes: u64::from_be_bytes(*content_bytes),
            record_bytes: u32::from_be_bytes(*record_bytes),
            digest: *digest,
        })
    }
}

/// Reads `length` bytes, which are few.
fn take(file: &mut (impl Read + Seek), start: u64, length: u64) -> Result<Vec<u8>, FormatError> {
    let length = usize::try_from(length).map_err(|_| FormatError::WrongLength)?;
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn digest(content_bytes: u64, record_bytes: u32, record: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(content_bytes.to_be_bytes())
        .chain_update(record_bytes.to_be_bytes())
        .chain_update(record)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::{Checksum, ChecksumAlgorithm};
    use crate::store::ObjectRecord;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn record(key: &str, value: &str) -> ObjectRecord {
        ObjectRecord {
            bucket: "raw".to_owned(),
            key: key.to_owned(),
            modified_unix_ms: 1_795_478_400_000,
            md5: "d41d8cd98f00b204e9800998ecf8427e".to_owned(),
            checksum: Checksum::parse(ChecksumAlgorithm::Crc32, "AAAAAA=="),
            headers: vec![("x-amz-meta-a".to_owned(), value.to_owned())],
            part_count: None,
        }
    }

    fn read(file: &mut Cursor<impl AsRef<[u8]>>) -> Result<(ObjectRecord, u64), FormatError> {
        super::read(file)
    }

    fn file(content: &[u8], record: &ObjectRecord) -> Vec<u8> {
        let mut bytes = content.to_vec();
        let length = u64::try_from(content.len()).unwrap();
        bytes.extend(record_and_tail(record, length).unwrap());
        bytes
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            content in proptest::collection::vec(any::<u8>(), 0..300),
            key in "\\PC{1,40}",
            // with and without the part of a record that is not in the first read
            value in prop_oneof!["[ -~]{0,40}", "[ -~]{1500,3000}"],
        ) {
            let record = record(&key, &value);
            let (read, length) = read(&mut Cursor::new(file(&content, &record))).unwrap();
            prop_assert_eq!(read, record);
            prop_assert_eq!(length, u64::try_from(content.len()).unwrap());
        }

        #[test]
        fn a_file_cut_anywhere_is_no_object(cut in 0_usize..400) {
            let whole = file(b"some content", &record("k", "v"));
            let cut = cut.min(whole.len() - 1);
            prop_assert!(read(&mut Cursor::new(&whole[..cut])).is_err());
            prop_assert!(read(&mut Cursor::new(&whole[whole.len() - cut..])).is_err());
        }

        #[test]
        fn a_changed_bit_after_the_content_is_seen(at in 0_usize..400, bit in 0_u8..8) {
            let content = b"some content";
            let mut bytes = file(content, &record("k", "v"));
            let at = content.len() + at % (bytes.len() - content.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(read(&mut Cursor::new(bytes)).is_err());
        }
    }

    #[test]
    fn a_file_with_bytes_too_many_is_no_object() {
        let whole = file(b"some content", &record("k", "v"));
        let longer = [b"x", whole.as_slice()].concat();
        assert!(matches!(
            read(&mut Cursor::new(longer)),
            Err(FormatError::WrongLength)
        ));
    }

    #[test]
    fn a_record_ends_anywhere_in_the_first_read() {
        let end_bytes = usize::try_from(END_BYTES).unwrap();
        let bare = file(b"", &record("k", "")).len();
        for content in [0, 1, 5000] {
            for length in end_bytes - bare - 2..=end_bytes - bare + 2 {
                let record = record("k", &"v".repeat(length));
                let file = file(&vec![b'c'; content], &record);
                let (read, content_bytes) = read(&mut Cursor::new(file)).unwrap();
                assert_eq!((read, content_bytes), (record, content as u64));
            }
        }
    }

    #[test]
    fn an_empty_file_is_no_object() {
        assert!(matches!(
            read(&mut Cursor::new([])),
            Err(FormatError::NoTail)
        ));
    }
}
