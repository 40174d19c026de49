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
    ports::{EventQuery, MockAssetCatalog},
    tenancy::{Principal, Role, UserId},
};
use nexus_raw_testkit::{FakeCatalog, sample};

use super::*;

/// A feed over a catalogue whose looks at events are counted.
struct World {
    kept: FakeCatalog,
    /// The same, through the feed.
    written: Arc<dyn AssetCatalog>,
    looks: Arc<AtomicU32>,
    feed: Feed,
}

/// What is told where there is nothing.
const NONE: [u64; 0] = [];

/// Nothing is looked at unless something was written here.
const NEVER: Duration = Duration::from_hours(24);

impl World {
    fn new(settings: FeedSettings) -> Self {
        let kept = FakeCatalog::new();
        let looks = Arc::new(AtomicU32::new(0));
        let mut catalog = MockAssetCatalog::new();
        let (looked, read) = (Arc::clone(&looks), kept.clone());
        catalog.expect_events().returning(move |scope, query| {
            looked.fetch_add(1, SeqCst);
            let events = read.events_in(scope).into_iter();
            let events = events.filter(|event| event.sequence > query.after);
            Ok(events.take(query.limit.try_into().unwrap()).collect())
        });
        let feed = Feed::new(Arc::new(catalog), settings);
        let writes = feed.clone();
        let written = kept.clone().on_write(move |scope| writes.written(scope));
        Self {
            kept,
            written: Arc::new(written),
            looks,
            feed,
        }
    }

