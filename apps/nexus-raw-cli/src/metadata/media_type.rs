//! The media type of a file.

use std::path::Path;

use file_format::FileFormat;
use nexus_raw::asset::ContentType;

use super::media_tables::{by_ending, contains, in_use, is_textual, may_be_by_chance, may_be_text};

/// How much of a file's start [`media_type`] looks at, in bytes. The signature of ISO 9660 is at
/// 32 KiB; that of HDF5 may be anywhere at a power of two.
pub(crate) const HEAD_BYTES: usize = 64 * 1024;

/// The packets of an MPEG transport stream start with this, and each has as many bytes.
const SYNC: u8 = 0x47;
const PACKET_BYTES: usize = 188;

/// JPEG XL in boxes starts with this; without them it has two bytes, which other content may have.
const JPEG_XL_BOX: &[u8] = b"\0\0\0\x0cJXL \r\n\x87\n";

/// Where the music of a tracker says how many channels it has, and what may stand there.
const TRACKER_OFFSET: usize = 1080;
const TRACKERS: [&[u8]; 9] = [
    b"M.K.", b"M!K!", b"FLT4", b"FLT8", b"4CHN", b"6CHN", b"8CHN", b"OCTA", b"CD81",
];

/// Returns the media type of a file: what its first bytes show, except that
///
/// - of a container, such as ZIP, the name says what is in it, if the format that it names is such
///   a container (a `.docx` is a ZIP, a `.jpg` is none);
/// - of text, such as XML or a script, the name says what it is, if it names a format of text.
///
/// Where the bytes show nothing it is that of the name, unless it names a text and a byte is zero.
/// If the name says nothing either, it is `application/octet-stream`.
pub(crate) fn media_type(filename: &str, head: &[u8]) -> String {
    let head = &head[..head.len().min(HEAD_BYTES)];
    let ending = Path::new(filename).extension();
    let ending = ending.and_then(|it| it.to_str()).unwrap_or_default();
    let ending = ending.to_ascii_lowercase();
    let by_name = by_name(&ending).filter(|it| !is_textual(it) || !is_binary(head));
    match (by_content(head), by_name) {
        (Some(content), Some(name)) if is_refined(&content, &ending, name) => name.to_owned(),
        (Some(content), _) => content,
        (None, name) => name.unwrap_or(ContentType::OCTET_STREAM).to_owned(),
    }
}

fn by_name(ending: &str) -> Option<&'static str> {
    let found = by_ending(ending).or_else(|| mime_guess::from_ext(ending).first_raw());
    found.filter(|it| ContentType::parse(it).is_ok())
}

/// Whether a name says more of the content than the content itself.
fn is_refined(content: &str, ending: &str, name: &str) -> bool {
    contains(content, ending) || (is_textual(content) && is_textual(name))
}

fn by_content(head: &[u8]) -> Option<String> {
    let ours = [
        (is_hdf5(head), "application/vnd.hdfgroup.hdf5"),
        (head.starts_with(b"\x93NUMPY"), "application/x-npy"),
        (is_transport_stream(head), "video/mp2t"),
        (head.starts_with(JPEG_XL_BOX), "image/jxl"),
        (is_tracker_music(head), "audio/x-mod"),
    ];
    if let Some((_, media_type)) = ours.iter().find(|(shows, _)| *shows) {
        return Some((*media_type).to_owned());
    }
    let format = FileFormat::from_bytes(head);
    let says_nothing = matches!(
        format,
        FileFormat::ArbitraryBinaryData | FileFormat::Empty | FileFormat::PlainText
    );
    if says_nothing || may_be_by_chance(format) {
        return None;
    }
    let media_type = in_use(format.media_type());
    let is_possible = !is_text(head) || may_be_text(media_type);
    is_possible.then(|| media_type.to_owned())
}

/// At the start, or after a block of the user at 512 or a power of two times that.
fn is_hdf5(head: &[u8]) -> bool {
    let starts = std::iter::successors(Some(512), |it| Some(it * 2));
    let mut starts = std::iter::once(0).chain(starts.take_while(|it| *it < head.len()));
    starts.any(|it| head[it..].starts_with(b"\x89HDF\r\n\x1a\n"))
}

fn is_tracker_music(head: &[u8]) -> bool {
    let mark = head.get(TRACKER_OFFSET..).unwrap_or_default();
    !is_text(head) && TRACKERS.iter().any(|it| mark.starts_with(it))
}

/// Whether each packet starts as one of a transport stream, as it is broadcast, or as it is on
/// Blu-ray, after four bytes with the time. A text that starts with `G` is none.
fn is_transport_stream(head: &[u8]) -> bool {
    let is_in_step = |start: usize, step: usize| {
        let mut count = 0;
        let mut starts = head.iter().skip(start).step_by(step);
        starts.all(|it| {
            count += 1;
            *it == SYNC
        }) && count >= 2
    };
    !is_text(head) && (is_in_step(0, PACKET_BYTES) || is_in_step(4, PACKET_BYTES + 4))
}

fn is_binary(head: &[u8]) -> bool {
    head.contains(&0) && !is_utf_16(head)
}

/// Whether a mark is there, which programs write.
fn is_utf_16(head: &[u8]) -> bool {
    head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff")
}

/// Whether the bytes are text in UTF-8, or in UTF-16 with a mark. The last character may be cut.
fn is_text(head: &[u8]) -> bool {
    if is_utf_16(head) {
        return true;
    }
    let text = match str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    // among them what terminals are sent
    let is_of_text =
        |it: u8| !it.is_ascii_control() || matches!(it, b'\t' | b'\n' | 12 | b'\r' | 27);
    !text.is_empty() && text.bytes().all(is_of_text)
}
