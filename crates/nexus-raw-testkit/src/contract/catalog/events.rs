use std::collections::BTreeSet;

use nexus_raw::{
    asset::Provenance,
    event::{DatasetEvent, StoredEvent},
    ports::EventQuery,
    tenancy::Scope,
};

use super::{
    CatalogHarness, bodies_of, events, presign, presign_again, presign_and_register, strangers,
};
use crate::sample;

/// The bodies are unchanged, in the order of their commits.
pub async fn events_of_an_asset_are_in_order_and_match_what_was_written(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent(&scope, sample::asset_id(1));
    let other = sample::intent(&scope, sample::asset_id(2));
    presign(&open, &other).await;
    let new = presign_and_register(&open, &intent, sample::provenance()).await;
    let found = bodies_of(&open, &scope, intent.asset_id).await;
    assert_eq!(
        found,
        [(2, sample::presigned(&intent)), (3, new.event.clone())]
    );
    // equal bytes too, since equality ignores the order of flags
    let texts = found.iter().map(|(_, body)| StoredEvent::of(body).unwrap());
    let written = [sample::presigned(&intent), new.event];
    let written = written.map(|body| StoredEvent::of(&body).unwrap());
    assert_eq!(texts.collect::<Vec<_>>(), written);
}

/// Assets of one scope share a sequence, not events.
pub async fn events_of_an_asset_exclude_those_of_others(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intents = [1, 2, 3].map(|n| sample::intent(&scope, sample::asset_id(n)));
    for intent in &intents {
        presign(&open, intent).await;
    }
    for (sequence, intent) in (1..).zip(&intents) {
        assert_eq!(
            bodies_of(&open, &scope, intent.asset_id).await,
            [(sequence, sample::presigned(intent))]
        );
    }
}

/// For any limit, and with events of other assets in between; there is none after the last, and
/// none of another scope.
pub async fn pages_of_an_assets_events_join(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let [intent, other] = [1, 2].map(|n| sample::intent(&scope, sample::asset_id(n)));
    presign(&open, &intent).await;
    presign(&open, &other).await;
    for _ in 0..3 {
        presign_again(&open, &other).await;
        presign_again(&open, &intent).await;
    }
    let all = events(&open, &scope, intent.asset_id).await;
    let sequences: Vec<_> = all.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, [1, 4, 6, 8]);
    let page = async |scope: &Scope, after, limit| {
        let query = EventQuery::first(limit)
            .of_asset(intent.asset_id)
            .after(after);
        let page = open.catalog.events(scope, &query);
        page.await.unwrap()
    };
    for limit in [1, 2, 3, 4, 5, 1000, u32::MAX] {
        let mut joined = Vec::new();
        loop {
            let after = joined
                .last()
                .map_or(0, |event: &DatasetEvent| event.sequence);
            let next = page(&scope, after, limit).await;
            let left = u32::try_from(all.len() - joined.len()).unwrap();
            assert_eq!(u32::try_from(next.len()), Ok(left.min(limit)), "{limit}");
            if next.is_empty() {
                break;
            }
            joined.extend(next);
        }
        assert_eq!(joined, all, "{limit}");
    }
    // a sequence between two events, and sequences after all of them
    assert_eq!(page(&scope, 5, 1).await, all[2..3]);
    for after in [8, 9, i64::MAX.unsigned_abs(), u64::MAX] {
        assert_eq!(page(&scope, after, 1000).await, [], "{after}");
    }
    for stranger in strangers() {
        assert_eq!(page(&stranger, 0, 1000).await, [], "{stranger}");
    }
}

/// An event has one permanent and unique id, by which consumers deduplicate.
pub async fn event_ids_are_stable_and_distinct_across_scopes(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let names = [("t_a", "dev"), ("t_a", "prod"), ("t_ab", "dev")];
    let scopes = names.map(|(tenant, environment)| sample::scope(tenant, environment));
    let mut ids = BTreeSet::new();
    for scope in &scopes {
        let intent = sample::intent(scope, sample::asset_id(1));
        presign_and_register(&open, &intent, Provenance::default()).await;
        let first = events(&open, scope, intent.asset_id).await;
        assert_eq!(first, events(&open, scope, intent.asset_id).await);
        ids.extend(first.iter().map(|event| event.event_id));
    }
    assert_eq!(ids.len(), 2 * scopes.len());
}
