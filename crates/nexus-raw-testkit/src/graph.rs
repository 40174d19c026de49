//! Random lineages with changing consent, checked against a naive computation.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use nexus_raw::{
    asset::{AssetId, DerivedFrom, Disposition, Fact, FactValue, Lineage, Provenance},
    ports::{AssetCatalog, AssetFilter, AssetQuery, DownloadKey, LineageDirection, LineageQuery},
    tenancy::Scope,
};

use tokio::task::JoinSet;

use crate::{Random, sample, steps};

/// What is true of a lineage: the parents of each asset and its own permission.
#[derive(Clone, Default)]
pub struct Truth {
    parents: Vec<Vec<usize>>,
    own: Vec<bool>,
    /// Counts changes.
    version: u64,
}

impl fmt::Debug for Truth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.own.len() > 200 {
            return write!(out, "{} assets", self.own.len());
        }
        let assets = self.own.iter().zip(&self.parents);
        out.debug_list().entries(assets).finish()
    }
}

impl Truth {
    /// Whether each asset and all its ancestors allow training.
    #[must_use]
    pub fn effective(&self) -> Vec<bool> {
        let mut effective: Vec<bool> = Vec::new();
        for (own, parents) in self.own.iter().zip(&self.parents) {
            effective.push(*own && parents.iter().all(|it| effective[*it]));
        }
        effective
    }
}

/// A lineage in a catalogue, with what is true of it.
#[derive(Debug, Clone)]
pub struct ConsentGraph {
    catalog: Arc<dyn AssetCatalog>,
    scope: Scope,
    truth: Arc<Mutex<Truth>>,
    remembered: Remembered,
}

/// What a reader remembers of the consent of each asset, and of which version it is.
type Remembered = Arc<Mutex<BTreeMap<AssetId, (u64, bool)>>>;

impl ConsentGraph {
    /// Begins an empty lineage in a scope of its own.
    #[must_use]
    pub fn new(catalog: Arc<dyn AssetCatalog>, scope: Scope) -> Self {
        Self {
            catalog,
            scope,
            truth: Arc::default(),
            remembered: Arc::default(),
        }
    }

    /// A lineage that is in a catalogue already.
    #[must_use]
    pub fn of(catalog: Arc<dyn AssetCatalog>, scope: Scope, truth: Truth) -> Self {
        Self {
            catalog,
            scope,
            truth: Arc::new(Mutex::new(truth)),
            remembered: Arc::default(),
        }
    }

    /// The same lineage through another connection.
    #[must_use]
    pub fn through(&self, catalog: &Arc<dyn AssetCatalog>) -> Self {
        Self {
            catalog: Arc::clone(catalog),
            remembered: Arc::default(),
            ..self.clone()
        }
    }

