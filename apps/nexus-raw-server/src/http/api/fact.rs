//! The schemas of facts in requests, responses and events. Tests compare them with real ones.
#![expect(
    dead_code,
    reason = "these types are descriptions: the domain's own types are what is read and written"
)]

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr, Schema, Type,
        schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder},
    },
};

use super::{record, text};

/// What is stated of an asset. The kind determines the value.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub(super) enum FactStatement {
    TrainOk(TrainOkStatement),
    PiiFlags(PiiFlagsStatement),
    Labels(LabelsStatement),
    License(LicenseStatement),
    RightsHolder(RightsHolderStatement),
    Scan(ScanStatement),
    C2pa(C2paStatement),
}

/// Defines the schema of a statement of one kind.
macro_rules! statement {
    (
        $(#[$doc:meta])*
        $statement:ident, $kind:literal,
        $(#[$rule:meta])* $value:ty
    ) => {
        $(#[$doc])*
        #[derive(Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $statement {
            #[schema(pattern = $kind)]
            kind: String,
            $(#[$rule])*
            value: $value,
            /// Why it is stated.
            reason: Option<text::Reason>,
            /// The digest of a document that proves it.
            evidence_sha256: Option<text::Sha256>,
        }
    };
}

statement! {
    /// Whether models may be trained on the asset, from now on.
    TrainOkStatement, "^train_ok$", bool
}
statement! {
    /// Replaces the kinds of personal data in force.
    PiiFlagsStatement, "^pii_flags$", BTreeSet<record::PiiFlag>
}
statement! {
    /// Replaces the labels in force.
    LabelsStatement, "^labels$",
    #[schema(schema_with = text::labels)]
    BTreeMap<String, String>
}
statement! {
    /// The license; `null` withdraws it.
    LicenseStatement, "^license$",
    #[schema(required = true)]
    Option<text::License>
}
statement! {
    /// Who holds the rights; `null` withdraws it.
    RightsHolderStatement, "^rights_holder$",
    #[schema(required = true)]
    Option<text::RightsHolder>
}
statement! {
    /// What a malware scanner found; `null` withdraws it.
    ScanStatement, "^scan$",
    #[schema(required = true)]
    Option<Scan>
}
statement! {
    /// The state of the C2PA manifest; `null` withdraws it.
    C2paStatement, "^c2pa$",
    #[schema(required = true)]
    Option<C2pa>
}

/// The finding of a malware scanner.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Scan {
    scanner: text::Scanner,
    verdict: ScanVerdict,
    /// When it scanned.
    scanned_at: text::CapturedAt,
}

/// What a malware scanner found.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ScanVerdict {
    Clean,
    Infected,
    Unknown,
}

/// A C2PA manifest (Content Credentials).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct C2pa {
    state: C2paState,
}

/// Whether there is a manifest, and whether it was validated.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum C2paState {
    Absent,
    Present,
    Valid,
    Invalid,
}

/// What a fact is about.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum FactKind {
    TrainOk,
    PiiFlags,
    Labels,
    License,
    RightsHolder,
    Scan,
    C2pa,
}

/// The value of a fact, by its kind.
#[derive(Deserialize)]
pub(super) struct FactValue(serde_json::Value);

impl PartialSchema for FactValue {
    fn schema() -> RefOr<Schema> {
        let one = |name: &str| Ref::from_schema_name(name);
        let plain = |kind: Type| ObjectBuilder::new().schema_type(kind);
        let flags = ArrayBuilder::new()
            .items(one(&record::PiiFlag::name()))
            .unique_items(true);
        let values = AnyOfBuilder::new()
            .description(Some(
                "The value of a fact, as in the request of its kind; `null` if withdrawn.",
            ))
            .item(plain(Type::Boolean))
            .item(flags)
            .item(text::labels())
            .item(plain(Type::String))
            .item(one(&Scan::name()))
            .item(one(&C2pa::name()))
            .item(plain(Type::Null));
        RefOr::T(Schema::from(values))
    }
}

impl ToSchema for FactValue {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((record::PiiFlag::name().into(), record::PiiFlag::schema()));
        schemas.push((Scan::name().into(), Scan::schema()));
        Scan::schemas(schemas);
        schemas.push((C2pa::name().into(), C2pa::schema()));
        C2pa::schemas(schemas);
    }
}

/// A fact in an event.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventFact {
    kind: FactKind,
    value: FactValue,
    #[schema(required = true)]
    reason: Option<text::Reason>,
    #[schema(required = true)]
    evidence_sha256: Option<text::Sha256>,
}

/// A fact, with who stated it and when.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatedFact {
    /// The sequence of its event.
    #[schema(minimum = 1)]
    sequence: u64,
    /// By the service's clock.
    stated_at: text::Time,
    stated_by: String,
    kind: FactKind,
    value: FactValue,
    #[schema(required = true)]
    reason: Option<text::Reason>,
    #[schema(required = true)]
    evidence_sha256: Option<text::Sha256>,
}
