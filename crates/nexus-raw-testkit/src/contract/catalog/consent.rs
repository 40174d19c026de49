use std::{collections::BTreeSet, sync::Arc};

use nexus_raw::ports::NewFact;

use super::{CatalogHarness, OpenCatalog};
use crate::{
    env_number,
    graph::{self, ConsentGraph},
    sample,
};

fn graph(open: &OpenCatalog) -> ConsentGraph {
    ConsentGraph::new(Arc::clone(&open.catalog), sample::scope("t_a", "dev"))
}

/// Each read says so before any step; another branch and another scope are not concerned.
pub async fn consent_is_withheld_at_once_and_restored_at_the_end(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let graph = graph(&open);
    let other = ConsentGraph::new(Arc::clone(&open.catalog), sample::scope("t_b", "dev"));
    for it in [&graph, &other] {
        it.register(true, vec![]).await;
        it.register(true, vec![0]).await;
        it.register(true, vec![]).await;
        it.register(true, vec![1, 2]).await;
        it.register(true, vec![2]).await;
        it.check_all(true).await;
    }
    graph.state(0, false).await;
    for place in 0..5 {
        graph.check_one(place).await;
    }
    // not only what is true is true: what does not descend from it is not withheld either
    graph.check_all(true).await;
    other.check_all(true).await;
    // a registration under a withheld parent begins withheld
    graph.register(true, vec![3, 4]).await;
    graph.check_all(true).await;
    graph.finish(2).await;
    graph.check_all(true).await;
    graph.state(0, true).await;
    graph.check_all(false).await;
    graph.finish(2).await;
    graph.check_all(true).await;
    // two refusals: one restored does not allow
    graph.state(0, false).await;
    graph.state(2, false).await;
    graph.state(0, true).await;
    graph.finish(1).await;
    graph.check_all(true).await;
    graph.state(2, true).await;
    graph.finish(1).await;
    graph.check_all(true).await;
    other.check_all(true).await;
}

/// More children than a step changes, and one asset that has two ways to them.
pub async fn a_withdrawal_reaches_many_children_in_small_steps(harness: &impl CatalogHarness) {
    const CHILDREN: usize = 60;
    let open = harness.open().await;
    let graph = graph(&open);
    graph.register(true, vec![]).await;
    graph.register(true, vec![0]).await;
    for _ in 0..CHILDREN {
        graph.register(true, vec![0, 1]).await;
    }
    for own in [false, true, false] {
        graph.state(0, own).await;
        let mut steps = 0;
        while graph.step(7).await {
            graph.check_all(false).await;
            steps += 1;
        }
        // an implementation that derives consent at each read has no steps
        assert!(steps == 0 || steps >= CHILDREN / 7, "{steps} steps");
        graph.check_all(true).await;
    }
    // superseded on the way, twice
    graph.state(0, true).await;
    graph.step(7).await;
    graph.state(0, false).await;
    graph.check_all(false).await;
    graph.step(7).await;
    graph.state(0, true).await;
    graph.finish(7).await;
    graph.check_all(true).await;
}

/// In each read, before any of the steps, of which the service takes so many before it responds.
pub async fn a_withdrawal_from_a_thousand_descendants_is_in_force_at_once(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let graph = graph(&open);
    graph.register_tree(1000).await;
    graph.check_all(true).await;
    for own in [false, true] {
        graph.state(0, own).await;
        graph.check_all(false).await;
        for place in [0, 1, 10, 111, 999] {
            graph.check_one(place).await;
        }
        let mut steps = 0;
        while graph.step(NewFact::MAX_FOLLOWERS).await {
            steps += 1;
        }
        assert!(steps < 256, "{steps} steps");
        graph.check_all(true).await;
    }
}

/// As after a crash: the scope is still found, and what is left is done.
pub async fn a_change_of_consent_goes_on_after_reopening(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let graph = graph(&open);
    let scope = sample::scope("t_a", "dev");
    for place in 0..20_usize {
        graph
            .register(true, place.checked_sub(1).into_iter().collect())
            .await;
    }
    graph.state(0, false).await;
    graph.step(3).await;
    let unfinished = open.catalog.unfinished_consent(10).await.unwrap();
    let truth = graph.truth();
    drop(graph);
    let open = harness.reopen(open).await;
    let graph = ConsentGraph::of(Arc::clone(&open.catalog), scope.clone(), truth);
    graph.check_all(false).await;
    if unfinished.is_empty() {
        // an implementation that derives consent at each read has no steps
        graph.check_all(true).await;
    } else {
        let scopes: BTreeSet<_> = unfinished.into_iter().collect();
        assert_eq!(scopes, BTreeSet::from([scope]));
        assert_eq!(open.catalog.unfinished_consent(0).await.unwrap(), []);
    }
    graph.finish(3).await;
    graph.check_all(true).await;
    assert_eq!(open.catalog.unfinished_consent(10).await.unwrap(), []);
}

/// See [`graph::check_random`]. `make soak` checks 1,000 of them on each database: `NEXUS_RAW_GRAPHS`
/// is how many, and `NEXUS_RAW_SEED` the first.
pub async fn consent_is_that_of_all_ancestors_in_random_graphs(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let first = env_number("NEXUS_RAW_SEED").unwrap_or_default();
    let count = env_number("NEXUS_RAW_GRAPHS").unwrap_or_else(|| harness.random_graphs());
    for seed in first..first + count {
        graph::check_random(&open.catalog, seed, 200).await;
    }
}

/// See [`graph::check_concurrent`].
pub async fn consent_is_never_true_too_long_while_others_read_and_register(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let others = vec![Arc::clone(&open.catalog); 3];
    graph::check_concurrent(&open.catalog, &others, 1, 60).await;
}
