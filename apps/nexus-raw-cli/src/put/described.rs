//! What a file says of itself, as far as the options want to know it.

use std::{
    io::{Read, Seek},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    args::PutArgs,
    metadata::{Capture, ExifZone, HEAD_BYTES, capture, media_type},
};

/// How files are described, for work on any thread.
#[derive(Clone)]
pub(super) struct MetadataRules(Arc<RuleSet>);

struct RuleSet {
    content_type: Option<String>,
    /// The zone of times of Exif that have none; `None` where Exif is not read.
    zone: Option<ExifZone>,
    is_zone_noted: AtomicBool,
}

/// What a file says of itself.
#[derive(Default)]
pub(super) struct Described {
    pub(super) content_type: String,
    pub(super) capture: Capture,
}

impl MetadataRules {
    pub(super) fn new(args: &PutArgs) -> Self {
        let zone = (!args.no_exif).then(|| {
            let zone = args.exif_zone.clone();
            zone.unwrap_or_else(ExifZone::of_machine)
        });
        Self(Arc::new(RuleSet {
            content_type: args.content_type.clone(),
            zone,
            is_zone_noted: AtomicBool::new(false),
        }))
    }

    /// Returns the media type that is stated, or that of the name alone.
    pub(super) fn content_type(&self, filename: &str) -> String {
        self.content_type_of(filename, &[])
    }

    fn content_type_of(&self, filename: &str, head: &[u8]) -> String {
        let stated = self.0.content_type.clone();
        stated.unwrap_or_else(|| media_type(filename, head))
    }

    /// Describes a file. One that cannot be read is described by its name, and fails later.
    pub(super) fn describe(&self, filename: &str, mut file: impl Read + Seek) -> Described {
        let mut head = Vec::new();
        let read = file
            .rewind()
            .and_then(|()| file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head));
        if read.is_err() {
            head.clear();
        }
        let content_type = self.content_type_of(filename, &head);
        let capture = match &self.0.zone {
            Some(zone) => capture(file, &content_type, zone),
            None => Capture::default(),
        };
        Described {
            content_type,
            capture,
        }
    }

    /// Returns the zone that was taken for a time without one, the first time that it is asked for.
    pub(super) fn zone_to_note(&self) -> Option<String> {
        let is_noted = self.0.is_zone_noted.swap(true, Ordering::Relaxed);
        let zone = self.0.zone.as_ref().filter(|_| !is_noted);
        zone.map(ToString::to_string)
    }
}
