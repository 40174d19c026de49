//! What adapters find when they examine what they stand on, for an operator.

use serde::Serialize;

/// What one check of the surroundings found: of a bucket, a role, a database, a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Examined {
    /// The name of the check, such as `bucket.cors`; it does not change between versions.
    pub check: &'static str,
    /// The verdict.
    pub verdict: CheckVerdict,
    /// What was found.
    pub found: String,
    /// What to do about it, as exactly as can be said; `None` where there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

/// The verdict of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckVerdict {
    /// As it should be.
    Sound,
    /// Nothing has to be done, but an operator should know.
    Note,
    /// It could not be found out, so it is not known to be sound.
    Unknown,
    /// It must be changed.
    Fault,
}

impl CheckVerdict {
    /// Returns whether an operator has to act.
    #[must_use]
    pub fn asks_for_action(self) -> bool {
        matches!(self, Self::Unknown | Self::Fault)
    }

    /// Returns the verdict's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::Note => "note",
            Self::Unknown => "unknown",
            Self::Fault => "fault",
        }
    }
}

impl Examined {
    /// Says that all is as it should be.
    #[must_use]
    pub fn sound(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, CheckVerdict::Sound, found.into(), None)
    }

    /// Says what an operator should know.
    #[must_use]
    pub fn note(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, CheckVerdict::Note, found.into(), None)
    }

    /// Says what could not be found out, and what is missing for that.
    #[must_use]
    pub fn unknown(check: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(
            check,
            CheckVerdict::Unknown,
            found.into(),
            Some(mend.into()),
        )
    }

    /// Says what is wrong, and what to do about it.
    #[must_use]
    pub fn fault(check: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::new(check, CheckVerdict::Fault, found.into(), Some(mend.into()))
    }

    fn new(
        check: &'static str,
        verdict: CheckVerdict,
        found: String,
        mend: Option<String>,
    ) -> Self {
        Self {
            check,
            verdict,
            found,
            mend,
        }
    }
}
