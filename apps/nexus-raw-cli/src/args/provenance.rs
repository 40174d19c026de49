//! Options with the metadata of an asset.

use nexus_raw::asset::{
    Activity, AssetId, CaptureLocation, DerivedFrom, Lineage, PiiFlag, PiiFlags, SourceUri,
};

use super::{
    time::{Note, Time},
    values::{accuracy, altitude, asset, label, labels, latitude, longitude},
};
use crate::{failure::Failure, provenance::Provenance};

/// What a caller states of an asset when it is registered.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Metadata")]
pub(crate) struct ProvenanceArgs {
    /// Time of capture, such as 2008-10-22T16:28:39+02:00; a date is its midnight, UTC
    #[arg(long, value_name = "TIME", value_parser = Time::parse)]
    pub(crate) captured_at: Option<Time>,
    /// Latitude of capture, in degrees north
    #[arg(long, requires = "longitude", allow_negative_numbers = true, value_parser = latitude)]
    pub(crate) latitude: Option<f64>,
    /// Longitude of capture, in degrees east
    #[arg(long, requires = "latitude", allow_negative_numbers = true, value_parser = longitude)]
    pub(crate) longitude: Option<f64>,
    /// Altitude of capture, in metres
    #[arg(long, requires = "latitude", allow_negative_numbers = true, value_parser = altitude)]
    pub(crate) altitude_m: Option<f64>,
    /// Accuracy of the location, in metres
    #[arg(long, requires = "latitude", allow_negative_numbers = true, value_parser = accuracy)]
    pub(crate) accuracy_m: Option<f64>,
    /// Registered asset from which it was derived, by its id or its URI; may be repeated
    #[arg(long, value_name = "ID", value_parser = asset)]
    pub(crate) derived_from: Vec<AssetId>,
    /// URI of its source
    #[arg(long, value_name = "URI", value_parser = SourceUri::parse)]
    pub(crate) source_uri: Option<SourceUri>,
    /// Activity that produced it
    #[arg(long, value_parser = Activity::parse)]
    pub(crate) activity: Option<Activity>,
    /// Kind of personal data in it: email, phone, card, postal, name, face, location, health,
    /// biometric or other; separated by commas, or repeated
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = PiiFlag::parse)]
    pub(crate) pii_flag: Vec<PiiFlag>,
    /// Allow training on it
    #[arg(long)]
    pub(crate) train_ok: bool,
    /// Label; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    pub(crate) label: Vec<(String, String)>,
}

impl ProvenanceArgs {
    pub(super) fn notes(&self) -> Vec<Note<'_>> {
        let captured_at = self.captured_at.as_ref();
        let note = captured_at.and_then(|it| Note::of("--captured-at", it));
        note.into_iter().collect()
    }

    /// Returns the metadata of the options. Checked before the upload, which would otherwise be useless.
    pub(crate) fn provenance(&self) -> Result<Provenance, Failure> {
        let place = self.latitude.zip(self.longitude);
        let place = place.map(|(latitude, longitude)| {
            CaptureLocation::parse(latitude, longitude, self.altitude_m, self.accuracy_m)
        });
        Ok(Provenance {
            captured_at: self.captured_at.as_ref().map(|it| it.sent().to_owned()),
            capture_location: place.transpose().map_err(|it| usage("--latitude", &it))?,
            lineage: Lineage {
                derived_from: DerivedFrom::parse(self.derived_from.clone())
                    .map_err(|it| usage("--derived-from", &it))?,
                source_uri: self.source_uri.clone(),
                activity: self.activity.clone(),
            },
            pii_flags: PiiFlags::parse(self.pii_flag.clone())
                .map_err(|it| usage("--pii-flag", &it))?,
            train_ok: self.train_ok,
            labels: labels(&self.label).map_err(|it| usage("--label", &it))?,
        })
    }
}

fn usage(option: &str, rule: &dyn std::fmt::Display) -> Failure {
    Failure::Usage(format!("{option} {rule}"))
}
