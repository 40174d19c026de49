mod house;
mod uploads;
mod verifications;

use std::{sync::atomic::Ordering, time::Duration};

use futures_util::future::join_all;
use nexus_raw::{
    asset::{ByteSize, Sha256Digest},
    ports::WorkClaim,
};
use slog::{Discard, o};
use tokio::time::{Instant, sleep};

use super::*;
use house::{FOREVER, House, SETTINGS, digest, promised};

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_at_once_all_get_the_digest_of_one_read() {
    let house = House::letting(FOREVER);
    let object = house.uploaded(1).await;
    let hashing = house.process(1);
    let calls = (0..100).map(|_| digest(&hashing, &object, Urgency::Awaited));
    let results = join_all(calls).await;
    assert!(results.iter().all(|it| *it == promised()), "{results:?}");
    assert_eq!(house.reads(), 1);
    // nor later, nor by another process
    for process in [hashing, house.process(2)] {
        for urgency in [Urgency::Awaited, Urgency::Background] {
            assert_eq!(digest(&process, &object, urgency).await, promised());
        }
    }
    assert_eq!(house.reads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_does_not_wait_gets_pending_at_once_and_the_work_goes_on() {
    let house = House::letting(0);
    let object = house.uploaded(1).await;
    let hashing = house.process(1);
    let began = Instant::now();
    for _ in 0..10 {
        let result = digest(&hashing, &object, Urgency::Background).await;
        assert_eq!(result, WorkProgress::Pending);
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    house.let_read(1);
    while house.known(&object).await.is_none() {
        sleep(Duration::from_millis(1)).await;
    }
    let result = digest(&hashing, &object, Urgency::Background).await;
    assert_eq!((result, house.reads()), (promised(), 1));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_caller_gets_pending_in_time_and_the_work_goes_on() {
    let house = House::letting(0);
    let object = house.uploaded(1).await;
    let hashing = house.process(1);
    let began = Instant::now();
    let result = digest(&hashing, &object, Urgency::Awaited).await;
    assert_eq!(result, WorkProgress::Pending);
    assert!((2..=3).contains(&began.elapsed().as_secs()));
    // a caller in the meantime waits for the same job
    let (result, ()) = tokio::join!(digest(&hashing, &object, Urgency::Awaited), async {
        sleep(Duration::from_secs(1)).await;
        house.let_read(1);
    });
    assert_eq!((result, house.reads()), (promised(), 1));
}

#[tokio::test(start_paused = true)]
async fn an_unavailable_catalogue_is_reported_and_nothing_is_read() {
    let mut ledger = nexus_raw::ports::MockWorkLedger::new();
    ledger.expect_known_digest().returning(|_| Ok(None));
    ledger
        .expect_claim_hashing()
        .returning(|_, _, _, _| Err(nexus_raw::ports::CatalogError::Unavailable("busy".into())));
    let house = House::letting(FOREVER);
    let object = house.uploaded(1).await;
    let hashing = TokioObjectWorker::new(
        house.store.clone(),
        Arc::new(house.catalog.clone()),
        Arc::new(ledger),
        house.clock.clone(),
        Uuid::from_u128(1),
        SETTINGS,
        Logger::root(Discard, o!()),
    );
    let result = hashing.digest(object, Urgency::Awaited).await;
    assert!(matches!(result, Err(WorkError::Catalog(_))), "{result:?}");
    assert_eq!(house.reads(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_returned_to_all_waiters_and_the_next_call_starts_over() {
    let house = House::letting(0);
    let object = house.uploaded(1).await;
    let hashing = house.process(1);
    let calls = (0..10).map(|_| hashing.digest(object.clone(), Urgency::Awaited));
    let (results, ()) = tokio::join!(join_all(calls), async {
        house.until_reading(1).await;
        house.store.store.set_available(false);
        house.let_read(1);
    });
    for result in results {
        assert!(
            matches!(
                result,
                Err(WorkError::Storage(StorageError::Unavailable(_)))
            ),
            "{result:?}"
        );
    }
    assert_eq!(house.reads(), 1);
    house.store.store.set_available(true);
    house.let_read(1);
    let result = digest(&hashing, &object, Urgency::Awaited).await;
    assert_eq!((result, house.reads()), (promised(), 2));
}

#[tokio::test(start_paused = true)]
async fn the_lease_is_renewed_for_as_long_as_the_object_is_read() {
    let house = House::letting(0);
    let object = house.uploaded(1).await;
    let (one, two) = (house.process(1), house.process(2));
    digest(&one, &object, Urgency::Background).await;
    house.until_reading(1).await;
    for _ in 0..20 {
        sleep(SETTINGS.lease / 2).await;
        assert_eq!(
            digest(&two, &object, Urgency::Awaited).await,
            WorkProgress::Pending
        );
    }
    house.let_read(1);
    let result = digest(&one, &object, Urgency::Awaited).await;
    assert_eq!((result, house.reads()), (promised(), 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_process_had_begun_is_taken_over_after_its_lease_and_not_before() {
    let house = House::letting(FOREVER);
    let object = house.uploaded(1).await;
    let now = house.clock.now();
    let dead = Uuid::from_u128(404);
    let claim = house
        .catalog
        .claim_hashing(&object, dead, now, SETTINGS.lease)
        .await;
    assert!(matches!(claim, Ok(WorkClaim::Taken(_))), "{claim:?}");
    let hashing = house.process(1);
    sleep(Duration::from_secs(29)).await;
    assert_eq!(
        digest(&hashing, &object, Urgency::Awaited).await,
        WorkProgress::Pending
    );
    sleep(Duration::from_secs(1)).await;
    assert_eq!(
        digest(&hashing, &object, Urgency::Awaited).await,
        promised()
    );
}

#[tokio::test(start_paused = true)]
async fn a_process_that_lost_its_lease_stops_and_records_nothing() {
    let house = House::letting(0);
    let object = house.uploaded(1).await;
    let hashing = house.process(1);
    digest(&hashing, &object, Urgency::Background).await;
    house.until_reading(1).await;
    // the catalogue is away for longer than the lease, and another process is faster then
    house.catalog.set_available(false);
    sleep(2 * SETTINGS.lease).await;
    house.catalog.set_available(true);
    assert_eq!(house.store.at_once.load(Ordering::SeqCst), 0);
    let rival = house
        .catalog
        .claim_hashing(
            &object,
            Uuid::from_u128(2),
            house.clock.now(),
            SETTINGS.lease,
        )
        .await;
    assert!(matches!(rival, Ok(WorkClaim::Taken(_))), "{rival:?}");
    house.let_read(1);
    assert_eq!(
        digest(&hashing, &object, Urgency::Awaited).await,
        WorkProgress::Pending
    );
    assert_eq!((house.known(&object).await, house.reads()), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn at_the_end_every_claim_is_given_back_and_nothing_is_begun_any_more() {
    let house = House::letting(0);
    let (reading, waiting) = (house.uploaded(1).await, house.uploaded(2).await);
    let (one, two) = (house.process(1), house.process(2));
    for object in [&reading, &waiting] {
        digest(&one, object, Urgency::Background).await;
    }
    house.until_reading(1).await;
    let began = Instant::now();
    one.stop().await;
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(house.store.at_once.load(Ordering::SeqCst), 0);
    house.let_read(2);
    assert_eq!(
        digest(&one, &reading, Urgency::Awaited).await,
        WorkProgress::Pending
    );
    assert_eq!(house.reads(), 0);
    for object in [&reading, &waiting] {
        assert_eq!(digest(&two, object, Urgency::Awaited).await, promised());
    }
}

#[tokio::test(start_paused = true)]
async fn so_many_are_read_at_once_and_large_ones_do_not_hold_up_small_ones() {
    let house = House::letting(0);
    let hashing = house.process(1);
    let mut objects = Vec::new();
    for number in 1..=12 {
        objects.push(house.uploaded(number).await);
    }
    let (large, small) = objects.split_at(6);
    for object in large {
        digest(&hashing, object, Urgency::Background).await;
    }
    house.until_reading(SETTINGS.background_at_once).await;
    let (results, ()) = tokio::join!(
        join_all(
            small
                .iter()
                .map(|it| digest(&hashing, it, Urgency::Awaited))
        ),
        async {
            house.until_reading(3).await;
            sleep(Duration::from_secs(1)).await;
            house.let_read(12);
        }
    );
    assert!(results.iter().all(|it| *it == promised()), "{results:?}");
    let most = house.store.most_at_once.load(Ordering::SeqCst);
    let bound = SETTINGS.awaited_at_once + SETTINGS.background_at_once;
    assert_eq!(most, bound);
    for object in large {
        assert_eq!(digest(&hashing, object, Urgency::Awaited).await, promised());
    }
    assert_eq!(house.reads(), 12);
}

#[tokio::test(start_paused = true)]
async fn a_replaced_object_is_hashed_again_once_the_other_is_done() {
    let house = House::letting(0);
    let before = house.uploaded(1).await;
    let hashing = house.process(1);
    digest(&hashing, &before, Urgency::Background).await;
    house.until_reading(1).await;
    house.store.store.replace(&before.address, b"other bytes");
    let after = PinnedObject {
        etag: "replaced-1".to_owned(),
        size_bytes: ByteSize::parse(11).unwrap(),
        ..before.clone()
    };
    // neither is mistaken for the other
    assert_eq!(
        digest(&hashing, &after, Urgency::Awaited).await,
        WorkProgress::Pending
    );
    let (result, ()) = tokio::join!(digest(&hashing, &before, Urgency::Awaited), async {
        house.let_read(2);
    });
    assert_eq!(result, WorkProgress::Done(HashOutcome::Replaced));
    let other = Sha256Digest::of(b"other bytes");
    assert_eq!(
        digest(&hashing, &after, Urgency::Awaited).await,
        WorkProgress::Done(HashOutcome::Hashed(other))
    );
    assert_eq!(house.known(&before).await, None);
}
