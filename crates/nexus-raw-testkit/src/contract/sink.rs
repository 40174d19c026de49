//! The contract of [`DatasetEventSink`].

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use nexus_raw::{
    asset::{Activity, Lineage, PiiFlags},
    event::{DatasetEvent, EventBody, EventType},
    ports::{DatasetEventSink, Delivery, SinkError},
    tenancy::UserId,
};
use serde_json::Value;

use crate::sample;

/// The harness of a sink and its receiver.
#[async_trait]
pub trait SinkHarness: Send + Sync {
    /// Returns a sink whose receiver is empty. Called once for each harness.
    async fn open(&self) -> Arc<dyn DatasetEventSink>;

    /// Returns all events that a consumer has received so far, in order, with repeats, each as the
    /// JSON of a [`DatasetEvent`]. Not called while the sink is broken.
    async fn received(&self) -> Vec<Value>;

    /// Breaks the receiver of the sink, or repairs it: moves a file away, breaks a pipe, closes a
    /// port. The open sink must notice.
    async fn set_broken(&self, broken: bool);
}

/// Runs the contract suite of `DatasetEventSink`. Takes an expression that returns a new
/// [`SinkHarness`](crate::contract::sink::SinkHarness).
#[macro_export]
macro_rules! sink_contract {
    ($harness:expr) => {
        $crate::contract_tests!(
            sink,
            $harness,
            [
                a_batch_is_accepted_whole_and_in_order,
                an_empty_batch_has_no_effect,
                a_repeated_event_is_accepted_again,
                odd_text_arrives_unchanged,
                a_sink_keeps_its_name,
                a_broken_medium_is_unavailable_and_only_accepted_events_count,
                no_event_is_missing_after_an_outage,
            ]
        );
    };
}

fn batch(from: u64, to: u64) -> Vec<DatasetEvent> {
    let scope = sample::scope("t_a", "dev");
    (from..=to).map(|n| sample::event(&scope, n)).collect()
}

fn as_json(events: &[DatasetEvent]) -> Vec<Value> {
    events
        .iter()
        .map(|event| serde_json::to_value(event).unwrap())
        .collect()
}

/// Delivers all events. If `Ok` counts fewer events than the batch has, the rest is delivered
/// again.
async fn deliver_all(sink: &Arc<dyn DatasetEventSink>, events: &[DatasetEvent]) {
    let mut rest = events;
    while !rest.is_empty() {
        let Delivery { taken } = sink.deliver(rest).await.unwrap();
        assert!(
            (1..=rest.len()).contains(&taken),
            "{taken} of {}",
            rest.len()
        );
        rest = &rest[taken..];
    }
}

/// Also over several batches.
pub async fn a_batch_is_accepted_whole_and_in_order(harness: &impl SinkHarness) {
    let sink = harness.open().await;
    deliver_all(&sink, &batch(1, 3)).await;
    deliver_all(&sink, &batch(4, 40)).await;
    assert_eq!(harness.received().await, as_json(&batch(1, 40)));
}

/// The sink writes nothing for it.
pub async fn an_empty_batch_has_no_effect(harness: &impl SinkHarness) {
    let sink = harness.open().await;
    let delivery = sink.deliver(&[]).await.unwrap();
    assert_eq!(delivery, Delivery { taken: 0 });
    assert_eq!(harness.received().await, Vec::<Value>::new());
}

/// It counts as accepted, whether the sink writes it again or drops it by its id.
pub async fn a_repeated_event_is_accepted_again(harness: &impl SinkHarness) {
    let sink = harness.open().await;
    deliver_all(&sink, &batch(1, 2)).await;
    deliver_all(&sink, &batch(2, 3)).await;
    let received = harness.received().await;
    let ids: BTreeSet<String> = received
        .iter()
        .map(|event| event["event_id"].to_string())
        .collect();
    assert_eq!(ids.len(), 3);
    let last = as_json(&batch(3, 3));
    assert_eq!(received.last(), last.first());
}

/// Line ends, quotes, escapes and every plane of Unicode stay inside their event.
pub async fn odd_text_arrives_unchanged(harness: &impl SinkHarness) {
    let sink = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let odd = "\"a\"\\n\r\n\t\u{1b}[31m{\"event\":1}\u{2028}\u{1f4f7}\u{10ffff}";
    let body = EventBody {
        event_type: EventType::RawAssetRegistered,
        user_id: UserId::from_stored("u \"x\" \u{202e}\u{1f9d1}").unwrap(),
        lineage: Lineage {
            activity: Some(Activity::parse(odd).unwrap()),
            ..Lineage::default()
        },
        pii_flags: Some(PiiFlags::default()),
        train_ok: Some(true),
        ..sample::event(&scope, 1).body
    };
    let events = [
        DatasetEvent {
            body,
            ..sample::event(&scope, 1)
        },
        sample::event(&scope, 2),
    ];
    deliver_all(&sink, &events).await;
    assert_eq!(harness.received().await, as_json(&events));
}

/// Progress is stored under the name.
pub async fn a_sink_keeps_its_name(harness: &impl SinkHarness) {
    let sink = harness.open().await;
    let name = sink.name().clone();
    deliver_all(&sink, &batch(1, 1)).await;
    assert_eq!(sink.name(), &name);
}

/// An outage is not a refusal, and every event that counts as accepted has arrived.
pub async fn a_broken_medium_is_unavailable_and_only_accepted_events_count(
    harness: &impl SinkHarness,
) {
    let sink = harness.open().await;
    deliver_all(&sink, &batch(1, 2)).await;
    harness.set_broken(true).await;
    let outcome = sink.deliver(&batch(3, 5)).await;
    let Err(SinkError::Unavailable { taken, .. }) = outcome else {
        panic!("expected: Unavailable\n    came: {outcome:?}");
    };
    harness.set_broken(false).await;
    let received = harness.received().await;
    assert!(received.len() >= 2 + taken, "{taken} count as taken");
    let expected = as_json(&batch(1, 5));
    assert_eq!(received, expected[..received.len()]);
}

/// After a retry from the first event that was not accepted, every event has arrived, in order
/// except for repeats.
pub async fn no_event_is_missing_after_an_outage(harness: &impl SinkHarness) {
    let sink = harness.open().await;
    let events = batch(1, 6);
    deliver_all(&sink, &events[..2]).await;
    harness.set_broken(true).await;
    let mut taken_so_far = 2;
    for _ in 0..2 {
        match sink.deliver(&events[taken_so_far..]).await {
            Err(SinkError::Unavailable { taken, .. }) => taken_so_far += taken,
            other => panic!("expected: Unavailable\n    came: {other:?}"),
        }
    }
    harness.set_broken(false).await;
    deliver_all(&sink, &events[taken_so_far..]).await;
    let mut first_arrivals = Vec::new();
    for event in harness.received().await {
        if !first_arrivals.contains(&event) {
            first_arrivals.push(event);
        }
    }
    assert_eq!(first_arrivals, as_json(&events));
}
