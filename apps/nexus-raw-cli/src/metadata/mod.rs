//! What a file says of itself: its media type, and when and where a photograph was taken.

mod capture;
mod chunks;
mod exif_block;
mod exif_location;
mod exif_time;
mod heif;
mod media_tables;
mod media_type;
mod names;
#[cfg(test)]
mod tests;
mod tiff;
mod zone;

pub(crate) use self::{
    capture::{Capture, capture},
    media_type::{HEAD_BYTES, media_type},
    names::composed,
    zone::ExifZone,
};
