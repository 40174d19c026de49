//! What is stated of a file: what the options say, and otherwise what the file itself says.

use nexus_raw::{
    asset::{CapturedAt, Labels, PiiFlag, PiiFlags},
    ports::Clock as _,
    system::SystemClock,
};

use super::{
    described::Described,
    plan::{Item, PATH_LABEL},
    session::Session,
};
use crate::{client::Provenance, failure::Failure};

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
