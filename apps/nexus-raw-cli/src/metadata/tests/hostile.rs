use std::io::{self, Read, Seek, SeekFrom};

use proptest::prelude::*;

use super::{
    super::{ExifZone, capture},
    photograph::{block, in_heif, in_jpeg, in_png, in_webp, read, text},
};

/// A file with some bytes at its start, some at its end, and zeros between, that counts what is read.
struct Huge {
    start: Vec<u8>,
    end: Vec<u8>,
    length: u64,
    at: u64,
    read: u64,
}

impl Huge {
    fn new(start: &[u8], end: &[u8], length: u64) -> Self {
        Self {
            start: start.to_vec(),
            end: end.to_vec(),
            length,
            at: 0,
            read: 0,
        }
    }

    /// Copies what is at an offset of the file, as far as the buffer reaches there.
    fn overlay(&self, bytes: &[u8], offset: u64, buffer: &mut [u8]) {
        let from = self.at.max(offset);
        let end = (offset + bytes.len() as u64).min(self.at + buffer.len() as u64);
        if from < end {
            let index = |at: u64, base: u64| usize::try_from(at - base).unwrap();
            buffer[index(from, self.at)..index(end, self.at)]
                .copy_from_slice(&bytes[index(from, offset)..index(end, offset)]);
        }
    }
}

impl Read for Huge {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.at);
        let count = buffer.len().min(usize::try_from(left).unwrap());
        let buffer = &mut buffer[..count];
        buffer.fill(0);
        self.overlay(&self.start, 0, buffer);
        self.overlay(&self.end, self.length - self.end.len() as u64, buffer);
        self.at += count as u64;
        self.read += count as u64;
        Ok(count)
    }
}

impl Seek for Huge {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.length.checked_add_signed(by).unwrap(),
            SeekFrom::Current(by) => self.at.checked_add_signed(by).unwrap(),
        };
        Ok(self.at)
    }
}

const GIB: u64 = 1 << 30;
const FEW_MIB: u64 = 4 << 20;

fn read_huge(file: &mut Huge) -> super::super::Capture {
    let zone = ExifZone::parse("UTC").unwrap();
    capture(file, "image/tiff", &zone)
}

fn dated() -> Vec<u8> {
    block(&[(exif::Tag::DateTimeOriginal, text("2026:07:15 12:30:45"))])
}

#[test]
fn pixels_are_skipped() {
    let chunk = |name: &[u8; 4], data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap();
        [&length.to_be_bytes()[..], name, data, &[0; 4]].concat()
    };
    let end = chunk(b"eXIf", &dated());
    let length = GIB + end.len() as u64;
    let pixels = u32::try_from(GIB - 20).unwrap().to_be_bytes();
    let start = [b"\x89PNG\r\n\x1a\n", &pixels[..], b"IDAT"].concat();
    let mut png = Huge::new(&start, &end, length);
    let found = read_huge(&mut png);
    assert_eq!(found.captured_at.unwrap(), "2026-07-15T12:30:45+00:00");
    assert!(png.read < FEW_MIB, "{}", png.read);
}

#[test]
fn the_directories_of_a_tiff_may_be_behind_its_pixels() {
    let base = u32::try_from(3 * GIB).unwrap();
    let at = |offset: u32| (base + offset).to_le_bytes();
    let end = [
        &[1, 0, 0x69, 0x87, 4, 0, 1, 0, 0, 0][..],
        &at(18),
        &[0, 0, 0, 0, 1, 0, 0x03, 0x90, 2, 0, 20, 0, 0, 0],
        &at(36),
        b"\0\0\0\x002026:07:15 12:30:45\0",
    ]
    .concat();
    let start = [b"II*\0", &at(0)[..]].concat();
    let mut tiff = Huge::new(&start, &end, 3 * GIB + end.len() as u64);
    let found = read_huge(&mut tiff);
    assert_eq!(found.captured_at.unwrap(), "2026-07-15T12:30:45+00:00");
    assert!(tiff.read < FEW_MIB, "{}", tiff.read);
}

