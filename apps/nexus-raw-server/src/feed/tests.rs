use std::{
    collections::BTreeMap,
    future::{pending, ready},
    sync::atomic::{AtomicU32, Ordering::SeqCst},
};

use futures_util::{
    FutureExt,
    future::{join, join_all},
};
use nexus_raw::{
    event::EventType,
    ports::{EventQuery, EventSelection, MockAssetCatalog},
    tenancy::{Principal, Role, UserId},
};
use nexus_raw_testkit::{FakeCatalog, sample};

use super::*;

/// A feed on a catalogue whose polls are counted.
struct FeedTest {
    kept: FakeCatalog,
    /// The same, through the feed.
    written: Arc<dyn AssetCatalog>,
    polls: Arc<AtomicU32>,
    feed: Feed,
}

/// What is result where there is nothing.
const NONE: [u64; 0] = [];

/// Nothing is polled at unless something was written here.
const NEVER: Duration = Duration::from_hours(24);

impl FeedTest {
    fn new(settings: FeedSettings) -> Self {
        let kept = FakeCatalog::new();
        let polls = Arc::new(AtomicU32::new(0));
        let mut catalog = MockAssetCatalog::new();
        let (polled, read) = (Arc::clone(&polls), kept.clone());
        catalog.expect_events().returning(move |scope, query| {
            polled.fetch_add(1, SeqCst);
            let events = read.events_in(scope).into_iter();
            let events = events.filter(|event| {
                let types = match &query.selection {
                    EventSelection::OfTypes(types) => Some(types),
                    _ => None,
                };
                event.sequence > query.after
                    && types.is_none_or(|types| types.contains(&event.body.event_type))
            });
            Ok(events.take(query.limit.try_into().unwrap()).collect())
        });
        let feed = Feed::new(Arc::new(catalog), settings);
        let writes = feed.clone();
        let written = kept.clone().on_write(move |scope| writes.written(scope));
        Self {
            kept,
            written: Arc::new(written),
            polls,
            feed,
        }
    }

    fn polls(&self) -> u32 {
        self.polls.load(SeqCst)
    }

    /// Waits for as long as somebody is patient, from a place on.
    async fn wait(&self, scope: &Scope, after: u64, limit: u32) -> Result<Vec<u64>, FeedError> {
        wait_as(&self.feed, "u_demo", scope, after, limit).await
    }
}

async fn wait_as(
    feed: &Feed,
    user: &str,
    scope: &Scope,
    after: u64,
    limit: u32,
) -> Result<Vec<u64>, FeedError> {
    let memberships = BTreeMap::from([(scope.tenant.clone(), Some(Role::Viewer))]);
    let principal = Principal::from_verified(UserId::parse(user).unwrap(), memberships);
    let access = principal.authorize_read(scope).unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    let query = EventQuery::first(limit).after(after);
    let events = feed.wait(&access, &query, until, pending()).await?;
    Ok(events.iter().map(|event| event.sequence).collect())
}

/// Writes one event of the scope.
async fn write(catalog: &dyn AssetCatalog, scope: &Scope, number: u64) {
    let intent = sample::intent(scope, sample::asset_id(number));
    let event = sample::presigned(&intent);
    catalog.record_intent(intent, event).await.unwrap();
}

fn home() -> Scope {
    sample::scope("t_a", "dev")
}

