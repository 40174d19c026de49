use serde::Serialize;

use super::{CaptureLocation, CapturedAt, Labels, Lineage, PiiFlag, PiiFlags, Sha256Digest};

/// What a caller states at registration about where an asset came from and how it may be used.
///
/// Two are identical when they mean the same after defaults are filled in: times by instant,
/// numbers by value, flags and labels without order, parents in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Provenance {
    /// When the content came to be.
    pub captured_at: Option<CapturedAt>,
    /// Where it came to be.
    pub capture_location: Option<CaptureLocation>,
    /// What it was made of, and from.
    pub lineage: Lineage,
    /// Which personal data it holds.
    pub pii_flags: PiiFlags,
    /// Whether models may be trained on it; false unless stated.
    pub train_ok: bool,
    /// The caller's own labels.
    pub labels: Labels,
}

impl Provenance {
    /// A digest that is equal exactly for identical provenances: SHA-256 over one canonical JSON
    /// text. Catalogues keep it, so that a repeated registration compares 32 bytes.
    ///
    /// # Panics
    /// Never: the text has no part that cannot be written as JSON.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        #[derive(Serialize)]
        struct CanonicalProvenance<'a> {
            v: u8,
            captured_at: Option<CapturedAt>,
            capture_location: Option<CaptureLocation>,
            lineage: &'a Lineage,
            pii_flags: Vec<PiiFlag>,
            train_ok: bool,
            labels: &'a Labels,
        }
        let text = serde_json::to_vec(&CanonicalProvenance {
            v: 1,
            captured_at: self.captured_at,
            capture_location: self.capture_location,
            lineage: &self.lineage,
            pii_flags: self.pii_flags.sorted(),
            train_ok: self.train_ok,
            labels: &self.labels,
        });
        // only a map with non-text keys or a failing writer could err, and there is neither
        Sha256Digest::of(&text.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asset::{DerivedFrom, PiiFlag};

    fn provenance(captured_at: &str, flags: &[PiiFlag]) -> Provenance {
        Provenance {
            captured_at: Some(CapturedAt::parse(captured_at).unwrap()),
            capture_location: Some(CaptureLocation::parse(43.5, -0.0, None, Some(1.0)).unwrap()),
            pii_flags: PiiFlags::parse(flags.to_vec()).unwrap(),
            ..Provenance::default()
        }
    }

    #[test]
    fn the_same_meaning_has_the_same_digest() {
        let one = provenance("2008-10-22T18:28:39+02:00", &[PiiFlag::Face, PiiFlag::Name]);
        let other = provenance("2008-10-22T16:28:39.000Z", &[PiiFlag::Name, PiiFlag::Face]);
        assert_eq!(one, other);
        assert_eq!(one.digest(), other.digest());
    }

    #[test]
    fn another_meaning_has_another_digest() {
        let base = provenance("2008-10-22T16:28:39Z", &[PiiFlag::Face]);
        let parents = |ids: &[u128]| {
            let ids = ids
                .iter()
                .map(|n| crate::asset::AssetId::from_uuid(uuid::Uuid::from_u128(*n)))
                .collect();
            Lineage {
                derived_from: DerivedFrom::parse(ids).unwrap(),
                ..Lineage::default()
            }
        };
        let variants = [
            provenance("2008-10-22T16:28:40Z", &[PiiFlag::Face]),
            provenance("2008-10-22T16:28:39Z", &[]),
            Provenance {
                captured_at: None,
                ..base.clone()
            },
            Provenance {
                capture_location: None,
                ..base.clone()
            },
            Provenance {
                train_ok: true,
                ..base.clone()
            },
            Provenance {
                lineage: parents(&[1, 2]),
                ..base.clone()
            },
            Provenance {
                lineage: parents(&[2, 1]),
                ..base.clone()
            },
            Provenance {
                labels: Labels::parse([("a".into(), "b".into())].into()).unwrap(),
                ..base.clone()
            },
        ];
        let mut digests: Vec<_> = variants.iter().map(Provenance::digest).collect();
        digests.push(base.digest());
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), variants.len() + 1);
    }
}
