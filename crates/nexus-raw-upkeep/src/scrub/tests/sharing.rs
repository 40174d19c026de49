use nexus_raw_testkit::sample;

use super::{
    house::{House, ids},
    *,
};

/// By lease while one is read, and by its verdict after that, however long ago that was.
#[tokio::test(start_paused = true)]
async fn two_processes_read_each_asset_once() {
    let house = House::new();
    let scope = sample::scope("t_a", "dev");
    for number in 1..=40 {
        house.registered(&scope, number, 40).await;
    }
    let [mut one, mut two] = [house.process(1), house.process(2)];
    // longer than a verdict is fresh, and than a lease lasts for nothing that is renewed
    (one.takes, two.takes) = (Duration::from_secs(25), Duration::from_secs(11));
    let (first, second) = tokio::join!(
        house.run(&one, House::settings()),
        house.run(&two, House::settings())
    );
    let (first, second) = (first.summary(), second.summary());
    assert_eq!(first.intact + second.intact, 40);
    assert_eq!(first.elsewhere + second.elsewhere, 40);
    assert!(
        first.intact > 5 && second.intact > 5,
        "{first:?} {second:?}"
    );
    let mut read = [one.read(), two.read()].concat();
    read.sort();
    assert_eq!(read, ids(1..=40));
    assert_eq!(house.verdicts(&scope).len(), 40);
    assert_eq!(house.store.calls().hash, 40);
}

/// Nothing is recorded of an object whose reading was cut off, and after its lease it is read first.
#[tokio::test(start_paused = true)]
async fn a_run_that_was_killed_goes_on_with_the_asset_that_it_had() {
    let house = House::new();
    let scope = sample::scope("t_a", "dev");
    for number in 1..=5 {
        house.registered(&scope, number, 40).await;
    }
    let mut killed = house.process(1);
    killed.takes = Duration::from_secs(10);
    let run = house.run(&killed, House::settings());
    let cut = tokio::time::timeout(Duration::from_secs(25), run).await;
    assert!(cut.is_err());
    assert_eq!(killed.read(), ids(1..=3));
    assert_eq!(house.verdicts(&scope).len(), 2);
    // at once the others, since the lease is not over
    let next = house.process(2);
    let summary = house.run(&next, House::settings()).await.summary();
    assert_eq!((summary.intact, summary.elsewhere), (2, 1));
    tokio::time::sleep(Duration::from_secs(30)).await;
    house.run(&next, House::settings()).await.summary();
    assert_eq!(next.read(), ids([4, 5, 3]));
}
