//! Readings of registered assets.

use std::time::Duration;

use futures_util::future::join_all;
use nexus_raw::{asset::Verdict, event::RequestId};
use nexus_raw_testkit::sample;
use tokio::time::sleep;

use super::{
    super::*,
    house::{FOREVER, House, SETTINGS},
};

async fn verify(worker: &TokioObjectWorker, order: &VerificationOrder) -> Option<Verdict> {
    match worker.verify(order.clone(), Urgency::Awaited).await {
        Ok(WorkProgress::Done(verification)) => Some(verification.verdict()),
        Ok(WorkProgress::Pending) => None,
        Err(error) => panic!("{error:?}"),
    }
}

/// Whoever asks: the event names who was first.
#[tokio::test(start_paused = true)]
async fn an_object_is_read_once_for_fifty_callers_of_two_processes() {
    let house = House::letting(0);
    let order = house.registered(1).await;
    let workers = [house.process(1), house.process(2)];
    let calls = (0..50).map(|at| {
        let mut order = order.clone();
        order.context.request_id = RequestId::parse(&format!("req-{at}")).unwrap();
        let worker = &workers[at % 2];
        async move { verify(worker, &order).await }
    });
    let (verdicts, ()) = tokio::join!(join_all(calls), async {
        house.until_reading(1).await;
        sleep(Duration::from_secs(1)).await;
        house.let_read(FOREVER);
    });
    // those of the other process are told to come again
    let done = verdicts.iter().filter(|it| **it == Some(Verdict::Intact));
    assert_eq!(done.count(), 25, "{verdicts:?}");
    for worker in &workers {
        assert_eq!(verify(worker, &order).await, Some(Verdict::Intact));
    }
    assert_eq!(house.reads(), 1);
    assert_eq!(house.verdicts().await, [Verdict::Intact]);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_is_recorded_although_the_caller_has_gone() {
    let house = House::letting(0);
    let order = house.registered(1).await;
    house.store.store.rot(order.asset.address(), b"rotten");
    let worker = house.process(1);
    let polled = worker.verify(order.clone(), Urgency::Background).await;
    assert!(matches!(polled, Ok(WorkProgress::Pending)));
    house.until_reading(1).await;
    house.let_read(FOREVER);
    while worker.jobs() > 0 {
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(house.verdicts().await, [Verdict::Corrupt]);
    assert_eq!(verify(&worker, &order).await, Some(Verdict::Corrupt));
    assert_eq!(house.reads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reading_whose_lease_was_taken_over_records_nothing() {
    let house = House::letting(0);
    let order = house.registered(1).await;
    let [first, second] = [house.process(1), house.process(2)];
    let background = first.verify(order.clone(), Urgency::Background).await;
    assert!(matches!(background, Ok(WorkProgress::Pending)));
    house.until_reading(1).await;
    // its renewals fail, so that it gives up when the lease has ended
    house.catalog.set_available(false);
    sleep(SETTINGS.lease * 2).await;
    house.catalog.set_available(true);
    let (verdict, ()) = tokio::join!(verify(&second, &order), async {
        house.until_reading(1).await;
        house.let_read(FOREVER);
    });
    assert_eq!(verdict, Some(Verdict::Intact));
    assert_eq!(house.verdicts().await, [Verdict::Intact]);
    assert_eq!(first.jobs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_reading_is_given_back() {
    let house = House::letting(0);
    let order = house.registered(1).await;
    let [first, second] = [house.process(1), house.process(2)];
    let (verdict, ()) = tokio::join!(verify(&first, &order), async {
        house.until_reading(1).await;
        first.stop().await;
    });
    assert_eq!(verdict, None);
    house.let_read(FOREVER);
    assert_eq!(verify(&second, &order).await, Some(Verdict::Intact));
}

#[tokio::test(start_paused = true)]
async fn a_failed_reading_is_reported_and_the_next_call_starts_over() {
    let house = House::letting(FOREVER);
    let order = house.registered(1).await;
    let worker = house.process(1);
    house.store.store.set_available(false);
    let failed = worker.verify(order.clone(), Urgency::Awaited).await;
    assert!(matches!(failed, Err(WorkError::Storage(_))), "{failed:?}");
    assert_eq!(house.verdicts().await, []);
    house.store.store.set_available(true);
    assert_eq!(verify(&worker, &order).await, Some(Verdict::Intact));
}

/// What is not registered is claimed by nobody.
#[tokio::test(start_paused = true)]
async fn what_is_not_registered_is_not_read() {
    let house = House::letting(FOREVER);
    let known = house.registered(1).await;
    house.uploaded(2).await;
    let mut order = known.clone();
    let intent = sample::intent(known.asset.scope(), sample::asset_id(2));
    let new = sample::new_asset(&intent, known.asset.provenance().clone());
    *order.asset = new.asset;
    assert_eq!(verify(&house.process(1), &order).await, None);
    assert_eq!(house.reads(), 0);
}