    fn looks(&self) -> u32 {
        self.looks.load(SeqCst)
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
        look_every: NEVER,
        ..FeedSettings::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_as_soon_as_something_is_written_in_its_scope() {
    let world = World::new(seldom());
    let began = Instant::now();
    let writes = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        write(&*world.written, &home(), 1).await;
    };
    let (told, ()) = join(world.wait(&home(), 0, 10), writes).await;
    assert_eq!(told.unwrap(), [1]);
    assert_eq!(began.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn what_another_process_has_written_is_found_at_the_next_look() {
    let world = World::new(FeedSettings::default());
    let began = Instant::now();
    let writes = async {
        tokio::time::sleep(Duration::from_millis(3100)).await;
        write(&world.kept, &home(), 1).await;
    };
    let (told, ()) = join(world.wait(&home(), 0, 10), writes).await;
    assert_eq!(told.unwrap(), [1]);
    let took = began.elapsed().as_millis();
    assert!((3500..3600).contains(&took), "{took} ms");
}

#[tokio::test(start_paused = true)]
async fn what_was_written_before_the_wait_began_ends_it_at_once() {
    let world = World::new(seldom());
    write(&world.kept, &home(), 1).await;
    let began = Instant::now();
    assert_eq!(world.wait(&home(), 0, 10).await.unwrap(), [1]);
    assert!(began.elapsed() < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_wait_without_an_event_ends_in_time_with_nothing() {
    let world = World::new(FeedSettings::default());
    write(&*world.written, &home(), 1).await;
    let began = Instant::now();
    assert_eq!(world.wait(&home(), 1, 10).await.unwrap(), NONE);
    assert_eq!(began.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn however_many_wait_for_a_scope_it_is_looked_at_once_for_all() {
    let world = World::new(FeedSettings {
        most_of_one: 100,
        ..FeedSettings::default()
    });
    let waits = join_all((0..100).map(|_| async { world.wait(&home(), 0, 10).await.unwrap() }));
    let writes = async {
        tokio::time::sleep(Duration::from_millis(9990)).await;
        // one when the first came, and two a second
        assert_eq!(world.looks(), 20);
        write(&*world.written, &home(), 1).await;
    };
    let (told, ()) = join(waits, writes).await;
    assert_eq!(told, vec![vec![1]; 100]);
    assert_eq!(world.looks(), 21);
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_nobody_waits_for_is_not_looked_at() {
    let world = World::new(FeedSettings::default());
    for _ in 0..2 {
        world.wait(&home(), 0, 10).await.unwrap();
    }
    let looked = world.looks();
    tokio::time::sleep(Duration::from_mins(1)).await;
    write(&*world.written, &home(), 1).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(world.looks(), looked);
    assert_eq!(world.feed.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_scope_is_looked_at_only_when_its_turn_has_come() {
    let world = World::new(seldom());
    write(&world.kept, &home(), 1).await;
    let others = world.feed.0.turns.acquire_many(4).await.unwrap();
    let began = Instant::now();
    let home = home();
    let looked = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(world.looks(), 0);
        drop(others);
    };
    let (told, ()) = join(world.wait(&home, 0, 10), looked).await;
    assert_eq!((told.unwrap(), world.looks()), (vec![1], 1));
    assert_eq!(began.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_write_in_another_scope_wakes_nobody() {
    let world = World::new(seldom());
    let home = home();
    let wait = world.wait(&home, 0, 10);
    let writes = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let looked = world.looks();
        for scope in [sample::scope("t_a", "prod"), sample::scope("t_ab", "dev")] {
            write(&*world.written, &scope, 1).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(world.looks(), looked);
    };
    let (told, ()) = join(wait, writes).await;
    assert_eq!(told.unwrap(), NONE);
}

#[tokio::test(start_paused = true)]
async fn each_is_told_what_it_asked_wherever_the_others_are() {
    let world = World::new(seldom());
    let asked = [(0, 10), (2, 1), (4, 2), (4, 10), (5, 3), (2, 100)];
    let waits = join_all(asked.map(async |(after, limit)| {
        let told = world.wait(&home(), after, limit).await;
        told.unwrap()
    }));
    let writes = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for number in 1..=7 {
            write(&world.kept, &home(), number).await;
        }
        world.feed.written(&home());
    };
    let (told, ()) = join(waits, writes).await;
    assert_eq!(told[0], (1..=7).collect::<Vec<_>>());
    assert_eq!(told[1..3], [vec![3], vec![5, 6]]);
    assert_eq!(told[3..], [vec![5, 6, 7], vec![6, 7], vec![3, 4, 5, 6, 7]]);
}

#[test]
fn who_comes_while_the_scope_is_looked_at_is_not_served_what_begins_too_late() {
    let (places, scope, user) = (Places::default(), home(), sample::user());
    let enter = |after| {
        let query = EventQuery::first(10).after(after);
        let seat = places.enter(&scope, &user, query, &seldom());
        seat.unwrap().unwrap()
    };
    let mut ahead = enter(4);
    let asked = places.wanted(&scope).unwrap();
    assert_eq!(asked.after, 4);
    let mut behind = enter(2);
    let page = [5, 6].map(|sequence| sample::event(&scope, sequence));
    let again = places.tell(&scope, &asked, page.to_vec());
    assert!(again && ahead.told.try_recv().is_ok());
    assert!(behind.told.try_recv().is_err());
    // and what it wants is asked for next
    assert_eq!(places.wanted(&scope).unwrap().after, 2);
}

#[tokio::test(start_paused = true)]
async fn a_user_over_all_tenants_a_tenant_and_all_together_have_so_many_places() {
    let world = World::new(FeedSettings {
        most: 4,
        most_of_tenant: 3,
        most_of_one: 2,
        ..seldom()
    });
    let (scope, prod, other, third) = (
        home(),
        sample::scope("t_a", "prod"),
        sample::scope("t_b", "dev"),
        sample::scope("t_c", "dev"),
    );
    let wait = |user, scope| wait_as(&world.feed, user, scope, 0, 10).boxed_local();
    let waits = |user, scope| {
        let mut wait = wait(user, scope);
        assert!((&mut wait).now_or_never().is_none(), "{user}");
        wait
    };
    let is_full = async |user, scope| {
        let told = wait(user, scope).await;
        assert!(matches!(told, Err(FeedError::Full)), "{user}: {told:?}");
    };
    let of_one = (waits("u_1", &scope), waits("u_1", &other));
    // the same user, whatever the tenant and the environment
    is_full("u_1", &prod).await;
    is_full("u_1", &third).await;
    let of_tenant = (waits("u_2", &scope), waits("u_3", &prod));
    drop(of_one.1);
    // the same tenant, whoever asks
    is_full("u_4", &prod).await;
    is_full("u_1", &scope).await;
    let last = waits("u_1", &other);
    // and there are no more in all
    is_full("u_5", &third).await;

    // who goes away leaves its place to others, in each of the counts
    drop(last);
    assert_eq!(world.feed.waiting(), 3);
    let in_all = waits("u_5", &third);
    drop(of_tenant.0);
    let in_tenant = waits("u_1", &prod);
    is_full("u_1", &third).await;
    drop((of_one.0, of_tenant.1, in_all, in_tenant));
    assert_eq!(world.feed.waiting(), 0);
    let kept = world.feed.0.places.kept();
    assert_eq!(kept, (0, 0), "of users and tenants of whom nobody waits");
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_is_let_go_with_nothing() {
    let world = World::new(seldom());
    let access = sample::read_access(&home());
    let query = EventQuery::first(1);
    let until = Instant::now() + NEVER;
    let told = world.feed.wait(&access, &query, until, ready(())).await;
    assert_eq!(told.unwrap(), []);
    assert_eq!(world.feed.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_catalogue_that_cannot_be_read_is_told_to_all_who_wait() {
    let kept = FakeCatalog::new();
    kept.set_available(false);
    let feed = Feed::new(Arc::new(kept), FeedSettings::default());
    let home = home();
    let waits = join_all((0..3).map(|_| wait_as(&feed, "u_demo", &home, 0, 10)));
    for told in waits.await {
        assert!(
            matches!(&told, Err(FeedError::Catalog(error)) if matches!(**error, CatalogError::Unavailable(_))),
            "{told:?}"
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
    // and the next one begins a watch anew
    for _ in 0..2 {
        let told = wait_as(&feed, "u_demo", &home(), 0, 10).await;
        assert_eq!(told.unwrap(), NONE);
    }
    assert!(began.elapsed() < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_stopped_feed_lets_all_go_at_once_and_nobody_waits_any_more() {
    let world = World::new(seldom());
    let began = Instant::now();
    let stops = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.feed.stop();
    };
    let (told, ()) = join(world.wait(&home(), 0, 10), stops).await;
    assert_eq!(told.unwrap(), NONE);
    assert_eq!(world.wait(&home(), 0, 10).await.unwrap(), NONE);
    assert_eq!(began.elapsed(), Duration::from_secs(1));
}
