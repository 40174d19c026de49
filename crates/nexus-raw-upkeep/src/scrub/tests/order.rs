use nexus_raw_testkit::sample;

use super::{
    house::{House, ids},
    queue::ROUND,
    *,
};

/// Of all scopes together. What was registered lately is not due, and in the next run nothing is.
#[tokio::test(start_paused = true)]
async fn the_longest_unverified_is_read_first_in_whatever_scope() {
    let house = House::new();
    let [one, two, three] =
        [("t_a", "dev"), ("t_a", "prod"), ("t_b", "dev")].map(|(t, e)| sample::scope(t, e));
    for (scope, number, days) in [
        (&two, 1, 40),
        (&one, 2, 50),
        (&three, 3, 45),
        (&one, 4, 29),
        (&two, 5, 60),
        (&one, 6, 40),
        (&three, 7, 31),
    ] {
        house.registered(scope, number, days).await;
    }
    let worker = house.process(1);
    let summary = house.run(&worker, House::settings()).await.summary();
    assert_eq!(worker.read(), ids([5, 2, 3, 6, 1, 7]));
    assert_eq!((summary.ended, summary.intact), (ScrubEnd::NothingLeft, 6));

    // a verdict is where an asset goes on to be old from
    let again = house.run(&worker, House::settings()).await.summary();
    assert_eq!((again.intact, worker.read().len()), (0, 6));
    tokio::time::sleep(Duration::from_hours(2 * 24)).await;
    house.run(&worker, House::settings()).await.summary();
    assert_eq!(worker.read()[6..], ids([4]));
    let mut settings = House::settings();
    settings.older_than = Duration::ZERO;
    settings.tenant = Some(three.tenant.clone());
    house.run(&worker, settings).await.summary();
    assert_eq!(worker.read()[7..], ids([3, 7]));
}

/// Rounds join: none is left out or read twice, also where many are of one time and more than fit in one.
#[tokio::test(start_paused = true)]
async fn rounds_of_many_scopes_and_equal_times_join() {
    let house = House::new();
    let scopes = ["t_a", "t_b", "t_c"].map(|tenant| sample::scope(tenant, "dev"));
    let count = u64::try_from(ROUND).unwrap() * 2 + 100;
    for number in 1..=count {
        let scope = &scopes[usize::try_from(number % 3).unwrap()];
        let days = 40 + i64::try_from(number % 2).unwrap();
        house.registered(scope, number, days).await;
    }
    let before = older_than(house.clock.now(), House::settings().older_than);
    let mut queue = Queue::new(&house.catalog, None, before);
    let mut places = Vec::new();
    while let Some(it) = queue.next().await.unwrap() {
        places.push((it.asset.place.since, it.scope, it.asset.place.sequence));
    }
    assert_eq!(u64::try_from(places.len()).unwrap(), count);
    assert!(places.is_sorted_by(|one, next| one < next));
}
