//! Completions and aborts of uploads in parts.

use std::{sync::atomic::Ordering, time::Duration};

use futures_util::future::join_all;
use nexus_raw::ports::WorkClaim;
use nexus_raw_testkit::sample;
use tokio::time::{Instant, sleep};

use super::{
    super::*,
    house::{FOREVER, House, SETTINGS},
};

async fn complete(
    worker: &TokioObjectWorker,
    upload: &OpenUpload,
) -> WorkProgress<CompletionOutcome> {
    worker
        .complete(upload.clone(), sample::parts())
        .await
        .unwrap()
}

fn completed() -> WorkProgress<CompletionOutcome> {
    WorkProgress::Done(CompletionOutcome::Completed)
}

/// Takes the claim of another process, for as long as the lease is.
async fn claimed_by_another(house: &House, upload: &OpenUpload) -> u64 {
    let (now, owner) = (house.clock.now(), Uuid::from_u128(404));
    let claim = house
        .catalog
        .claim_upload(upload, owner, now, SETTINGS.lease)
        .await;
    match claim {
        Ok(WorkClaim::Taken(lease)) => lease.epoch,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn fifty_completions_at_once_are_one() {
    let house = House::letting(0);
    let upload = house.in_parts(1).await;
    let workers = [house.process(1), house.process(2)];
    let calls = (0..50).map(|at| complete(&workers[at % 2], &upload));
    let (results, ()) = tokio::join!(join_all(calls), async {
        house.until_reading(1).await;
        sleep(Duration::from_secs(1)).await;
        house.let_read(FOREVER);
    });
    // those of the other process are told to come again
    let done = results.iter().filter(|it| **it == completed()).count();
    assert_eq!(done, 25, "{results:?}");
    assert_eq!(house.completions(), 1);
    assert_eq!(house.store.most_at_once.load(Ordering::SeqCst), 1);
    for worker in &workers {
        assert_eq!(complete(worker, &upload).await, completed());
    }
    assert_eq!(house.completions(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_there_is_not_completed_again() {
    let house = House::letting(FOREVER);
    let upload = house.in_parts(1).await;
    // the answer to this one was lost
    house
        .store
        .complete(&upload, &sample::parts())
        .await
        .unwrap();
    assert_eq!(complete(&house.process(1), &upload).await, completed());
    assert_eq!(house.completions(), 1);
}

#[tokio::test(start_paused = true)]
async fn another_process_waits_for_the_lease() {
    let house = House::letting(FOREVER);
    let upload = house.in_parts(1).await;
    claimed_by_another(&house, &upload).await;
    let worker = house.process(1);
    sleep(Duration::from_secs(29)).await;
    assert_eq!(complete(&worker, &upload).await, WorkProgress::Pending);
    let aborted = worker.abort(upload.clone()).await.unwrap();
    assert_eq!(aborted, WorkProgress::Pending);
    assert_eq!(house.completions(), 0);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(complete(&worker, &upload).await, completed());
}

#[tokio::test(start_paused = true)]
async fn the_lease_is_renewed_for_as_long_as_the_store_completes() {
    let house = House::letting(0);
    let upload = house.in_parts(1).await;
    let (one, two) = (house.process(1), house.process(2));
    assert_eq!(complete(&one, &upload).await, WorkProgress::Pending);
    for _ in 0..10 {
        sleep(SETTINGS.lease / 2).await;
        assert_eq!(complete(&two, &upload).await, WorkProgress::Pending);
    }
    house.let_read(1);
    assert_eq!(complete(&one, &upload).await, completed());
    assert_eq!(house.completions(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_gets_pending_in_time_and_a_completion_goes_on_without_callers() {
    let house = House::letting(0);
    let upload = house.in_parts(1).await;
    let worker = house.process(1);
    let began = Instant::now();
    assert_eq!(complete(&worker, &upload).await, WorkProgress::Pending);
    assert_eq!(began.elapsed(), SETTINGS.wait_timeout);
    assert_eq!(worker.jobs(), 1);
    house.let_read(1);
    while house.store.store.object(&upload.address).is_none() {
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(complete(&worker, &upload).await, completed());
    assert_eq!(house.completions(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_lost_its_lease_leaves_the_completion_to_the_other() {
    let house = House::letting(0);
    let upload = house.in_parts(1).await;
    let worker = house.process(1);
    let (result, ()) = tokio::join!(complete(&worker, &upload), async {
        house.until_reading(1).await;
        house.catalog.set_available(false);
    });
    assert_eq!(result, WorkProgress::Pending);
    sleep(2 * SETTINGS.lease).await;
    house.catalog.set_available(true);
    assert_eq!(house.store.at_once.load(Ordering::SeqCst), 0);
    let epoch = claimed_by_another(&house, &upload).await;
    house.let_read(1);
    assert_eq!(complete(&worker, &upload).await, WorkProgress::Pending);
    assert_eq!(house.completions(), 0);
    // and the other one still has it
    let (scope, asset) = (&upload.scope, upload.asset_id);
    let released = house.catalog.release_work(scope, asset, epoch).await;
    assert!(released.unwrap());
}

/// After an error nobody knows whether the store goes on.
#[tokio::test(start_paused = true)]
async fn a_completion_that_failed_is_tried_again_only_after_the_lease() {
    let house = House::letting(0);
    let upload = house.in_parts(1).await;
    let (one, two) = (house.process(1), house.process(2));
    let (result, ()) = tokio::join!(one.complete(upload.clone(), sample::parts()), async {
        house.until_reading(1).await;
        house.store.store.set_available(false);
        house.let_read(1);
    });
    assert!(
        matches!(
            result,
            Err(WorkError::Storage(StorageError::Unavailable(_)))
        ),
        "{result:?}"
    );
    house.store.store.set_available(true);
    house.let_read(FOREVER);
    for worker in [&one, &two] {
        assert_eq!(complete(worker, &upload).await, WorkProgress::Pending);
    }
    sleep(SETTINGS.lease).await;
    assert_eq!(complete(&two, &upload).await, completed());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_asked_holds_nobody_up() {
    let house = House::letting(FOREVER);
    let upload = house.in_parts(1).await;
    let (one, two) = (house.process(1), house.process(2));
    house.store.store.set_available(false);
    let result = one.complete(upload.clone(), sample::parts()).await;
    assert!(matches!(result, Err(WorkError::Storage(_))), "{result:?}");
    assert_eq!(house.completions(), 0);
    house.store.store.set_available(true);
    assert_eq!(complete(&two, &upload).await, completed());
}

#[tokio::test(start_paused = true)]
async fn an_abort_during_a_completion_is_pending_and_does_nothing() {
    let house = House::letting(0);
    let upload = house.in_parts(1).await;
    let (one, two) = (house.process(1), house.process(2));
    assert_eq!(complete(&one, &upload).await, WorkProgress::Pending);
    for worker in [&one, &two] {
        let aborted = worker.abort(upload.clone()).await.unwrap();
        assert_eq!(aborted, WorkProgress::Pending);
    }
    house.let_read(1);
    assert_eq!(complete(&one, &upload).await, completed());
    let aborted = two.abort(upload.clone()).await.unwrap();
    assert_eq!(aborted, WorkProgress::Done(AbortOutcome::Completed));
}

#[tokio::test(start_paused = true)]
async fn an_abort_leaves_nothing_and_gives_the_lease_back() {
    let house = House::letting(FOREVER);
    let upload = house.in_parts(1).await;
    let (one, two) = (house.process(1), house.process(2));
    for worker in [&one, &two, &one] {
        let aborted = worker.abort(upload.clone()).await.unwrap();
        assert_eq!(aborted, WorkProgress::Done(AbortOutcome::Aborted));
    }
    assert_eq!(
        complete(&two, &upload).await,
        WorkProgress::Done(CompletionOutcome::UnknownUpload)
    );
}

#[tokio::test(start_paused = true)]
async fn at_the_end_a_completion_that_ends_in_time_gives_its_lease_back() {
    let house = House::letting(0);
    let upload = house.in_parts(1).await;
    let (one, two) = (house.process(1), house.process(2));
    let (first, (), ()) = tokio::join!(
        complete(&one, &upload),
        async {
            house.until_reading(1).await;
            one.stop().await;
        },
        async {
            sleep(Duration::from_secs(1)).await;
            house.let_read(1);
        }
    );
    assert_eq!((first, one.jobs()), (completed(), 0));
    claimed_by_another(&house, &upload).await;
    assert_eq!(complete(&one, &upload).await, WorkProgress::Pending);
    drop(two);
}

#[tokio::test(start_paused = true)]
async fn at_the_end_a_completion_that_takes_longer_keeps_its_lease() {
    let house = House::letting(0);
    let upload = house.in_parts(1).await;
    let (one, two) = (house.process(1), house.process(2));
    let began = Instant::now();
    let (first, ()) = tokio::join!(complete(&one, &upload), async {
        house.until_reading(1).await;
        one.stop().await;
    });
    assert_eq!(first, WorkProgress::Pending);
    let took = began.elapsed();
    assert!(
        took < SETTINGS.wait_timeout + Duration::from_secs(1),
        "{took:?}"
    );
    house.let_read(FOREVER);
    assert_eq!(complete(&two, &upload).await, WorkProgress::Pending);
    sleep(SETTINGS.lease).await;
    assert_eq!(complete(&two, &upload).await, completed());
    assert_eq!(house.completions(), 1);
}
