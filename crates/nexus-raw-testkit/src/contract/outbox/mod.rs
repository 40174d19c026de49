//! The contract of [`EventOutbox`], with the harness of the catalogue.

mod backlog;
mod cursors;
mod leases;
mod parking;
mod reading;
mod waiting;

use std::{sync::Arc, time::Duration};

use nexus_raw::{
    event::DatasetEvent,
    ports::{EventOutbox, Lease, ParkedEvent, Progress, ProgressChange, SinkName},
    tenancy::Scope,
};
use uuid::Uuid;

pub use self::{backlog::*, cursors::*, leases::*, parking::*, reading::*, waiting::*};
use super::catalog::OpenCatalog;
use crate::sample;

/// Runs the contract suite of `EventOutbox`. Takes an expression that returns a new
/// [`CatalogHarness`](crate::contract::catalog::CatalogHarness).
#[macro_export]
macro_rules! outbox_contract {
    ($harness:expr) => {
        $crate::contract_tests!(
            outbox,
            $harness,
            [
                an_empty_outbox_has_nothing_to_deliver,
                undelivered_events_come_per_scope_in_order_and_whole,
                no_more_than_the_limit_is_given,
                a_quiet_scope_does_not_wait_for_a_busy_one,
                held_scopes_are_left_out_and_take_no_room,
                delivered_events_are_not_given_again,
                what_was_not_delivered_is_given_again,
                each_sink_has_its_own_cursors,
                a_cursor_moves_in_the_named_scopes_alone,
                a_cursor_never_moves_back,
                the_oldest_undelivered_event_is_told_by_its_time,
                a_backlog_counts_what_lies_after_the_cursors_in_all_scopes,
                a_parked_event_is_counted_for_its_sink_until_the_restart_and_after,
                a_lease_is_for_one_owner_until_it_ends,
                a_renewed_lease_keeps_its_epoch,
                a_lease_that_was_taken_over_has_a_higher_epoch,
                without_a_lease_no_cursor_moves,
                an_epoch_that_is_over_moves_no_cursor,
                a_parked_event_is_kept_with_its_reason_and_passed,
                an_epoch_that_is_over_parks_nothing,
                a_parked_event_is_parked_for_its_sink_alone,
                parked_events_are_found_by_what_is_asked_of_them,
                what_was_asked_for_is_given_to_be_tried_again_in_order,
                a_parked_event_that_was_taken_is_parked_no_more,
                an_event_that_is_refused_again_is_parked_anew,
                what_was_asked_for_outlives_a_restart,
                waiting_ends_after_a_commit,
                a_commit_between_two_waits_is_not_missed,
                waiting_ends_with_its_patience,
                cursors_parked_events_and_epochs_outlive_a_restart,
            ]
        );
    };
}

/// A relay's owner id.
const RELAY: Uuid = Uuid::from_u128(0xa11ce);
/// Another relay's.
const RIVAL: Uuid = Uuid::from_u128(0xb0b);

const TTL: Duration = Duration::from_secs(30);

/// Acquires the lease at the sample's time.
async fn lease(outbox: &Arc<dyn EventOutbox>, owner: Uuid) -> Lease {
    lease_at(outbox, owner, 0).await.unwrap()
}

/// Requests the lease at the sample's time plus `seconds`.
async fn lease_at(outbox: &Arc<dyn EventOutbox>, owner: Uuid, seconds: i64) -> Option<Lease> {
    let now = sample::seconds_after(seconds);
    outbox.lease(owner, now, TTL).await.unwrap()
}

/// Commits `count` presigns in `scope`, with asset ids from `first` on.
async fn commit(open: &OpenCatalog, scope: &Scope, first: u64, count: u64) {
    for n in first..first + count {
        let intent = sample::intent(scope, sample::asset_id(n));
        let event = sample::presigned(&intent);
        open.catalog.record_intent(intent, event).await.unwrap();
    }
}

fn sink(name: &str) -> SinkName {
    SinkName::parse(name).unwrap()
}

async fn undelivered(open: &OpenCatalog, sink: &SinkName, limit: u32) -> Vec<DatasetEvent> {
    open.outbox.undelivered(sink, limit, &[]).await.unwrap()
}

/// Advances cursors as a relay of this epoch, and returns whether the epoch was valid.
async fn delivered(
    open: &OpenCatalog,
    sink: &SinkName,
    cursors: Vec<(Scope, u64)>,
    epoch: u64,
) -> bool {
    advance(
        &open.outbox,
        sink,
        ProgressChange::Delivered(cursors),
        epoch,
    )
    .await
}

/// Writes progress, and returns whether the epoch was valid.
async fn advance(
    outbox: &Arc<dyn EventOutbox>,
    sink: &SinkName,
    change: ProgressChange,
    epoch: u64,
) -> bool {
    let progress = Progress {
        sink: sink.clone(),
        epoch,
        change,
    };
    outbox.advance(progress).await.unwrap()
}

/// Parks as a relay of this epoch, and returns whether the epoch was valid.
async fn park(open: &OpenCatalog, sink: &str, event: ParkedEvent, epoch: u64) -> bool {
    let sink = SinkName::parse(sink).unwrap();
    advance(&open.outbox, &sink, ProgressChange::Parked(event), epoch).await
}

/// Returns scope and sequence of the events, in order.
fn places(events: &[DatasetEvent]) -> Vec<(Scope, u64)> {
    events
        .iter()
        .map(|event| (event.body.scope(), event.sequence))
        .collect()
}

/// Returns the sequences of one scope among the events, in order.
fn sequences(events: &[DatasetEvent], scope: &Scope) -> Vec<u64> {
    events
        .iter()
        .filter(|event| event.body.scope() == *scope)
        .map(|event| event.sequence)
        .collect()
}

/// Delivers everything to `sink` as a relay would, and returns the events in order.
pub(super) async fn drain(outbox: &Arc<dyn EventOutbox>, sink: &SinkName) -> Vec<DatasetEvent> {
    let epoch = lease(outbox, RELAY).await.epoch;
    let mut drained = Vec::new();
    loop {
        let batch = outbox.undelivered(sink, 100, &[]).await.unwrap();
        if batch.is_empty() {
            return drained;
        }
        let taken = ProgressChange::Delivered(places(&batch));
        assert!(
            advance(outbox, sink, taken, epoch).await,
            "the relay has lost its lease"
        );
        drained.extend(batch);
    }
}
