use serde::{Deserialize, Deserializer, Serialize};

use super::{ByteSize, ContentFacts, Sha256Digest};
use crate::time::Timestamp;

/// What a new reading of a registered asset's object has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is what the record says, byte for byte.
    Intact,
    /// It is not what the record says.
    Corrupt,
    /// It is no longer there.
    Missing,
}

/// A text is no [`Verdict`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `intact`, `corrupt` or `missing`")]
#[non_exhaustive]
pub struct VerdictError;

impl Verdict {
    /// Reads the name of a verdict.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, VerdictError> {
        match text {
            "intact" => Ok(Self::Intact),
            "corrupt" => Ok(Self::Corrupt),
            "missing" => Ok(Self::Missing),
            _ => Err(VerdictError),
        }
    }

    /// Returns its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intact => "intact",
            Self::Corrupt => "corrupt",
            Self::Missing => "missing",
        }
    }
}

/// The content that an object had when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundContent {
    /// The digest of all its bytes.
    pub sha256: Sha256Digest,
    /// Its length.
    pub size_bytes: ByteSize,
}

/// The outcome of reading a registered asset's object again and comparing it with the record.
///
/// Its serde form is that of the wire and of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    verdict: Verdict,
    #[serde(deserialize_with = "found_or_null")]
    sha256: Option<Sha256Digest>,
    #[serde(deserialize_with = "found_or_null")]
    size_bytes: Option<ByteSize>,
    verified_at: Timestamp,
}

impl Verification {
    /// A verdict that is younger than this, in microseconds, is answered again without a reading.
    const FRESH_MICROS: i64 = 60_000_000;

    /// Compares what was found at `verified_at` with the facts of the record.
    #[must_use]
    pub fn of(facts: &ContentFacts, found: Option<FoundContent>, verified_at: Timestamp) -> Self {
        let verdict = match found {
            None => Verdict::Missing,
            Some(it) if it.sha256 == facts.sha256 && it.size_bytes == facts.size_bytes => {
                Verdict::Intact
            }
            Some(_) => Verdict::Corrupt,
        };
        Self::new(verdict, found, verified_at)
    }

    fn new(verdict: Verdict, found: Option<FoundContent>, verified_at: Timestamp) -> Self {
        Self {
            verdict,
            sha256: found.map(|it| it.sha256),
            size_bytes: found.map(|it| it.size_bytes),
            verified_at,
        }
    }

    /// Puts one together again; `None` where nothing was found and the verdict is another than
    /// [`Verdict::Missing`], or the other way round.
    #[must_use]
    pub fn from_parts(
        verdict: Verdict,
        found: Option<FoundContent>,
        verified_at: Timestamp,
    ) -> Option<Self> {
        let agrees = found.is_none() == (verdict == Verdict::Missing);
        agrees.then(|| Self::new(verdict, found, verified_at))
    }

    /// What was found out.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The digest of what was found, if anything was.
    #[must_use]
    pub fn sha256(&self) -> Option<&Sha256Digest> {
        self.sha256.as_ref()
    }

    /// The length of what was found, if anything was.
    #[must_use]
    pub fn size_bytes(&self) -> Option<ByteSize> {
        self.size_bytes
    }

    /// When, by the service's clock.
    #[must_use]
    pub fn verified_at(&self) -> Timestamp {
        self.verified_at
    }

    /// Whether it is answered again at `now` without a reading. One of another replica may be ahead,
    /// by no more than the same time.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        let age = now.as_micros() - self.verified_at.as_micros();
        age.abs() < Self::FRESH_MICROS
    }

    /// Whether all members agree, which what was read from elsewhere need not do.
    pub(crate) fn is_consistent(&self) -> bool {
        let is_missing = self.verdict == Verdict::Missing;
        self.sha256.is_none() == is_missing && self.size_bytes.is_none() == is_missing
    }
}

/// Reads a member that must be there, and may be null.
fn found_or_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asset::{ContentType, Filename};

    /// The digest of an upload in parts may be stated wrongly, so that it and the length are those of
    /// different contents.
    #[test]
    fn an_intact_content_has_the_digest_and_the_length_of_the_record() {
        let size = |bytes| ByteSize::parse(bytes).unwrap();
        let facts = ContentFacts {
            filename: Filename::parse("a.bin").unwrap(),
            content_type: ContentType::parse("application/x").unwrap(),
            size_bytes: size(6),
            sha256: Sha256Digest::of(b"hello"),
        };
        let at = Timestamp::from_micros(0).unwrap();
        for (sha256, size_bytes, verdict) in [
            (facts.sha256, size(6), Verdict::Intact),
            (facts.sha256, size(5), Verdict::Corrupt),
            (Sha256Digest::of(b"hullo!"), size(6), Verdict::Corrupt),
        ] {
            let found = FoundContent { sha256, size_bytes };
            let verification = Verification::of(&facts, Some(found), at);
            assert_eq!(verification.verdict(), verdict);
        }
    }

    #[test]
    fn a_verdict_is_fresh_for_a_minute_and_no_longer_where_a_clock_was_ahead() {
        let time = |micros| Timestamp::from_micros(micros).unwrap();
        let at = time(1_795_482_000_000_000);
        let missing = Verification::new(Verdict::Missing, None, at);
        for (ago, is_fresh) in [
            (0, true),
            (59_999_999, true),
            (60_000_000, false),
            (-59_999_999, true),
            (-60_000_000, false),
        ] {
            assert_eq!(
                missing.is_fresh(time(at.as_micros() + ago)),
                is_fresh,
                "{ago}"
            );
        }
    }
}