    /// What is true at the moment.
    #[must_use]
    pub fn truth(&self) -> Truth {
        let truth = self.truth.lock();
        truth.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Truth)) {
        let truth = self.truth.lock();
        let mut truth = truth.unwrap_or_else(PoisonError::into_inner);
        change(&mut truth);
        truth.version += 1;
    }

    /// The id of the asset at a place.
    #[must_use]
    pub fn id(&self, place: usize) -> AssetId {
        sample::asset_id(u64::try_from(place).unwrap() + 1)
    }

    /// Registers the next asset.
    pub async fn register(&self, own: bool, parents: Vec<usize>) {
        let place = self.truth().own.len();
        self.register_at(place, own, &parents).await;
        self.change(|truth| {
            truth.parents.push(parents);
            truth.own.push(own);
        });
    }

    /// Registers a tree in which each asset has ten children, all of which allow training, level by
    /// level at once.
    pub async fn register_tree(&self, size: usize) {
        let parents = |place: usize| place.checked_sub(1).map(|it| it / 10);
        let mut registered = 0;
        while registered < size {
            let next = registered;
            let ready = (next..size).take_while(|it| parents(*it).is_none_or(|it| it < next));
            let mut calls = JoinSet::new();
            for place in ready.take(256) {
                let graph = self.clone();
                let of: Vec<_> = parents(place).into_iter().collect();
                calls.spawn(async move { graph.register_at(place, true, &of).await });
                registered += 1;
            }
            calls.join_all().await;
        }
        self.change(|truth| {
            truth.parents = (0..size)
                .map(|it| parents(it).into_iter().collect())
                .collect();
            truth.own = vec![true; size];
        });
    }

    async fn register_at(&self, place: usize, own: bool, parents: &[usize]) {
        let ids = parents.iter().map(|it| self.id(*it)).collect();
        let provenance = Provenance {
            lineage: Lineage {
                derived_from: DerivedFrom::parse(ids).unwrap(),
                ..Lineage::default()
            },
            train_ok: own,
            ..Provenance::default()
        };
        let intent = sample::intent(&self.scope, self.id(place));
        steps::presign_and_register(&*self.catalog, &intent, provenance).await;
    }

    /// States whether an asset allows training. A permission is true before it is stated, since
    /// readers may see it before this returns; a refusal is true once this returns.
    pub async fn state(&self, place: usize, own: bool) {
        if own {
            self.change(|truth| truth.own[place] = true);
        }
        let fact = Fact::new(FactValue::TrainOk(own));
        steps::state_fact(&*self.catalog, &self.scope, self.id(place), fact).await;
        if !own {
            self.change(|truth| truth.own[place] = false);
        }
    }

    /// Takes one small step.
    pub async fn step(&self, max_changes: u32) -> bool {
        let step = self.catalog.advance_consent(&self.scope, max_changes);
        step.await.unwrap()
    }

    /// Takes steps until there is nothing to do, which must end.
    pub async fn finish(&self, max_changes: u32) {
        for _ in 0..100_000 {
            if !self.step(max_changes).await {
                return;
            }
        }
        panic!("a change of consent does not end");
    }

    /// Reads the consent of an asset, unless it is remembered and its version is the one of now.
    async fn consent(&self, id: AssetId) -> bool {
        let version = self.catalog.consent_version(&self.scope);
        let remembered = || {
            let remembered = self.remembered.lock();
            remembered.unwrap_or_else(PoisonError::into_inner)
        };
        let known = remembered().get(&id).copied();
        if let Some((of_version, effective)) = known
            && Some(of_version) == version
        {
            return effective;
        }
        let read = self.catalog.train_ok_effective(&self.scope, id).await;
        let effective = read.unwrap().unwrap();
        if let Some(version) = version {
            remembered().insert(id, (version, effective));
        }
        effective
    }

    /// Reads the consent of an asset that is to be downloaded.
    async fn download_consent(&self, id: AssetId) -> bool {
        let key = DownloadKey {
            scope: self.scope.clone(),
            asset_id: id,
            user: sample::user(),
            disposition: Disposition::Attachment,
        };
        let found = self.catalog.find_download(&key).await.unwrap();
        found.unwrap().listed.in_force.train_ok_effective
    }

    /// Checks one asset by each read: what is reported as true is true. Does not check anything if
    /// something changed meanwhile.
    pub async fn check_one(&self, place: usize) {
        let before = self.truth();
        if place >= before.own.len() {
            return;
        }
        let id = self.id(place);
        let found = self.catalog.find_asset(&self.scope, id).await.unwrap();
        let facts = self.catalog.find_facts(&self.scope, id).await.unwrap();
        let query = LineageQuery::new(LineageDirection::Ancestors).with_depth(2);
        let lineage = self.catalog.lineage(&self.scope, id, &query).await.unwrap();
        let consent = self.consent(id).await;
        let download = self.download_consent(id).await;
        if self.truth().version != before.version {
            return;
        }
        let expected = before.effective()[place];
        let facts = facts.unwrap();
        for reported in [
            found.unwrap().in_force.train_ok_effective,
            facts.listed.in_force.train_ok_effective,
            lineage.unwrap().nodes[0].train_ok_effective,
            consent,
            download,
        ] {
            assert!(
                expected || !reported,
                "{place} is reported as true: {before:?}"
            );
        }
        assert!(
            expected || !facts.withheld_by.is_empty(),
            "{place}: {before:?}"
        );
    }

    /// Checks all assets by lists, with and without filters, and some one by one. While a change is under way only that
    /// what is reported as true is true.
    pub async fn check_all(&self, is_finished: bool) {
        let before = self.truth();
        let mut pages = Vec::new();
        for allowed in [None, Some(true), Some(false)] {
            let mut filter = AssetFilter::default();
            filter.train_ok_effective = allowed;
            let query = AssetQuery::newest(filter, 1000);
            let page = self.catalog.assets(&self.scope, &query).await.unwrap();
            assert_eq!(page.next, None, "more than a thousand");
            pages.push((allowed, page.assets));
        }
        let mut some = Vec::new();
        for place in (0..before.own.len()).step_by(1 + before.own.len() / 8) {
            some.push((place, self.consent(self.id(place)).await));
            some.push((place, self.download_consent(self.id(place)).await));
        }
        if self.truth().version != before.version {
            return;
        }
        let effective = before.effective();
        for (place, reported) in some {
            let expected = effective[place];
            assert!(
                reported == expected || (!reported && !is_finished),
                "{place} is reported as {reported}: {before:?}"
            );
        }
        let place = |id| (0..effective.len()).find(|it| self.id(*it) == id);
        for (allowed, assets) in pages {
            let mut places = Vec::new();
            for it in &assets {
                // one that is being registered at the moment is not part of the truth yet
                let Some(place) = place(it.asset.asset_id()) else {
                    continue;
                };
                let reported = it.in_force.train_ok_effective;
                assert!(
                    effective[place] || !reported,
                    "{place} of {allowed:?}: {before:?}"
                );
                assert!(
                    allowed.is_none_or(|it| it == reported),
                    "{place}: {before:?}"
                );
                assert!(
                    !is_finished || reported == effective[place],
                    "{place}: {before:?}"
                );
                places.push(place);
            }
            if is_finished {
                places.sort_unstable();
                let expected = 0..effective.len();
                let expected = expected.filter(|it| allowed.is_none_or(|of| of == effective[*it]));
                assert!(places.into_iter().eq(expected), "{allowed:?}: {before:?}");
            }
        }
    }
}

