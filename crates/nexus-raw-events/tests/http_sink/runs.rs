//! Run events: one for each registration, and nothing of other events.

use std::sync::Arc;

use nexus_raw::{
    event::DatasetEvent,
    ports::{DatasetEventSink as _, Delivery},
};
use nexus_raw_events::{HttpEventSink, HttpSinkSettings, encoding::Encoding};
use nexus_raw_testkit::{
    FakeCatalog,
    sample::{asset_id, derived_from, provenance},
};
use serde_json::{Value, json};

use super::{
    events,
    example::registered,
    outbox::{ask_retry, commit_asset, relay_all, scope},
    receiver::{Answer, Receiver, status},
    settings, sink, unavailable,
};

fn runs(receiver: &Receiver) -> HttpEventSink {
    sink(HttpSinkSettings {
        encoding: Encoding::OpenLineageRun,
        ..settings(receiver)
    })
}

/// The events that came, but for their facets.
fn got(receiver: &Receiver) -> Vec<(Value, Value, Value)> {
    let got = receiver.got().into_iter();
    got.map(|got| {
        let event: Value = serde_json::from_slice(&got.body).unwrap();
        (
            event["eventType"].clone(),
            event["inputs"].clone(),
            event["outputs"][0]["name"].clone(),
        )
    })
    .collect()
}

fn name(number: u64) -> Value {
    format!("tenants/t_demo/dev/raw/{}", asset_id(number)).into()
}

#[tokio::test]
async fn of_the_events_of_assets_the_registrations_are_posted_and_the_cursor_is_at_the_end() {
    let receiver = Receiver::open(|_| status(201)).await;
    let catalog = FakeCatalog::new();
    commit_asset(&catalog, asset_id(1), provenance()).await;
    commit_asset(&catalog, asset_id(2), derived_from(&[asset_id(1)])).await;
    let sink = Arc::new(runs(&receiver));
    relay_all(&catalog, Arc::clone(&sink) as _).await;
    let input = json!([{"namespace": "s3://nexus-raw-test", "name": name(1)}]);
    assert_eq!(
        got(&receiver),
        [
            (json!("COMPLETE"), json!([]), name(1)),
            (json!("COMPLETE"), input, name(2)),
        ]
    );
    assert_eq!(catalog.events_in(&scope()).len(), 6);
    assert_eq!(catalog.parked(sink.name()), []);
}

#[tokio::test]
async fn a_run_event_that_is_refused_is_parked_and_may_be_retried() {
    let receiver = Receiver::open(|before| status(if before == 0 { 422 } else { 200 })).await;
    let catalog = FakeCatalog::new();
    commit_asset(&catalog, asset_id(1), provenance()).await;
    commit_asset(&catalog, asset_id(2), provenance()).await;
    let sink = Arc::new(runs(&receiver));
    relay_all(&catalog, Arc::clone(&sink) as _).await;
    let parked = catalog.parked(sink.name());
    let parked: Vec<_> = parked.iter().map(|it| (it.sequence, &*it.reason)).collect();
    assert_eq!(parked, [(2, "receiver answered 422")]);
    ask_retry(&catalog).await;
    relay_all(&catalog, Arc::clone(&sink) as _).await;
    assert_eq!(catalog.parked(sink.name()), []);
    let names: Vec<_> = got(&receiver).into_iter().map(|it| it.2).collect();
    assert_eq!(names, [name(1), name(2), name(1)]);
}

/// Presigned events of asset 1 and 2, then the registration of 2.
fn two_of_nothing_then_one() -> Vec<DatasetEvent> {
    let mut events = events(2);
    events.push(DatasetEvent {
        sequence: 3,
        ..registered()
    });
    events
}

#[tokio::test]
async fn an_event_of_which_nothing_is_sent_does_not_wait_for_the_receiver() {
    let asks_for_rest = |_| Answer::Status(503, vec![("retry-after", "60".to_owned())]);
    let receiver = Receiver::open(asks_for_rest).await;
    let sink = runs(&receiver);
    let batch = two_of_nothing_then_one();
    let (taken, reason) = unavailable(&sink, &batch).await;
    assert_eq!((taken, &*reason), (2, "receiver answered 503"));
    let (taken, reason) = unavailable(&sink, &batch).await;
    assert_eq!((taken, &*reason), (2, "receiver asked to retry after 60 s"));
    let delivery = sink.deliver(&batch[..2]).await.unwrap();
    assert_eq!(delivery, Delivery { taken: 2 });
    assert_eq!(receiver.got().len(), 1);
}
