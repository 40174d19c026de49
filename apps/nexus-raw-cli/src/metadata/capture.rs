//! When and where a photograph was taken, by its Exif.

use std::io::{Read, Seek};

use nexus_raw::asset::CaptureLocation;

use super::{
    exif_block::{self, FoundExif},
    exif_location::location,
    exif_time::time,
    zone::ExifZone,
};

/// What Exif says of a capture.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Capture {
    /// RFC 3339 with an offset, as the service takes it.
    pub(crate) captured_at: Option<String>,
    pub(crate) location: Option<CaptureLocation>,
    /// Whether the offset of the time is that of the zone, since Exif has none.
    pub(crate) zone_assumed: bool,
    /// What is there and cannot be used. It may quote the file.
    pub(crate) fault: Option<String>,
}

/// Reads the Exif of a still image: JPEG, TIFF with the raw formats that are one, PNG, WebP, HEIC
/// and AVIF. Of other media types, video among them, nothing is read. At most a few MiB are read,
/// from wherever the file is at.
pub(crate) fn capture(mut file: impl Read + Seek, media_type: &str, zone: &ExifZone) -> Capture {
    if !is_still_image(media_type) {
        return Capture::default();
    }
    let found = file.rewind().map_err(Into::into);
    match found.and_then(|()| exif_block::read(file)) {
        Ok(Some(found)) => read(&found, zone),
        Ok(None) => Capture::default(),
        Err(fault) => Capture {
            fault: Some(fault.to_string()),
            ..Capture::default()
        },
    }
}

fn read(found: &FoundExif, zone: &ExifZone) -> Capture {
    let mut faults = Vec::new();
    let time = time(&found.exif, zone, &mut faults);
    let location = location(&found.exif, &mut faults);
    faults.extend(found.fault.as_ref().map(ToString::to_string));
    Capture {
        zone_assumed: time.as_ref().is_some_and(|it| it.zone_assumed),
        captured_at: time.map(|it| it.text),
        location,
        fault: (!faults.is_empty()).then(|| faults.join("; ")),
    }
}

fn is_still_image(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    essence.starts_with("image/") && essence != "image/svg+xml"
}
