use nexus_raw::{
    asset::Provenance,
    event::{DatasetEvent, EventType},
    ports::EventQuery,
    tenancy::Scope,
};
use tokio::task::JoinSet;

use super::{
    CatalogHarness, OpenCatalog, events, events_after, presign, presign_and_register, strangers,
};
use crate::sample;

fn sequences(events: &[DatasetEvent]) -> Vec<u64> {
    events.iter().map(|event| event.sequence).collect()
}

/// Of any asset, each complete with its id, equal to that in the events of its asset.
pub async fn events_after_a_sequence_are_those_of_the_scope_above_it_in_order(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let [first, second] = [1, 2].map(|n| sample::intent(&scope, sample::asset_id(n)));
    presign(&open, &first).await;
    presign_and_register(&open, &second, sample::provenance()).await;
    let new = sample::new_asset(&first, Provenance::default());
    super::register(&open, &new).await;

    let mut expected = events(&open, &scope, first.asset_id).await;
    expected.extend(events(&open, &scope, second.asset_id).await);
    expected.sort_by_key(|event| event.sequence);
    assert_eq!(sequences(&expected), [1, 2, 3, 4]);
    for after in 0..=4_u8 {
        let given = events_after(&open, &scope, after.into(), 100).await;
        assert_eq!(given, expected[usize::from(after)..], "after {after}");
    }
}

/// The limit truncates at the end, so that the next page continues there.
pub async fn pages_of_events_respect_the_limit_and_join_without_a_gap(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    for n in 1..=7 {
        presign(&open, &sample::intent(&scope, sample::asset_id(n))).await;
    }
    for limit in [1, 2, 3, 7, 8, 1000, u32::MAX] {
        let mut given = Vec::new();
        loop {
            let after = given.last().copied().unwrap_or(0);
            let page = sequences(&events_after(&open, &scope, after, limit).await);
            assert!(page.len() <= usize::try_from(limit).unwrap());
            let left = 7 - given.len();
            let whole = left.min(usize::try_from(limit).unwrap());
            assert_eq!(page.len(), whole, "limit {limit} after {after}");
            if page.is_empty() {
                break;
            }
            given.extend(page);
        }
        assert_eq!(given, (1..=7).collect::<Vec<_>>(), "limit {limit}");
    }
}

/// An empty page is no error, at the end, far beyond it, and in an unused scope.
pub async fn a_page_after_the_last_event_or_of_an_unknown_scope_is_empty(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    assert_eq!(events_after(&open, &scope, 0, 10).await, []);
    presign(&open, &sample::intent(&scope, sample::asset_id(1))).await;
    assert_eq!(sequences(&events_after(&open, &scope, 0, 10).await), [1]);
    for after in [1, 2, u64::from(u32::MAX), i64::MAX.unsigned_abs(), u64::MAX] {
        assert_eq!(events_after(&open, &scope, after, 10).await, [], "{after}");
    }
}

/// Even with similar names.
pub async fn events_after_a_sequence_are_of_one_scope_only(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let home = sample::scope("t_a", "dev");
    for n in 1..=3 {
        presign(&open, &sample::intent(&home, sample::asset_id(n))).await;
    }
    for stranger in strangers() {
        assert_eq!(
            events_after(&open, &stranger, 0, 10).await,
            [],
            "{stranger}"
        );
        presign(&open, &sample::intent(&stranger, sample::asset_id(1))).await;
    }
    for scope in strangers() {
        let given = events_after(&open, &scope, 0, 10).await;
        assert_eq!(sequences(&given), [1]);
        assert_eq!(given[0].body.scope(), scope);
    }
    let given = events_after(&open, &home, 0, 10).await;
    assert_eq!(sequences(&given), [1, 2, 3]);
    assert!(given.iter().all(|event| event.body.scope() == home));
}

/// A reader that pages while 16 writers commit in the same scope sees each event once, in order.
pub async fn a_reader_of_events_misses_none_while_others_write(harness: &impl CatalogHarness) {
    const WRITERS: u64 = 16;
    const EACH: u64 = 8;
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (open, scope) = (open.clone(), scope.clone());
        writers.spawn(async move {
            for n in 0..EACH {
                let intent = sample::intent(&scope, sample::asset_id(writer * EACH + n));
                presign_and_register(&open, &intent, Provenance::default()).await;
            }
        });
    }
    let mut last = 0;
    while last < WRITERS * EACH * 2 {
        for event in events_after(&open, &scope, last, 5).await {
            assert_eq!(event.sequence, last + 1);
            last = event.sequence;
        }
    }
    writers.join_all().await;
    assert_eq!(events_after(&open, &scope, last, 5).await, []);
}

/// A consumer's position is valid after a restart.
pub async fn events_after_a_sequence_are_the_same_after_reopening(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    for n in 1..=2 {
        let intent = sample::intent(&scope, sample::asset_id(n));
        presign_and_register(&open, &intent, sample::provenance()).await;
    }
    let before = events_after(&open, &scope, 1, 10).await;
    let open = harness.reopen(open).await;
    assert_eq!(events_after(&open, &scope, 1, 10).await, before);
    assert_eq!(sequences(&before), [2, 3, 4]);
}

async fn of_types(
    open: &OpenCatalog,
    scope: &Scope,
    types: &[EventType],
    after: u64,
    limit: u32,
) -> Vec<DatasetEvent> {
    let query = EventQuery::first(limit).after(after);
    let query = query.of_types(types.iter().copied());
    open.catalog.events(scope, &query).await.unwrap()
}

/// Whole events, in order, for any order of the types; none where no type is named.
pub async fn events_of_types_are_those_of_the_feed_that_have_them(harness: &impl CatalogHarness) {
    use EventType::{RawAssetPresigned, RawAssetRegistered};
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    assert_eq!(
        of_types(&open, &scope, &[RawAssetPresigned], 0, 10).await,
        []
    );
    for n in 1..=4 {
        let intent = sample::intent(&scope, sample::asset_id(n));
        presign(&open, &intent).await;
        if n % 2 == 0 {
            let new = sample::new_asset(&intent, sample::provenance());
            super::register(&open, &new).await;
        }
    }
    for stranger in strangers() {
        let intent = sample::intent(&stranger, sample::asset_id(1));
        presign_and_register(&open, &intent, Provenance::default()).await;
    }
    let all = events_after(&open, &scope, 0, 100).await;
    assert_eq!(sequences(&all), [1, 2, 3, 4, 5, 6]);
    for types in [
        &[][..],
        &[RawAssetPresigned],
        &[RawAssetRegistered],
        &[RawAssetRegistered, RawAssetPresigned, RawAssetRegistered],
    ] {
        for after in 0..=7 {
            for limit in [1, 2, 5, 1000, u32::MAX] {
                let mut expected = all.clone();
                expected.retain(|it| it.sequence > after && types.contains(&it.body.event_type));
                expected.truncate(usize::try_from(limit).unwrap());
                let given = of_types(&open, &scope, types, after, limit).await;
                assert_eq!(given, expected, "{types:?} after {after}, {limit} at most");
            }
        }
    }
    let beyond = i64::MAX.unsigned_abs() + 1;
    let given = of_types(&open, &scope, &[RawAssetPresigned], beyond, 10).await;
    assert_eq!(given, []);
}
