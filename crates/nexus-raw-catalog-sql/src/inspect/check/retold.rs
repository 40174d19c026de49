use std::collections::BTreeMap;

use nexus_raw::{
    asset::{AssetId, Fact, FactKind, FactValue, Labels, PiiFlags, Verification},
    event::{EventBody, EventType},
    tenancy::UserId,
    time::Timestamp,
};

use super::{
    difference::{DifferenceKind, Differences},
    rows::{AssetPlace, FactRow},
};
use crate::inspect::entry::CatalogEntry;

/// What the events of an asset say, told one after the other.
#[derive(Debug, Default)]
pub(super) struct RetoldAsset {
    pub(super) events: u64,
    /// An event cannot be read, so nothing can be concluded from the others.
    pub(super) is_broken: bool,
    /// When it was presigned first, and by whom.
    pub(super) presigned: Option<(Timestamp, UserId)>,
    pub(super) is_aborted: bool,
    pub(super) registration: Option<(u64, Box<EventBody>)>,
    pub(super) facts: BTreeMap<FactKind, u64>,
    pub(super) last_fact: Option<u64>,
    pub(super) train_ok: Option<bool>,
    pub(super) pii_flags: Option<PiiFlags>,
    pub(super) labels: Option<Labels>,
    pub(super) verification: Option<Verification>,
}

impl RetoldAsset {
    /// Adds the next event.
    pub(super) fn tell(&mut self, sequence: u64, event: EventBody) {
        self.events += 1;
        match event.event_type {
            EventType::RawAssetPresigned => {
                if self.presigned.is_none() {
                    self.presigned = Some((event.occurred_at, event.user_id));
                }
            }
            EventType::RawAssetUploadAborted => self.is_aborted = true,
            EventType::RawAssetRegistered => {
                if self.registration.is_none() {
                    self.registration = Some((sequence, Box::new(event)));
                }
            }
            EventType::RawAssetFactStated => {
                if let Some(fact) = event.fact {
                    self.state(sequence, fact);
                }
            }
            EventType::RawAssetVerified | EventType::RawAssetCorrupt => {
                self.verification = event.verification;
            }
            EventType::RawAssetDownloadPresigned => {}
        }
    }

    fn state(&mut self, sequence: u64, fact: Fact) {
        self.facts.insert(fact.kind(), sequence);
        self.last_fact = Some(sequence);
        match fact.value {
            FactValue::TrainOk(train_ok) => self.train_ok = Some(train_ok),
            FactValue::PiiFlags(flags) => self.pii_flags = Some(flags),
            FactValue::Labels(labels) => self.labels = Some(labels),
            _ => {}
        }
    }
}

/// Compares an event with the intent that it is about. The record is compared with its registration.
pub(super) fn compare_event(
    differences: &mut Differences<'_>,
    place: AssetPlace,
    event: &EventBody,
    entry: &CatalogEntry,
) {
    let intent = &entry.intent;
    let is_of_upload = matches!(
        event.event_type,
        EventType::RawAssetPresigned | EventType::RawAssetUploadAborted
    );
    // that of an upload in parts may be stated later
    let has_sha256 = !is_of_upload || event.sha256 == intent.facts.sha256;
    for (column, is_equal) in [
        ("upload_intent.filename", event.uri == intent.address),
        ("upload_intent.sha256", has_sha256),
        (
            "upload_intent.size_bytes",
            event.size_bytes == intent.facts.size_bytes,
        ),
        (
            "upload_intent.content_type",
            event.content_type == intent.facts.content_type,
        ),
    ] {
        if !is_equal {
            differences.of_event(place, column, DifferenceKind::Differs);
        }
    }
}

/// Compares the facts of a window with those of its events, by their places. Where an event cannot be
/// read there is nothing to compare with.
pub(super) fn compare_facts(
    differences: &mut Differences<'_>,
    mut told: BTreeMap<AssetPlace, Option<StatedByEvent>>,
    facts: Vec<FactRow>,
) {
    for FactRow { place, fact } in facts {
        match (told.remove(&place), fact) {
            (Some(None), Ok(_)) => {}
            (_, Err(column)) => differences.of_event(place, column, DifferenceKind::Invalid),
            (None, Ok(_)) => {
                differences.of_event(place, "stated_fact", DifferenceKind::Unfounded);
            }
            (Some(Some(told)), Ok(fact)) => {
                let is_equal = fact.fact == told.fact
                    && fact.stated_at == told.at
                    && fact.stated_by == told.by;
                if !is_equal {
                    differences.of_event(place, "stated_fact", DifferenceKind::Differs);
                }
            }
        }
    }
    let missing = told.into_iter().filter(|(_, fact)| fact.is_some());
    for (place, _) in missing {
        differences.of_event(place, "stated_fact", DifferenceKind::Missing);
    }
}

/// A fact, as its event says.
#[derive(Debug)]
pub(super) struct StatedByEvent {
    fact: Fact,
    at: Timestamp,
    by: UserId,
}

impl StatedByEvent {
    pub(super) fn of(event: &EventBody) -> Option<Self> {
        Some(Self {
            fact: event.fact.clone()?,
            at: event.occurred_at,
            by: event.user_id.clone(),
        })
    }
}

/// All that was told of a page.
pub(super) type RetoldPage = BTreeMap<AssetId, RetoldAsset>;
