//! A client that withdraws and restores consent in a lineage of its own, and checks after each
//! statement that no replica reports a permission that is withdrawn.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nexus_raw_testkit::Random;
use serde_json::json;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use crate::{
    client::{Client, Work},
    fleet::Fleet,
    reader::ScopeReader,
};

/// Deep, so that a change takes several steps.
const ASSETS: usize = 150;

/// How long a change may take to reach all descendants once nothing is wrong any more.
const SETTLED: Duration = Duration::from_secs(30);

/// How often consent was stated and read.
#[derive(Debug, Default)]
pub(crate) struct Statements {
    pub(crate) work: Work,
    pub(crate) stated: usize,
    pub(crate) read: usize,
}

struct Lineage {
    client: Client,
    reader: ScopeReader,
    ids: Vec<String>,
    parents: Vec<Vec<usize>>,
    own: Vec<bool>,
    done: Statements,
}

/// Works in the scope of the client until it is told to stop, and then checks that all is as stated.
pub(crate) fn of_one_lineage(
    client: Client,
    fleet: &Arc<Fleet>,
    mut random: Random,
    stop: &Arc<AtomicBool>,
) -> JoinHandle<Statements> {
    let reader = ScopeReader::of(client.scope(), Arc::clone(fleet));
    let stop = Arc::clone(stop);
    tokio::spawn(async move {
        let mut lineage = Lineage {
            client,
            reader,
            ids: Vec::new(),
            parents: Vec::new(),
            own: Vec::new(),
            done: Statements::default(),
        };
        while lineage.ids.len() < ASSETS && !stop.load(Ordering::Relaxed) {
            lineage.register(&mut random).await;
        }
        while !stop.load(Ordering::Relaxed) {
            let place = random.below(lineage.ids.len());
            // the root changes often, since all follow it
            let place = if random.below(3) == 0 { 0 } else { place };
            lineage.state(place, random.below(3) > 0).await;
            for _ in 0..3 {
                lineage.check_one(random.below(lineage.ids.len())).await;
            }
            lineage.check_list().await;
        }
        lineage.settle().await;
        lineage.done.work = lineage.client.into_work();
        lineage.done
    })
}

impl Lineage {
    async fn register(&mut self, random: &mut Random) {
        let place = self.ids.len();
        let mut parents = Vec::new();
        if place > 0 {
            parents.push(place - 1);
            let other = random.below(place);
            if other != place - 1 {
                parents.push(other);
            }
        }
        let derived_from: Vec<_> = parents.iter().map(|it| &self.ids[*it]).collect();
        let statement = json!({"train_ok": true, "lineage": {"derived_from": derived_from}});
        let id = self.client.registered(place, statement).await;
        self.ids.push(id);
        self.parents.push(parents);
        self.own.push(true);
    }

    async fn state(&mut self, place: usize, own: bool) {
        let path = format!("/nexus/raw/{}/facts", self.ids[place]);
        let fact = json!({"kind": "train_ok", "value": own});
        let answer = self.client.post(&path, &fact, None).await;
        assert!([200, 201].contains(&answer.status), "{}", answer.json());
        self.own[place] = own;
        self.done.stated += 1;
    }

    fn effective(&self) -> Vec<bool> {
        let mut effective: Vec<bool> = Vec::new();
        for (own, parents) in self.own.iter().zip(&self.parents) {
            effective.push(*own && parents.iter().all(|it| effective[*it]));
        }
        effective
    }

    async fn check_one(&mut self, place: usize) {
        let path = format!("/nexus/raw/{}/facts?limit=1", self.ids[place]);
        let facts = self.reader.get(&path).await;
        let reported = facts["in_force"]["train_ok_effective"].as_bool().unwrap();
        let expected = self.effective()[place];
        assert!(expected || !reported, "{} is withdrawn", self.ids[place]);
        self.done.read += 1;
    }

    /// The places that a list of what may be trained on has; all of them must be allowed.
    async fn check_list(&mut self) -> Vec<usize> {
        let path = "/nexus/raw?train_ok_effective=true&limit=1000";
        let page = self.reader.get(path).await;
        let effective = self.effective();
        let mut allowed = Vec::new();
        for asset in page["assets"].as_array().unwrap() {
            // other clients state nothing of training
            let id = asset["asset_id"].as_str().unwrap();
            let place = self.ids.iter().position(|it| it == id).unwrap();
            assert!(effective[place], "{id} is withdrawn");
            allowed.push(place);
        }
        allowed.sort_unstable();
        self.done.read += 1;
        allowed
    }

    async fn settle(&mut self) {
        let effective = self.effective();
        let expected = (0..effective.len()).filter(|it| effective[*it]);
        let expected: Vec<_> = expected.collect();
        let began = Instant::now();
        while self.check_list().await != expected {
            assert!(began.elapsed() < SETTLED, "restorations do not arrive");
            sleep(Duration::from_millis(50)).await;
        }
    }
}
