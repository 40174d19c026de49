use serde::Serialize;

use super::{PiiFlags, RawAsset};

/// What is in force of an asset by now: its record as registered, until a later statement
/// changes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InForce {
    /// Whether models may be trained on it, by its own word.
    pub train_ok: bool,
    /// Whether its own word and that of every ancestor allow training.
    pub train_ok_effective: bool,
    /// Which personal data it holds.
    pub pii_flags: PiiFlags,
}

impl InForce {
    /// What is in force of an asset of which nothing was stated since.
    #[must_use]
    pub fn as_registered(asset: &RawAsset, train_ok_effective: bool) -> Self {
        let provenance = asset.provenance();
        Self {
            train_ok: provenance.train_ok,
            train_ok_effective,
            pii_flags: provenance.pii_flags.clone(),
        }
    }
}