fn seldom() -> FeedSettings {
    FeedSettings {
        poll_interval: NEVER,
        ..FeedSettings::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_as_soon_as_something_is_written_in_its_scope() {
    let test = FeedTest::new(seldom());
    let began = Instant::now();
    let writes = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        write(&*test.written, &home(), 1).await;
    };
    let (result, ()) = join(test.wait(&home(), 0, 10), writes).await;
    assert_eq!(result.unwrap(), [1]);
    assert_eq!(began.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn what_another_process_has_written_is_found_at_the_next_look() {
    let test = FeedTest::new(FeedSettings::default());
    let began = Instant::now();
    let writes = async {
        tokio::time::sleep(Duration::from_millis(3100)).await;
        write(&test.kept, &home(), 1).await;
    };
    let (result, ()) = join(test.wait(&home(), 0, 10), writes).await;
    assert_eq!(result.unwrap(), [1]);
    let took = began.elapsed().as_millis();
    assert!((3500..3600).contains(&took), "{took} ms");
}

#[tokio::test(start_paused = true)]
async fn what_was_written_before_the_wait_began_ends_it_at_once() {
    let test = FeedTest::new(seldom());
    write(&test.kept, &home(), 1).await;
    let began = Instant::now();
    assert_eq!(test.wait(&home(), 0, 10).await.unwrap(), [1]);
    assert!(began.elapsed() < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_wait_without_an_event_ends_in_time_with_nothing() {
    let test = FeedTest::new(FeedSettings::default());
    write(&*test.written, &home(), 1).await;
    let began = Instant::now();
    assert_eq!(test.wait(&home(), 1, 10).await.unwrap(), NONE);
    assert_eq!(began.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn however_many_wait_for_a_scope_it_is_looked_at_once_for_all() {
    let test = FeedTest::new(FeedSettings {
        max_per_user: 100,
        ..FeedSettings::default()
    });
    let waits = join_all((0..100).map(|_| async { test.wait(&home(), 0, 10).await.unwrap() }));
    let writes = async {
        tokio::time::sleep(Duration::from_millis(9990)).await;
        // one when the first came, and two a second
        assert_eq!(test.polls(), 20);
        write(&*test.written, &home(), 1).await;
    };
    let (result, ()) = join(waits, writes).await;
    assert_eq!(result, vec![vec![1]; 100]);
    assert_eq!(test.polls(), 21);
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_nobody_waits_for_is_not_looked_at() {
    let test = FeedTest::new(FeedSettings::default());
    for _ in 0..2 {
        test.wait(&home(), 0, 10).await.unwrap();
    }
    let polled = test.polls();
    tokio::time::sleep(Duration::from_mins(1)).await;
    write(&*test.written, &home(), 1).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(test.polls(), polled);
    assert_eq!(test.feed.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_scope_is_looked_at_only_when_its_turn_has_come() {
    let test = FeedTest::new(seldom());
    write(&test.kept, &home(), 1).await;
    let others = test.feed.0.polls.acquire_many(4).await.unwrap();
    let began = Instant::now();
    let home = home();
    let polled = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(test.polls(), 0);
        drop(others);
    };
    let (result, ()) = join(test.wait(&home, 0, 10), polled).await;
    assert_eq!((result.unwrap(), test.polls()), (vec![1], 1));
    assert_eq!(began.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_write_in_another_scope_wakes_nobody() {
    let test = FeedTest::new(seldom());
    let home = home();
    let wait = test.wait(&home, 0, 10);
    let writes = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let polled = test.polls();
        for scope in [sample::scope("t_a", "prod"), sample::scope("t_ab", "dev")] {
            write(&*test.written, &scope, 1).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(test.polls(), polled);
    };
    let (result, ()) = join(wait, writes).await;
    assert_eq!(result.unwrap(), NONE);
}

#[tokio::test(start_paused = true)]
async fn each_waiter_gets_its_own_page_at_any_position_of_the_others() {
    let test = FeedTest::new(seldom());
    let requests = [(0, 10), (2, 1), (4, 2), (4, 10), (5, 3), (2, 100)];
    let waits = join_all(requests.map(async |(after, limit)| {
        let result = test.wait(&home(), after, limit).await;
        result.unwrap()
    }));
    let writes = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for number in 1..=7 {
            write(&test.kept, &home(), number).await;
        }
        test.feed.written(&home());
    };
    let (result, ()) = join(waits, writes).await;
    assert_eq!(result[0], (1..=7).collect::<Vec<_>>());
    assert_eq!(result[1..3], [vec![3], vec![5, 6]]);
    assert_eq!(
        result[3..],
        [vec![5, 6, 7], vec![6, 7], vec![3, 4, 5, 6, 7]]
    );
}

#[test]
fn who_comes_while_the_scope_is_looked_at_is_not_served_what_begins_too_late() {
    let (waiters, scope, user) = (Waiters::default(), home(), sample::user());
    let enter = |after| {
        let query = EventQuery::first(10).after(after);
        let ticket = waiters.register(&scope, &user, query, &seldom());
        ticket.unwrap().unwrap()
    };
    let mut ahead = enter(4);
    let wanted = waiters.wanted(&scope, &EventSelection::All).unwrap();
    assert_eq!(wanted.after, 4);
    let mut behind = enter(2);
    let page = [5, 6].map(|sequence| sample::event(&scope, sequence));
    let again = waiters.deliver(&scope, &wanted, page.to_vec());
    assert!(again && ahead.result.try_recv().is_ok());
    assert!(behind.result.try_recv().is_err());
    // and its page is read next
    assert_eq!(
        waiters.wanted(&scope, &EventSelection::All).unwrap().after,
        2
    );
}

/// A page of other events ends no wait, and each wait is polled for what it selects alone.
#[tokio::test(start_paused = true)]
async fn who_waits_for_some_types_is_woken_by_these_alone() {
    let test = FeedTest::new(seldom());
    let access = sample::read_access(&home());
    let until = Instant::now() + Duration::from_secs(10);
    let wait = async |types: &[EventType]| {
        let query = EventQuery::first(1).of_types(types.iter().copied());
        let events = test.feed.wait(&access, &query, until, pending()).await;
        let events = events.unwrap();
        let sequences: Vec<_> = events.iter().map(|it| it.sequence).collect();
        (sequences, Instant::now())
    };
    let began = Instant::now();
    let writes = async {
        let intent = sample::intent(&home(), sample::asset_id(1));
        for second in 1..=2 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if second == 1 {
                let event = sample::presigned(&intent);
                let written = test.written.record_intent(intent.clone(), event);
                written.await.unwrap();
            } else {
                let new = sample::new_asset(&intent, sample::provenance());
                test.written.register(new).await.unwrap();
            }
        }
    };
    let all = async {
        let result = test.wait(&home(), 0, 1).await;
        (result.unwrap(), Instant::now())
    };
    let types = [EventType::RawAssetPresigned, EventType::RawAssetRegistered];
    let waits = join(
        join(wait(&types[..1]), wait(&types[1..])),
        join(wait(&types), all),
    );
    let (((first, second), (either, all)), ()) = join(waits, writes).await;
    let at = |seconds| began + Duration::from_secs(seconds);
    assert_eq!(first, (vec![1], at(1)));
    assert_eq!(second, (vec![2], at(2)));
    assert_eq!(either, (vec![1], at(1)));
    assert_eq!(all, (vec![1], at(1)));
    // four selections at once and after the first write, and the one that is left after the second
    assert_eq!(test.polls(), 4 + 4 + 1);
    assert_eq!(test.feed.0.waiters.kept(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_user_over_all_tenants_a_tenant_and_all_together_have_so_many_places() {
    let test = FeedTest::new(FeedSettings {
        max_waiters: 4,
        max_per_tenant: 3,
        max_per_user: 2,
        ..seldom()
    });
    let (scope, prod, other, third) = (
        home(),
        sample::scope("t_a", "prod"),
        sample::scope("t_b", "dev"),
        sample::scope("t_c", "dev"),
    );
    let wait = |user, scope| wait_as(&test.feed, user, scope, 0, 10).boxed_local();
    let waits = |user, scope| {
        let mut wait = wait(user, scope);
        assert!((&mut wait).now_or_never().is_none(), "{user}");
        wait
    };
    let is_full = async |user, scope| {
        let result = wait(user, scope).await;
        assert!(matches!(result, Err(FeedError::Full)), "{user}: {result:?}");
    };
    let of_one = (waits("u_1", &scope), waits("u_1", &other));
    // the same user, in any tenant and environment
    is_full("u_1", &prod).await;
    is_full("u_1", &third).await;
    let of_tenant = (waits("u_2", &scope), waits("u_3", &prod));
    drop(of_one.1);
    // the same tenant, for any user
    is_full("u_4", &prod).await;
    is_full("u_1", &scope).await;
    let last = waits("u_1", &other);
    // and there are no more in all
    is_full("u_5", &third).await;

    // a disconnected caller frees its place, in each of the counts
    drop(last);
    assert_eq!(test.feed.waiting(), 3);
    let in_all = waits("u_5", &third);
    drop(of_tenant.0);
    let in_tenant = waits("u_1", &prod);
    is_full("u_1", &third).await;
    drop((of_one.0, of_tenant.1, in_all, in_tenant));
    assert_eq!(test.feed.waiting(), 0);
    let kept = test.feed.0.waiters.kept();
    assert_eq!(kept, (0, 0), "of users and tenants without waiters");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_disconnects_gets_no_events() {
    let test = FeedTest::new(seldom());
    let access = sample::read_access(&home());
    let query = EventQuery::first(1);
    let until = Instant::now() + NEVER;
    let result = test.feed.wait(&access, &query, until, ready(())).await;
    assert_eq!(result.unwrap(), []);
    assert_eq!(test.feed.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_unavailable_catalogue_is_reported_to_all_waiters() {
    let kept = FakeCatalog::new();
    kept.set_available(false);
    let feed = Feed::new(Arc::new(kept), FeedSettings::default());
    let home = home();
    let waits = join_all((0..3).map(|_| wait_as(&feed, "u_demo", &home, 0, 10)));
    for result in waits.await {
        assert!(
            matches!(&result, Err(FeedError::Catalog(error)) if matches!(**error, CatalogError::Unavailable(_))),
            "{result:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_panics_lets_those_go_who_wait() {
    let mut catalog = MockAssetCatalog::new();
    catalog
        .expect_events()
        .returning(|_, _| panic!("on purpose"));
    let feed = Feed::new(Arc::new(catalog), seldom());
    let began = Instant::now();
    // and the next wait starts a new poller
    for _ in 0..2 {
        let result = wait_as(&feed, "u_demo", &home(), 0, 10).await;
        assert_eq!(result.unwrap(), NONE);
    }
    assert!(began.elapsed() < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_stopped_feed_lets_all_go_at_once_and_nobody_waits_any_more() {
    let test = FeedTest::new(seldom());
    let began = Instant::now();
    let stops = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        test.feed.stop();
    };
    let (result, ()) = join(test.wait(&home(), 0, 10), stops).await;
    assert_eq!(result.unwrap(), NONE);
    assert_eq!(test.wait(&home(), 0, 10).await.unwrap(), NONE);
    assert_eq!(began.elapsed(), Duration::from_secs(1));
}
