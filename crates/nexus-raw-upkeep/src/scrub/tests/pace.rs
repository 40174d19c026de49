use std::num::{NonZeroU32, NonZeroU64};

use nexus_raw_testkit::sample;

use super::{
    house::{House, ids},
    *,
};

fn budget(bytes: u64, requests: u32) -> ScrubBudget {
    ScrubBudget {
        bytes_per_second: NonZeroU64::new(bytes).unwrap(),
        requests_per_second: NonZeroU32::new(requests).unwrap(),
    }
}

async fn filled(count: u64) -> House {
    let house = House::new();
    for number in 1..=count {
        let scope = sample::scope("t_a", "dev");
        house.registered(&scope, number, 40).await;
    }
    house
}

/// By whichever is less, also of the time that a reading takes.
#[tokio::test(start_paused = true)]
async fn the_budget_of_bytes_and_of_requests_is_kept() {
    let size = u64::try_from(sample::CONTENT.len()).unwrap();
    for (budget, takes, expected) in [
        (budget(size, 1000), 0, [0, 1000, 2000, 3000]),
        (budget(size, 1000), 400, [0, 1000, 2000, 3000]),
        (budget(size * 1000, 4), 0, [0, 250, 500, 750]),
        (budget(size * 1000, 4), 600, [0, 600, 1200, 1800]),
    ] {
        let house = filled(4).await;
        let mut worker = house.process(1);
        worker.takes = Duration::from_millis(takes);
        let settings = ScrubSettings {
            budget,
            ..House::settings()
        };
        house.run(&worker, settings).await.summary();
        assert_eq!(worker.times(), expected, "{budget:?} {takes}");
    }
}

/// One that is not as it was pinned may have cost several requests, and twice the bytes.
#[tokio::test(start_paused = true)]
async fn what_was_searched_for_counts_as_what_that_may_have_cost() {
    let house = filled(3).await;
    let scope = sample::scope("t_a", "dev");
    let listed = house.catalog.find_asset(&scope, sample::asset_id(1)).await;
    let first = listed.unwrap().unwrap().asset;
    house.store.replace(first.address(), b"another one");
    let worker = house.process(1);
    let settings = ScrubSettings {
        budget: budget(u64::MAX, 10),
        ..House::settings()
    };
    house.run(&worker, settings).await.summary();
    assert_eq!(worker.times(), [0, 600, 700]);
    assert!(house.store.calls().hash + house.store.calls().stat <= 8 + 3);
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_the_time_is_over_and_the_next_run_goes_on() {
    let house = filled(5).await;
    let worker = house.process(1);
    let settings = ScrubSettings {
        budget: budget(u64::MAX, 1),
        max_time: Some(Duration::from_millis(2500)),
        ..House::settings()
    };
    let began = Instant::now();
    let summary = house.run(&worker, settings.clone()).await.summary();
    assert_eq!((summary.ended, summary.intact), (ScrubEnd::TimeOver, 3));
    // the next one would be begun too late
    assert_eq!(began.elapsed(), Duration::from_secs(2));
    let summary = house.run(&worker, settings).await.summary();
    assert_eq!((summary.ended, summary.intact), (ScrubEnd::NothingLeft, 2));
    assert_eq!(worker.read(), ids(1..=5));
}

/// The object that was begun is read to its end.
#[tokio::test(start_paused = true)]
async fn it_stops_after_the_object_that_was_begun() {
    let house = filled(5).await;
    let mut worker = house.process(1);
    worker.takes = Duration::from_secs(10);
    let stopped = tokio::time::sleep(Duration::from_secs(15));
    let summary = house.run_until(&worker, House::settings(), stopped).await;
    let summary = summary.summary();
    assert_eq!((summary.ended, summary.intact), (ScrubEnd::Stopped, 2));
    assert_eq!(house.verdicts(&sample::scope("t_a", "dev")).len(), 2);
}
