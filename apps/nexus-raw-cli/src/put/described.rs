//! What is stated of a file: what the options say, and otherwise what the file itself says.

use std::{
    io::{Read, Seek},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use nexus_raw::{
    asset::{CapturedAt, Labels, PiiFlag, PiiFlags},
    ports::Clock as _,
    system::SystemClock,
};

use super::{
    plan::{Item, PATH_LABEL},
    session::Session,
};
use crate::{
    args::PutArgs,
    client::Provenance,
    failure::Failure,
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
    capture: Capture,
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
    fn zone_to_note(&self) -> Option<String> {
        let is_noted = self.0.is_zone_noted.swap(true, Ordering::Relaxed);
        let zone = self.0.zone.as_ref().filter(|_| !is_noted);
        zone.map(ToString::to_string)
    }
}

impl Session<'_> {
    /// Returns the metadata of the options, and where these say nothing that of the file.
    pub(super) fn provenance_of(
        &self,
        item: &Item,
        described: Described,
    ) -> Result<Provenance, Failure> {
        let mut provenance = self.provenance.clone();
        let mut capture = described.capture;
        if let Some(time) = capture.captured_at.take_if(|time| is_ahead(time)) {
            // the service would refuse it, after the upload
            capture.fault = Some(format!("it was captured at {time}, which is in the future"));
        }
        if let Some(fault) = capture.fault {
            let path = item.path.display();
            self.note(&format!("{path}: its Exif cannot be used whole: {fault}"));
        }
        if provenance.captured_at.is_none() {
            provenance.captured_at = capture.captured_at;
            if capture.zone_assumed
                && let Some(zone) = self.rules.zone_to_note()
            {
                self.note(&format!(
                    "times of Exif without a UTC offset are taken as of {zone}; --exif-zone sets another"
                ));
            }
        }
        if provenance.capture_location.is_none() && capture.location.is_some() {
            provenance.capture_location = capture.location;
            let mut flags = provenance.pii_flags.as_slice().to_vec();
            if !flags.contains(&PiiFlag::Location) {
                flags.push(PiiFlag::Location);
            }
            provenance.pii_flags =
                PiiFlags::parse(flags).map_err(|it| Failure::Usage(it.to_string()))?;
        }
        if let Some(path) = &item.label {
            let mut labels = provenance.labels.as_map().clone();
            labels.insert(PATH_LABEL.to_owned(), path.clone());
            provenance.labels =
                Labels::parse(labels).map_err(|it| Failure::Usage(format!("--label {it}")))?;
        }
        Ok(provenance)
    }
}

/// Returns whether the service would refuse a time as one of the future.
fn is_ahead(time: &str) -> bool {
    CapturedAt::parse(time).map_or(true, |it| it.is_ahead_of(SystemClock.now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_the_future_is_ahead() {
        assert!(!is_ahead("2008-10-22T16:28:39+02:00"));
        assert!(is_ahead("9999-01-01T00:00:00Z") && is_ahead("no time"));
    }
}
