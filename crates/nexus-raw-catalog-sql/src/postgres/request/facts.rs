//! Facts, and the steps of what they change.

use nexus_raw::asset::{FactKind, FactValue, Labels, PiiFlags, Reason};
use serde::Serialize;
use uuid::Uuid;

use super::members::{Bytes, EventColumns};
use crate::writer::RecordedFact;

#[derive(Serialize)]
pub(super) struct FactMember<'a> {
    n: usize,
    last_fact: Option<u64>,
    train_ok: Option<bool>,
    pii_flags: Option<&'a PiiFlags>,
    labels: Option<&'a Labels>,
    fact: FactColumns<'a>,
    event: EventColumns<'a>,
}

/// The columns of `stated_fact` that a member carries.
#[derive(Serialize)]
struct FactColumns<'a> {
    asset_id: Uuid,
    kind: FactKind,
    value: String,
    reason: Option<&'a Reason>,
    evidence_sha256: Option<Bytes<'a>>,
    stated_at: i64,
    stated_by: &'a str,
}

impl<'a> FactMember<'a> {
    pub(super) fn of(n: usize, it: &'a RecordedFact) -> Self {
        let new = &*it.new;
        let fact = &new.fact;
        let mut member = Self {
            n,
            last_fact: new.last_fact,
            train_ok: None,
            pii_flags: None,
            labels: None,
            fact: FactColumns {
                asset_id: new.asset_id.as_uuid(),
                kind: fact.kind(),
                // our own values always serialize; the schema would refuse the empty default
                value: serde_json::to_string(&fact.value).unwrap_or_default(),
                reason: fact.reason.as_ref(),
                evidence_sha256: fact.evidence_sha256.as_ref().map(|it| Bytes(it.as_bytes())),
                stated_at: new.event.occurred_at.as_micros(),
                stated_by: new.event.user_id.as_str(),
            },
            event: EventColumns::from(&it.event),
        };
        match &fact.value {
            FactValue::TrainOk(train_ok) => member.train_ok = Some(*train_ok),
            FactValue::PiiFlags(flags) => member.pii_flags = Some(flags),
            FactValue::Labels(labels) => member.labels = Some(labels),
            _ => {}
        }
        member
    }
}

#[derive(Serialize)]
pub(super) struct StepMember {
    pub(super) n: usize,
    pub(super) max_changes: u32,
}
