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
    /// The sequence of the last fact of any kind, if one was stated. An event that says what is in
    /// force is written only while this is still the last one.
    #[serde(skip)]
    pub last_fact: Option<u64>,
}

impl InForce {
    /// What is in force of an asset of which nothing was stated since.
    #[must_use]
    pub fn as_registered(asset: &RawAsset, train_ok_effective: bool) -> Self {
        let provenance = asset.provenance();
        let pii_flags = provenance.pii_flags.clone();
        Self::from_parts(provenance.train_ok, train_ok_effective, pii_flags)
    }

    /// What is in force where nothing was stated since, from its parts.
    #[must_use]
    pub fn from_parts(train_ok: bool, train_ok_effective: bool, pii_flags: PiiFlags) -> Self {
        Self {
            train_ok,
            train_ok_effective,
            pii_flags,
            last_fact: None,
        }
    }

    /// Sets what was stated since: the last values of these kinds, where there are any, and the
    /// sequence of the last fact of any kind.
    #[must_use]
    pub fn with_stated(
        self,
        train_ok: Option<bool>,
        pii_flags: Option<PiiFlags>,
        last_fact: Option<u64>,
    ) -> Self {
        Self {
            train_ok: train_ok.unwrap_or(self.train_ok),
            train_ok_effective: self.train_ok_effective,
            pii_flags: pii_flags.unwrap_or(self.pii_flags),
            last_fact,
        }
    }
}
