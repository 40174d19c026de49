use std::{collections::BTreeMap, sync::Arc};

use nexus_raw::{
    asset::AssetId,
    ports::{LineageDirection, LineageGraph, LineageQuery},
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

/// Places with depths, edges and whether there is more.
type Shape = (Vec<(usize, u32)>, Vec<(usize, usize)>, bool);

fn shape(graph: &LineageGraph) -> Shape {
    let places: BTreeMap<_, _> = (0..PARENTS.len())
        .map(|place| (sample::asset_id(u64::try_from(place).unwrap() + 1), place))
        .collect();
    let nodes = graph
        .nodes
        .iter()
        .map(|it| (places[&it.asset_id], it.depth));
    let edges = graph
        .edges
        .iter()
        .map(|it| (places[&it.from], places[&it.to]));
    (nodes.collect(), edges.collect(), graph.truncated)
}

/// Nearest first, each once at its least depth, with the edges between what is shown.
pub async fn a_lineage_is_that_of_the_edges_within_depth_and_limit(harness: &impl CatalogHarness) {
    use LineageDirection::{Ancestors, Both, Descendants};
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let graph = registered(&open, &scope).await;
    let up = |place: usize| -> Vec<(usize, usize)> {
        PARENTS[place]
            .iter()
            .map(|parent| (*parent, place))
            .collect()
    };
    let edges = |places: &[usize]| places.iter().flat_map(|it| up(*it)).collect::<Vec<_>>();
    let cases: [(usize, LineageQuery, Shape); 11] = [
        (
            0,
            LineageQuery::new(Ancestors),
            (vec![(0, 0)], vec![], false),
        ),
        (
            4,
            LineageQuery::new(Ancestors),
            (
                vec![(4, 0), (2, 1), (3, 1), (1, 2), (0, 2)],
                edges(&[4, 2, 3]),
                false,
            ),
        ),
        (
            5,
            LineageQuery::new(Ancestors).with_depth(2),
            (
                vec![(5, 0), (4, 1), (0, 1), (2, 2), (3, 2)],
                vec![(4, 5), (0, 5), (2, 4), (3, 4), (0, 2), (0, 3)],
                true,
            ),
        ),
        (
            5,
            LineageQuery::new(Ancestors).with_depth(3),
            (
                vec![(5, 0), (4, 1), (0, 1), (2, 2), (3, 2), (1, 3)],
                edges(&[5, 4, 2, 3]),
                false,
            ),
        ),
        (
            8,
            LineageQuery::new(Ancestors).with_limit(4),
            (vec![(8, 0), (6, 1), (5, 1), (7, 1)], edges(&[8]), true),
        ),
        (
            8,
            LineageQuery::new(Ancestors).with_limit(1),
            (vec![(8, 0)], vec![], true),
        ),
        (
            0,
            LineageQuery::new(Descendants),
            (
                vec![(0, 0), (2, 1), (3, 1), (5, 1), (4, 2), (8, 2), (6, 3)],
                vec![
                    (0, 2),
                    (0, 3),
                    (4, 5),
                    (0, 5),
                    (2, 4),
                    (3, 4),
                    (6, 8),
                    (5, 8),
                    (4, 6),
                ],
                false,
            ),
        ),
        (
            0,
            LineageQuery::new(Descendants).with_limit(3),
            (vec![(0, 0), (2, 1), (3, 1)], vec![(0, 2), (0, 3)], true),
        ),
        (
            0,
            LineageQuery::new(Descendants).with_depth(1),
            (
                vec![(0, 0), (2, 1), (3, 1), (5, 1)],
                vec![(0, 2), (0, 3), (0, 5)],
                true,
            ),
        ),
        (
            4,
            LineageQuery::new(Both),
            (
                vec![
                    (4, 0),
                    (2, 1),
                    (3, 1),
                    (5, 1),
                    (6, 1),
                    (1, 2),
                    (0, 2),
                    (8, 2),
                ],
                vec![
                    (2, 4),
                    (3, 4),
                    (1, 2),
                    (0, 2),
                    (0, 3),
                    (4, 5),
                    (0, 5),
                    (4, 6),
                    (6, 8),
                    (5, 8),
                ],
                false,
            ),
        ),
        (
            4,
            LineageQuery::new(Both).with_limit(4),
            (
                vec![(4, 0), (2, 1), (3, 1), (5, 1)],
                vec![(2, 4), (3, 4), (4, 5)],
                true,
            ),
        ),
    ];
    for (place, query, expected) in cases {
        let found = lineage(&open, &scope, graph.id(place), query)
            .await
            .unwrap();
        assert_eq!(shape(&found), expected, "{place} {query:?}");
        for node in &found.nodes {
            let listed = open.catalog.find_asset(&scope, node.asset_id).await;
            let listed = listed.unwrap().unwrap();
            let facts = listed.asset.facts();
            assert_eq!(
                (&node.filename, &node.content_type),
                (&facts.filename, &facts.content_type)
            );
            let in_force = &listed.in_force;
            assert_eq!(node.train_ok, in_force.train_ok);
            assert_eq!(node.train_ok_effective, in_force.train_ok_effective);
        }
    }
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
        assert_eq!(shape(&alone), (vec![(4, 0)], vec![], false));
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