#[test]
fn what_claims_to_be_long_is_not_read() {
    // of TIFF: 65,535 entries, each the pointer to the directory that it is in; of HEIF: metadata
    // of gigabytes
    let entry = [0x69, 0x87, 4, 0, 1, 0, 0, 0, 8, 0, 0, 0];
    let table = [&b"II*\0\x08\0\0\0\xff\xff"[..], &entry.repeat(65_535)].concat();
    // a text of a GiB
    let text = [
        &b"II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x1a\0\0\0\0\0\0\0"[..],
        b"\x01\0\x03\x90\x02\0\0\0\0\x40\x08\0\0\0\0\0\0\0",
    ]
    .concat();
    let png = b"\x89PNG\r\n\x1a\n\x7f\xff\xff\xffeXIf";
    let webp = b"RIFF\xff\xff\xff\xffWEBPEXIF\xff\xff\xff\x7f";
    let heif = b"\0\0\0\x14ftypmif1\0\0\0\0mif1\x7f\xff\xff\xffmeta";
    let meta = b"\0\0\0\x14ftypmif1\0\0\0\0mif1\0\0\0\0meta";
    for (start, fault) in [
        (&table[..], None),
        (&text, Some("DateTimeOriginal is not a text")),
        (png, Some("Exif has more than 2097152 bytes")),
        (webp, Some("Exif has more than 2097152 bytes")),
        (heif, Some("Exif has more than 2097152 bytes")),
        (meta, None),
        // nothing but segments of nothing
        (b"\xff\xd8\xff\xff", None),
    ] {
        let mut file = Huge::new(start, &[], 8 * GIB);
        let found = read_huge(&mut file);
        assert_eq!(found.fault.as_deref(), fault);
        assert!(file.read < FEW_MIB, "{}", file.read);
    }
}

#[test]
fn directories_that_overlap_are_not_followed() {
    // each of 3,000 entries points to a directory, each of which has 3,000 entries
    let mut block = b"II*\0\x08\0\0\0\xb8\x0b".to_vec();
    for entry in 0..6000_u32 {
        let offset = 10 + entry % 3000 * 12;
        block.extend([0x69, 0x87, 4, 0, 1, 0, 0, 0]);
        block.extend(offset.to_le_bytes());
    }
    let excerpt = super::super::tiff::excerpt(&mut io::Cursor::new(&block)).unwrap();
    assert!(excerpt.len() < 100, "{}", excerpt.len());
    assert_eq!(read(&in_png(&block), "image/png").captured_at, None);
}

#[test]
fn chunks_are_counted() {
    // each eight bytes are one
    let mut file = Huge::new(b"RIFF\xff\xff\xff\xffWEBP", &[], 8 * GIB);
    let found = read_huge(&mut file);
    assert_eq!(found.fault, None);
    assert!(file.read < 16 << 20, "{}", file.read);
}

#[test]
fn a_file_that_cannot_be_read_is_a_fault() {
    struct Unreadable;
    impl Read for Unreadable {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk on fire"))
        }
    }
    impl Seek for Unreadable {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Ok(0)
        }
    }
    let zone = ExifZone::parse("UTC").unwrap();
    let found = capture(Unreadable, "image/jpeg", &zone);
    let expected = "Exif cannot be read: disk on fire";
    assert_eq!(found.fault.as_deref(), Some(expected));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(
        format in 0..6_usize,
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
        is_cut: bool,
    ) {
        let block = dated();
        let mut file = match format {
            0 => in_jpeg(&block),
            1 => in_png(&block),
            2 => in_webp(&block),
            3 => in_heif(*b"heic", &block),
            4 => block,
            _ => vec![0; 64],
        };
        for (at, byte) in noise {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if is_cut {
            file.truncate(cut.index(file.len()));
        }
        let found = read(&file, "image/jpeg");
        if let Some(time) = found.captured_at {
            prop_assert!(nexus_raw::asset::CapturedAt::parse(&time).is_ok());
        }
    }

    #[test]
    fn any_block_is_read_without_a_panic(block in prop::collection::vec(any::<u8>(), 0..200), order: bool) {
        let header: &[u8] = if order { b"II*\0\x08\0\0\0" } else { b"MM\0*\0\0\0\x08" };
        let block = [header, &block].concat();
        read(&in_jpeg(&block), "image/jpeg");
        read(&block, "image/tiff");
    }
}
