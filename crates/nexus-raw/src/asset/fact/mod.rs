//! Facts: what is stated of an asset after its registration. The record never changes.

mod in_force;
mod license;
mod scan;
mod texts;

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer, de,
    de::value::{Error as NameError, StrDeserializer},
    ser::SerializeStruct,
};

pub use self::{
    in_force::FactsInForce,
    license::{License, LicenseError},
    scan::{C2pa, C2paState, C2paStateError, Scan, ScanVerdict, ScanVerdictError},
    texts::{FactTextError, Reason, RightsHolder, Scanner},
};
use super::{Labels, PiiFlags, Sha256Digest};
use crate::{tenancy::UserId, time::Timestamp};

/// What a fact is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FactKind {
    /// Whether models may be trained on the asset.
    TrainOk,
    /// Which personal data it holds.
    PiiFlags,
    /// Its labels.
    Labels,
    /// Its license.
    License,
    /// Who holds the rights.
    RightsHolder,
    /// What a malware scanner found.
    Scan,
    /// The state of its C2PA manifest.
    C2pa,
}

/// A text is not the name of a kind of fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of train_ok, pii_flags, labels, license, rights_holder, scan, c2pa")]
#[non_exhaustive]
pub struct FactKindError;

impl FactKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::TrainOk,
        Self::PiiFlags,
        Self::Labels,
        Self::License,
        Self::RightsHolder,
        Self::Scan,
        Self::C2pa,
    ];

    /// Parses the kind's name on the wire.
    ///
    /// # Errors
    /// When no kind has this name.
    pub fn parse(name: &str) -> Result<Self, FactKindError> {
        let name: StrDeserializer<'_, NameError> = de::IntoDeserializer::into_deserializer(name);
        Self::deserialize(name).map_err(|_| FactKindError)
    }

    /// The kind's name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TrainOk => "train_ok",
            Self::PiiFlags => "pii_flags",
            Self::Labels => "labels",
            Self::License => "license",
            Self::RightsHolder => "rights_holder",
            Self::Scan => "scan",
            Self::C2pa => "c2pa",
        }
    }
}

/// What a fact states. `None` withdraws what was stated before.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FactValue {
    /// Whether models may be trained on the asset, from now on.
    TrainOk(bool),
    /// Replaces the flags in force.
    PiiFlags(PiiFlags),
    /// Replaces the labels in force.
    Labels(Labels),
    /// The license.
    License(Option<License>),
    /// Who holds the rights.
    RightsHolder(Option<RightsHolder>),
    /// What a malware scanner found.
    Scan(Option<Scan>),
    /// The state of its C2PA manifest.
    C2pa(Option<C2pa>),
}

impl FactValue {
    /// What the fact is about.
    #[must_use]
    pub fn kind(&self) -> FactKind {
        match self {
            Self::TrainOk(_) => FactKind::TrainOk,
            Self::PiiFlags(_) => FactKind::PiiFlags,
            Self::Labels(_) => FactKind::Labels,
            Self::License(_) => FactKind::License,
            Self::RightsHolder(_) => FactKind::RightsHolder,
            Self::Scan(_) => FactKind::Scan,
            Self::C2pa(_) => FactKind::C2pa,
        }
    }

    /// Reads the JSON of a value of this kind, as the service wrote it.
    ///
    /// # Errors
    /// When the JSON is not a value of the kind.
    pub fn from_json(kind: FactKind, value: serde_json::Value) -> Result<Self, serde_json::Error> {
        use serde_json::from_value;
        Ok(match kind {
            FactKind::TrainOk => Self::TrainOk(from_value(value)?),
            FactKind::PiiFlags => Self::PiiFlags(from_value(value)?),
            FactKind::Labels => Self::Labels(from_value(value)?),
            FactKind::License => Self::License(from_value(value)?),
            FactKind::RightsHolder => Self::RightsHolder(from_value(value)?),
            FactKind::Scan => Self::Scan(from_value(value)?),
            FactKind::C2pa => Self::C2pa(from_value(value)?),
        })
    }
}

/// The value alone, without its kind.
impl Serialize for FactValue {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::TrainOk(it) => it.serialize(to),
            Self::PiiFlags(it) => it.serialize(to),
            Self::Labels(it) => it.serialize(to),
            Self::License(it) => it.serialize(to),
            Self::RightsHolder(it) => it.serialize(to),
            Self::Scan(it) => it.serialize(to),
            Self::C2pa(it) => it.serialize(to),
        }
    }
}

