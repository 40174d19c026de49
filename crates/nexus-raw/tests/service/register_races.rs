use nexus_raw::{
    asset::{Labels, Provenance},
    service::RegisterError,
};
use nexus_raw_testkit::contract;
use tokio::task::JoinSet;

use crate::house::{House, plain, stating};

#[test]
fn of_a_hundred_identical_registrations_one_writes_and_all_get_its_record() {
    contract::run(async {
        let house = House::new();
        let asset_id = house.uploaded().await.asset_id;
        let mut racers = JoinSet::new();
        for _ in 0..100 {
            let house = house.clone();
            racers.spawn(async move { house.register(plain(asset_id)).await.unwrap() });
        }
        let outcomes = racers.join_all().await;
        assert_eq!(outcomes.iter().filter(|it| it.created).count(), 1);
        let record = serde_json::to_string(&outcomes[0].asset).unwrap();
        for outcome in &outcomes {
            assert_eq!(serde_json::to_string(&outcome.asset).unwrap(), record);
        }
        assert_eq!(house.events().len(), 2);
    });
}

#[test]
fn of_registrations_that_differ_one_writes_and_the_others_get_its_record() {
    contract::run(async {
        let house = House::new();
        let asset_id = house.uploaded().await.asset_id;
        let mut racers = JoinSet::new();
        for n in 0..50 {
            let labels = [("racer".to_owned(), format!("{n}"))];
            let provenance = Provenance {
                labels: Labels::parse(labels.into()).unwrap(),
                ..Provenance::default()
            };
            let house = house.clone();
            racers.spawn(async move { house.register(stating(asset_id, provenance)).await });
        }
        let (mut created, mut standing) = (Vec::new(), Vec::new());
        for outcome in racers.join_all().await {
            match outcome {
                Ok(registered) => {
                    assert!(registered.created);
                    created.push(registered.asset);
                }
                Err(RegisterError::ProvenanceDiffers { asset }) => standing.push(*asset),
                Err(other) => panic!("{other:?}"),
            }
        }
        let [winner] = &created[..] else {
            panic!("{} registrations wrote", created.len());
        };
        assert_eq!(standing, vec![winner.clone(); 49]);
        assert_eq!(house.events().len(), 2);
    });
}
