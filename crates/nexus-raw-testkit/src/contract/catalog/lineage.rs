use std::{collections::BTreeMap, sync::Arc};

use nexus_raw::{
    asset::AssetId,
    ports::{LineageDirection, LineageGraph, LineageNode, LineageQuery},
    tenancy::Scope,
};

use super::{CatalogHarness, OpenCatalog, isolation::strangers};
use crate::{graph::ConsentGraph, sample};

async fn lineage(
    open: &OpenCatalog,
    scope: &Scope,
    of: AssetId,
    query: LineageQuery,
) -> Option<LineageGraph> {
    open.catalog.lineage(scope, of, &query).await.unwrap()
}

/// The parents of each asset, by place.
const PARENTS: [&[usize]; 9] = [
    &[],
    &[],
    &[1, 0],
    &[0],
    &[2, 3],
    &[4, 0],
    &[4],
    &[1],
    &[6, 5, 7],
];

async fn registered(open: &OpenCatalog, scope: &Scope) -> ConsentGraph {
    let graph = ConsentGraph::new(Arc::clone(&open.catalog), scope.clone());
    for (place, parents) in PARENTS.iter().enumerate() {
        graph.register(place != 3, parents.to_vec()).await;
    }
    graph
}

/// Writes the places with their depths, the edges, and `…` if there is more.
fn shape(graph: &LineageGraph) -> String {
    let places: BTreeMap<_, _> = (0..PARENTS.len())
        .map(|place| (sample::asset_id(u64::try_from(place).unwrap() + 1), place))
        .collect();
    let nodes = graph.nodes.iter();
    let nodes = nodes.map(|it| format!("{}:{}", places[&it.asset_id], it.depth));
    let edges = graph.edges.iter();
    let edges = edges.map(|it| format!("{}>{}", places[&it.from], places[&it.to]));
    let more = graph.truncated.then(|| "…".to_owned());
    nodes.chain(edges).chain(more).collect::<Vec<_>>().join(" ")
}

/// Nearest first, each once at its least depth, with the edges between what is shown.
pub async fn a_lineage_is_that_of_the_edges_within_depth_and_limit(harness: &impl CatalogHarness) {
    use LineageDirection::{Ancestors, Both, Descendants};
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let graph = registered(&open, &scope).await;
    let [up, down, both] = [Ancestors, Descendants, Both].map(LineageQuery::new);
    for (place, query, expected) in [
        (0, up, "0:0"),
        (4, up, "4:0 2:1 3:1 1:2 0:2 2>4 3>4 1>2 0>2 0>3"),
        (
            5,
            up.with_depth(2),
            "5:0 4:1 0:1 2:2 3:2 4>5 0>5 2>4 3>4 0>2 0>3 …",
        ),
        (
            5,
            up.with_depth(3),
            "5:0 4:1 0:1 2:2 3:2 1:3 4>5 0>5 2>4 3>4 1>2 0>2 0>3",
        ),
        (8, up.with_limit(4), "8:0 6:1 5:1 7:1 6>8 5>8 7>8 …"),
        (8, up.with_limit(1), "8:0 …"),
        (
            0,
            down,
            "0:0 2:1 3:1 5:1 4:2 8:2 6:3 0>2 0>3 4>5 0>5 2>4 3>4 6>8 5>8 4>6",
        ),
        (0, down.with_limit(3), "0:0 2:1 3:1 0>2 0>3 …"),
        (0, down.with_depth(1), "0:0 2:1 3:1 5:1 0>2 0>3 0>5 …"),
        (
            4,
            both,
            "4:0 2:1 3:1 5:1 6:1 1:2 0:2 8:2 2>4 3>4 1>2 0>2 0>3 4>5 0>5 4>6 6>8 5>8",
        ),
        (4, both.with_limit(4), "4:0 2:1 3:1 5:1 2>4 3>4 4>5 …"),
    ] {
        let found = lineage(&open, &scope, graph.id(place), query).await;
        let found = found.unwrap();
        assert_eq!(shape(&found), expected, "{place} {query:?}");
        for node in &found.nodes {
            check_node(&open, &scope, node).await;
        }
    }
}

/// A node is as its record and what is in force of it.
async fn check_node(open: &OpenCatalog, scope: &Scope, node: &LineageNode) {
    let listed = open.catalog.find_asset(scope, node.asset_id).await;
    let listed = listed.unwrap().unwrap();
    let facts = listed.asset.facts();
    let named = (&node.filename, &node.content_type);
    assert_eq!(named, (&facts.filename, &facts.content_type));
    let in_force = &listed.in_force;
    assert_eq!(node.train_ok, in_force.train_ok);
    assert_eq!(node.train_ok_effective, in_force.train_ok_effective);
}

/// Also where another scope has assets of the same ids.
pub async fn a_lineage_is_of_one_scope_only(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let graph = registered(&open, &scope).await;
    let query = LineageQuery::new(LineageDirection::Both);
    for stranger in strangers() {
        assert_eq!(lineage(&open, &stranger, graph.id(4), query).await, None);
    }
    let others = strangers();
    for place in [0, 4] {
        let other = ConsentGraph::new(Arc::clone(&open.catalog), others[place].clone());
        for _ in PARENTS {
            other.register(true, vec![]).await;
        }
        let alone = lineage(&open, &others[place], other.id(4), query)
            .await
            .unwrap();
        assert_eq!(shape(&alone), "4:0");
    }
    let found = lineage(&open, &scope, graph.id(4), query).await.unwrap();
    assert_eq!(found.nodes.len(), 8);
    let pending = sample::intent(&scope, sample::asset_id(77));
    super::presign(&open, &pending).await;
    for id in [pending.asset_id, sample::asset_id(78)] {
        assert_eq!(lineage(&open, &scope, id, query).await, None);
    }
}

/// The asset itself first, then by distance.
pub async fn refusals_are_reported_nearest_first(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let graph = registered(&open, &scope).await;
    let withheld_by = async |place: usize| {
        let facts = open.catalog.find_facts(&scope, graph.id(place)).await;
        let ids = facts.unwrap().unwrap().withheld_by;
        let place = |id| (0..PARENTS.len()).find(|it| graph.id(*it) == id).unwrap();
        ids.into_iter().map(place).collect::<Vec<_>>()
    };
    assert_eq!(withheld_by(0).await, [0; 0]);
    assert_eq!(withheld_by(3).await, [3]);
    assert_eq!(withheld_by(8).await, [3]);
    graph.state(8, false).await;
    graph.state(1, false).await;
    graph.state(7, false).await;
    assert_eq!(withheld_by(8).await, [8, 7, 1, 3]);
    graph.state(3, true).await;
    assert_eq!(withheld_by(8).await, [8, 7, 1]);
    assert_eq!(withheld_by(2).await, [1]);
    graph.finish(1).await;
    assert_eq!(withheld_by(8).await, [8, 7, 1]);
    // no more than a hundred
    let first = PARENTS.len();
    for place in first..first + 110 {
        let parents = if place == first {
            vec![]
        } else {
            vec![place - 1]
        };
        graph.register(false, parents).await;
    }
    let facts = open.catalog.find_facts(&scope, graph.id(first + 109)).await;
    let ids = facts.unwrap().unwrap().withheld_by;
    let expected: Vec<_> = (0..100).map(|n| graph.id(first + 109 - n)).collect();
    assert_eq!(ids, expected);
}
