use std::{
    fs,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::SeqCst},
    },
};

use nexus_raw_testkit::{FaultRule, FaultyProxy, planted::PlantedDifference};

use crate::{
    garden::{Garden, Ran, ran},
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
    reports_what_is_planted(&garden, is_versioned, &garden.run(&["--json"]));
}

fn reports_what_is_planted<H: House>(garden: &Garden<H>, is_versioned: bool, ran: &Ran) {
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

/// How many objects `make soak` plants, or else 1,000.
#[expect(
    clippy::disallowed_methods,
    reason = "a bound of `make soak` is no part of the configuration"
)]
fn objects() -> u32 {
    let objects = std::env::var("NEXUS_RAW_RECONCILE_OBJECTS");
    objects.map_or(1000, |it| it.parse().unwrap())
}

/// Returns the largest memory that a running process had so far, in KiB.
fn peak_kib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    peak.split_whitespace().next()?.parse().ok()
}

/// However many objects there are. The memory is read at each request of the program, which waits for
/// the response.
#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_found_on_seaweedfs_with_versions_in_200_mib() {
    const MAX_KIB: u64 = 200 * 1024;
    let garden: Garden<OnSeaweedFs> = Garden::plant(objects(), true).await;
    let proxy = FaultyProxy::before(&garden.house.seaweedfs().unwrap().endpoint());
    let process = Arc::new(AtomicU32::new(0));
    let peak = Arc::new(AtomicU64::new(0));
    let (of, highest) = (process.clone(), peak.clone());
    let measure = FaultRule::every().calling(move |_| {
        if let Some(kib) = peak_kib(of.load(SeqCst)) {
            highest.fetch_max(kib, SeqCst);
        }
    });
    proxy.follow([measure]);
    let mut command = garden.command(&["--json"]);
    command
        .env("NEXUS_RAW_STORAGE__ENDPOINT", proxy.endpoint())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let running = command.spawn().unwrap();
    process.store(running.id(), SeqCst);
    let output = running.wait_with_output().unwrap();
    reports_what_is_planted(&garden, true, &ran(output));
    let peak = peak.load(SeqCst);
    assert!((1..MAX_KIB).contains(&peak), "{peak} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_found_on_seaweedfs_without_versions() {
    finds_what_is_planted::<OnSeaweedFs>(200, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_found_on_postgres() {
    finds_what_is_planted::<OnPostgres>(200, true).await;
}
