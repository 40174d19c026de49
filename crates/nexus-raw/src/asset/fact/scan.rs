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

/// A text is no [`ScanVerdict`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `clean`, `infected` or `unknown`")]
#[non_exhaustive]
pub struct ScanVerdictError;

impl ScanVerdict {
    /// Parses the name of a verdict.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, ScanVerdictError> {
        match text {
            "clean" => Ok(Self::Clean),
            "infected" => Ok(Self::Infected),
            "unknown" => Ok(Self::Unknown),
            _ => Err(ScanVerdictError),
        }
    }
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

/// A text is no [`C2paState`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `absent`, `present`, `valid` or `invalid`")]
#[non_exhaustive]
pub struct C2paStateError;

impl C2paState {
    /// Parses the name of a state.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, C2paStateError> {
        match text {
            "absent" => Ok(Self::Absent),
            "present" => Ok(Self::Present),
            "valid" => Ok(Self::Valid),
            "invalid" => Ok(Self::Invalid),
            _ => Err(C2paStateError),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_verdict_and_a_state_are_parsed_by_the_name_they_are_written_with() {
        use C2paState::{Absent, Invalid, Present, Valid};
        use ScanVerdict::{Clean, Infected, Unknown};
        for verdict in [Clean, Infected, Unknown] {
            let name = json!(verdict);
            assert_eq!(ScanVerdict::parse(name.as_str().unwrap()), Ok(verdict));
        }
        for state in [Absent, Present, Valid, Invalid] {
            let name = json!(state);
            assert_eq!(C2paState::parse(name.as_str().unwrap()), Ok(state));
        }
        for other in ["", "Clean", "clean ", "none"] {
            assert_eq!(ScanVerdict::parse(other), Err(ScanVerdictError));
            assert_eq!(C2paState::parse(other), Err(C2paStateError));
        }
    }
}
