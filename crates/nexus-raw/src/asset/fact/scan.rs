use serde::{Deserialize, Serialize};

use super::Scanner;
use crate::{asset::CapturedAt, time::Timestamp};

/// What a malware scanner found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    /// Which scanner.
    pub scanner: Scanner,
    /// What it found.
    pub verdict: ScanVerdict,
    /// When, at most five minutes ahead of the service's clock at the time of the statement.
    pub scanned_at: Timestamp,
}

impl Scan {
    /// Whether the scan lies more than five minutes ahead of `now`.
    #[must_use]
    pub fn is_ahead_of(&self, now: Timestamp) -> bool {
        self.scanned_at > now.saturating_add(CapturedAt::MAX_AHEAD)
    }
}

/// The verdict of a malware scanner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanVerdict {
    /// No malware.
    Clean,
    /// Malware.
    Infected,
    /// The scanner could not decide.
    Unknown,
}

/// The state of an asset's C2PA manifest (Content Credentials).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct C2pa {
    /// The state.
    pub state: C2paState,
}

/// See [`C2pa`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum C2paState {
    /// There is none.
    Absent,
    /// There is one, not validated.
    Present,
    /// It is valid.
    Valid,
    /// It is not valid.
    Invalid,
}
