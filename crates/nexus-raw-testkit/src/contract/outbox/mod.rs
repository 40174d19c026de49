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
                undelivered_events_of_a_scope_are_complete_and_in_order,
                a_batch_has_at_most_the_limit,
                a_quiet_scope_does_not_wait_for_a_busy_one,
                held_scopes_are_skipped_and_use_no_share,
                delivered_events_are_not_returned_again,
                undelivered_events_are_returned_again,
                each_sink_has_its_own_cursors,
                a_cursor_moves_in_the_named_scopes_only,
                a_cursor_never_moves_back,
                the_time_of_the_oldest_undelivered_event_is_reported,
                a_backlog_counts_the_events_after_the_cursors_in_all_scopes,
                a_parked_event_is_counted_for_its_sink_also_after_a_restart,
                a_lease_has_one_owner_until_it_ends,
                a_renewed_lease_keeps_its_epoch,
                a_lease_that_was_taken_over_has_a_higher_epoch,
                without_a_lease_no_cursor_moves,
                an_ended_epoch_moves_no_cursor,
                a_parked_event_is_kept_with_its_reason_and_skipped,
                an_ended_epoch_parks_nothing,
                a_parked_event_is_parked_for_its_sink_only,
                parked_events_are_found_by_each_filter,
                requested_retries_are_returned_in_order,
                a_delivered_event_is_no_longer_parked,
                an_event_refused_again_is_parked_again,
                requested_retries_survive_a_restart,
                a_wait_ends_after_a_commit,
                a_commit_between_two_waits_is_not_missed,
                a_wait_ends_at_its_timeout,
                cursors_parked_events_and_epochs_survive_a_restart,
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