/// Something that is stated of an asset. Two are equal if kind, value, reason and evidence are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fact {
    /// What is stated.
    pub value: FactValue,
    /// Why.
    pub reason: Option<Reason>,
    /// The digest of a document that proves it.
    pub evidence_sha256: Option<Sha256Digest>,
}

impl Fact {
    /// States a value, without a reason or evidence.
    #[must_use]
    pub fn new(value: FactValue) -> Self {
        Self {
            value,
            reason: None,
            evidence_sha256: None,
        }
    }

    /// Sets why it is stated.
    #[must_use]
    pub fn with_reason(self, reason: Option<Reason>) -> Self {
        Self { reason, ..self }
    }

    /// Sets the digest of a document that proves it.
    #[must_use]
    pub fn with_evidence(self, evidence_sha256: Option<Sha256Digest>) -> Self {
        Self {
            evidence_sha256,
            ..self
        }
    }

    /// What the fact is about.
    #[must_use]
    pub fn kind(&self) -> FactKind {
        self.value.kind()
    }
}

impl Serialize for Fact {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fact = to.serialize_struct("Fact", 4)?;
        fact.serialize_field("kind", &self.kind())?;
        fact.serialize_field("value", &self.value)?;
        fact.serialize_field("reason", &self.reason)?;
        fact.serialize_field("evidence_sha256", &self.evidence_sha256)?;
        fact.end()
    }
}

impl<'de> Deserialize<'de> for Fact {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Stated {
            kind: FactKind,
            value: serde_json::Value,
            reason: Option<Reason>,
            evidence_sha256: Option<Sha256Digest>,
        }
        let it = Stated::deserialize(from)?;
        Ok(Self {
            value: FactValue::from_json(it.kind, it.value).map_err(de::Error::custom)?,
            reason: it.reason,
            evidence_sha256: it.evidence_sha256,
        })
    }
}

/// A fact with its place among the events of its scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StatedFact {
    /// The sequence of its event.
    pub sequence: u64,
    /// When it was stated, by the service's clock.
    pub stated_at: Timestamp,
    /// Who stated it.
    pub stated_by: UserId,
    /// What was stated.
    #[serde(flatten)]
    pub fact: Fact,
}

impl StatedFact {
    /// Puts a fact at its place.
    #[must_use]
    pub fn new(sequence: u64, stated_at: Timestamp, stated_by: UserId, fact: Fact) -> Self {
        Self {
            sequence,
            stated_at,
            stated_by,
            fact,
        }
    }
}

impl fmt::Display for FactKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_kind_is_parsed_by_its_one_name() {
        for kind in FactKind::ALL {
            assert_eq!(FactKind::parse(kind.as_str()), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!(FactKind::parse("TrainOk"), Err(FactKindError));
    }

    #[test]
    fn a_fact_of_each_kind_is_read_as_it_was_written() {
        for (kind, values) in [
            ("train_ok", vec![json!(true), json!(false)]),
            ("pii_flags", vec![json!([]), json!(["face", "location"])]),
            ("labels", vec![json!({}), json!({"camera": "x"})]),
            ("license", vec![json!("CC-BY-4.0"), json!(null)]),
            ("rights_holder", vec![json!("Jos\u{e9} / Ana"), json!(null)]),
            (
                "scan",
                vec![
                    json!({"scanner": "clamav", "verdict": "clean", "scanned_at": "2026-11-24T01:00:00Z"}),
                    json!(null),
                ],
            ),
            ("c2pa", vec![json!({"state": "valid"}), json!(null)]),
        ] {
            for value in values {
                let text = json!({
                    "kind": kind, "value": value, "reason": "asked for", "evidence_sha256": null
                });
                let fact: Fact = serde_json::from_value(text.clone()).unwrap();
                assert_eq!(fact.kind().as_str(), kind);
                assert_eq!(serde_json::to_value(&fact).unwrap(), text);
            }
        }
    }

    #[test]
    fn a_value_of_another_kind_is_refused() {
        for (kind, value) in [
            ("train_ok", json!(null)),
            ("train_ok", json!("true")),
            ("pii_flags", json!(null)),
            ("pii_flags", json!(["face", "face"])),
            ("labels", json!(null)),
            ("license", json!("CC BY")),
            ("scan", json!({"scanner": "x"})),
            ("c2pa", json!({"state": "unknown"})),
            ("c2pa", json!({"state": "valid", "more": 1})),
        ] {
            let kind = FactKind::parse(kind).unwrap();
            assert!(
                FactValue::from_json(kind, value.clone()).is_err(),
                "{kind} {value}"
            );
        }
    }
}