/// Builds a random lineage of up to `most` assets, with statements, small steps and reads in random
/// order, and checks each read, and all at the end.
pub async fn check_random(catalog: &Arc<dyn AssetCatalog>, seed: u64, most: usize) {
    let scope = sample::scope(&format!("t_graph_{seed}"), "dev");
    let graph = ConsentGraph::new(Arc::clone(catalog), scope);
    let mut random = Random::seeded(seed);
    let size = 1 + random.below(most);
    let mut registered = 0;
    while registered < size {
        if registered == 0 || random.below(3) > 0 {
            register_random(&graph, &mut random, registered).await;
            registered += 1;
            continue;
        }
        change_random(&graph, &mut random, registered).await;
    }
    for _ in 0..10 {
        change_random(&graph, &mut random, registered).await;
    }
    graph.check_all(false).await;
    graph.finish(1 + random.below(20)).await;
    graph.check_all(true).await;
}

async fn register_random(graph: &ConsentGraph, random: &mut Random, registered: usize) {
    let mut parents = Vec::new();
    if registered > 0 {
        for _ in 0..random.below(4) {
            // mostly recent ones, so that lineages are deep
            let furthest = if random.below(4) == 0 { registered } else { 5 };
            let back = 1 + random.below(furthest);
            parents.push(registered.saturating_sub(back));
        }
    }
    parents.sort_unstable();
    parents.dedup();
    graph.register(random.below(10) > 0, parents).await;
}

async fn change_random(graph: &ConsentGraph, random: &mut Random, registered: usize) {
    match random.below(5) {
        0 => graph.state(random.below(registered), false).await,
        1 | 2 => graph.state(random.below(registered), true).await,
        3 => drop(graph.step(1 + random.below(3)).await),
        _ => graph.check_one(random.below(registered)).await,
    }
}

/// The same with steps and reads by other tasks, through `others`, which may be other replicas.
pub async fn check_concurrent(
    catalog: &Arc<dyn AssetCatalog>,
    others: &[Arc<dyn AssetCatalog>],
    seed: u64,
    size: usize,
) {
    let scope = sample::scope(&format!("t_busy_{seed}"), "dev");
    let graph = ConsentGraph::new(Arc::clone(catalog), scope);
    let is_over = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for (n, other) in (0_u64..).zip(others) {
        let graph = graph.through(other);
        let is_over = Arc::clone(&is_over);
        tasks.spawn(async move {
            let mut random = Random::seeded(seed + n + 1);
            while !is_over.load(Ordering::Relaxed) {
                match random.below(4) {
                    0 => drop(graph.step(1 + random.below(5)).await),
                    1 => graph.check_all(false).await,
                    _ => graph.check_one(random.below(size)).await,
                }
            }
        });
    }
    let mut random = Random::seeded(seed);
    for registered in 0..size {
        register_random(&graph, &mut random, registered).await;
        graph
            .state(random.below(registered + 1), random.below(3) > 0)
            .await;
    }
    is_over.store(true, Ordering::Relaxed);
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    graph.finish(7).await;
    graph.check_all(true).await;
}
