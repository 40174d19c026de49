use nexus_raw_testkit::planted::PlantedDifference;

use crate::{
    garden::Garden,
    house::{Embedded, House, OnPostgres, OnSeaweedFs},
};

/// Returns what was found and not planted, and the other way round.
fn compared<'a>(
    found: &'a [PlantedDifference],
    planted: &'a [PlantedDifference],
) -> [Vec<&'a PlantedDifference>; 2] {
    let without = |one: &'a [PlantedDifference], other: &[PlantedDifference]| {
        let missing = one.iter().filter(|it| !other.contains(it));
        missing.collect()
    };
    [without(found, planted), without(planted, found)]
}

/// Finds each planted difference and no other one, and leaves no work file.
async fn finds_what_is_planted<H: House>(objects: u32, is_versioned: bool) {
    let garden: Garden<H> = Garden::plant(objects, is_versioned).await;
    let ran = garden.run(&["--json"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    let nothing: [Vec<&PlantedDifference>; 2] = Default::default();
    assert_eq!(compared(&ran.found(), &garden.planted), nothing);
    let kinds = |of: &[PlantedDifference]| {
        let kinds = of.iter().map(|(kind, _)| kind.clone());
        kinds.collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!(kinds(&garden.planted), if is_versioned { 14 } else { 11 });
    assert_eq!(ran.summary()["unlisted"], 0);
    assert_eq!(ran.summary()["other_bucket"], 0);
    assert_eq!(ran.summary()["without_digest"], 0);
    let directory = garden.house.machine().data_dir();
    for directory in [&*directory, directory.parent().unwrap()] {
        let left = directory.join("reconcile.work");
        assert!(!left.exists(), "{}", left.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_found_in_embedded_mode() {
    finds_what_is_planted::<Embedded>(1000, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_found_on_seaweedfs_with_versions() {
    finds_what_is_planted::<OnSeaweedFs>(1000, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_found_on_seaweedfs_without_versions() {
    finds_what_is_planted::<OnSeaweedFs>(200, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_found_on_postgres() {
    finds_what_is_planted::<OnPostgres>(200, true).await;
}
