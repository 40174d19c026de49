use serde::Serialize;

use super::{C2pa, Fact, FactValue, License, RightsHolder, Scan};
use crate::asset::{AssetId, InForce, Labels, PiiFlags, Provenance};

/// All that is in force of an asset: as registered, changed by the facts that were stated since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FactsInForce {
    /// Whether models may be trained on it, by its own statement.
    pub train_ok: bool,
    /// Whether its own statement and those of all ancestors allow training.
    pub train_ok_effective: bool,
    /// The asset itself and its ancestors whose own statement does not allow training, nearest
    /// first: at most 100, from its nearest 10,000 ancestors.
    pub withheld_by: Vec<AssetId>,
    /// Which personal data it holds.
    pub pii_flags: PiiFlags,
    /// Its labels.
    pub labels: Labels,
    /// Its license.
    pub license: Option<License>,
    /// Who holds the rights.
    pub rights_holder: Option<RightsHolder>,
    /// What a malware scanner found.
    pub scan: Option<Scan>,
    /// The state of its C2PA manifest.
    pub c2pa: Option<C2pa>,
}

impl FactsInForce {
    /// Derives what is in force from the registration, the latest fact of each kind, and what
    /// depends on ancestors.
    #[must_use]
    pub fn of<'f>(
        registered: &Provenance,
        latest: impl IntoIterator<Item = &'f Fact>,
        in_force: &InForce,
        withheld_by: Vec<AssetId>,
    ) -> Self {
        let mut facts = Self {
            train_ok: in_force.train_ok,
            train_ok_effective: in_force.train_ok_effective,
            withheld_by,
            pii_flags: in_force.pii_flags.clone(),
            labels: registered.labels.clone(),
            license: None,
            rights_holder: None,
            scan: None,
            c2pa: None,
        };
        for fact in latest {
            match fact.value.clone() {
                // these two are in `in_force`, too
                FactValue::TrainOk(_) | FactValue::PiiFlags(_) => {}
                FactValue::Labels(it) => facts.labels = it,
                FactValue::License(it) => facts.license = it,
                FactValue::RightsHolder(it) => facts.rights_holder = it,
                FactValue::Scan(it) => facts.scan = it,
                FactValue::C2pa(it) => facts.c2pa = it,
            }
        }
        facts
    }
}
