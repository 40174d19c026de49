use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::Command,
};

use nexus_raw::asset::Sha256Digest;
use nexus_raw_testkit::{Random, env_number};
use serde_json::Value;

use crate::{
    archive::{Archive, PREFIX, digest_at},
    caller::Caller,
    house::{Embedded, House, OnPostgres},
};

const KILLS: u64 = 5;

/// Of more than one part.
const LARGE: usize = 9 * 1024 * 1024;

/// Pages of all events of the scope.
async fn events(caller: &Caller) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    loop {
        let after = events
            .last()
            .map_or(0, |it| it["sequence"].as_u64().unwrap());
        let path = format!("/nexus/raw/events?limit=1000&after={after}");
        let mut page = caller.get(&path).await.json();
        let page = page["events"].as_array_mut().unwrap();
        if page.is_empty() {
            return events;
        }
        events.append(page);
    }
}

/// Kills a run after so many lines of its report.
fn kill_after(command: &mut Command, lines: u64) {
    let mut running = command.spawn().unwrap();
    let mut report = BufReader::new(running.stdout.take().unwrap()).lines();
    for _ in 0..lines {
        let Some(line) = report.next() else {
            let mut log = String::new();
            let stderr = running.stderr.as_mut();
            stderr.unwrap().read_to_string(&mut log).unwrap();
            panic!("it ended: {log}");
        };
        let line = line.unwrap();
        assert!(line.contains("\"kind\":"), "it ended: {line}");
    }
    running.kill().unwrap();
    running.wait().unwrap();
}

/// However often a run is killed, each object is an asset once, and its digest that of the source.
async fn each_object_is_imported_once<H: House>() {
    let objects = env_number("NEXUS_RAW_IMPORT_OBJECTS").unwrap_or(300);
    let mut random = Random::printed();
    let archive: Archive<H> = Archive::open();
    let contents: BTreeMap<String, Vec<u8>> = (0..objects)
        .map(|n| {
            let content = match n {
                0 => vec![7; LARGE],
                1 => Vec::new(),
                _ => format!("not quite a photograph {n:06}").into_bytes(),
            };
            (format!("{PREFIX}{:02}/photo {n:06}.jpg", n % 7), content)
        })
        .collect();
    archive.fill(contents.iter().map(|(key, content)| (&**key, &**content)));
    // what is known is reported again by each run
    let mut reported = 0;
    for kill in 0..KILLS {
        let mut command = archive.command(&[]);
        // SQLite has points at which the process ends by itself
        let point = archive.house.machine().data_dir().join("point");
        if kill % 2 == 1 && archive.house.seaweedfs().is_none() && cfg!(feature = "fail-points") {
            let armed = ["after-head", "in-register"][usize::from(kill == 3)];
            fs::write(&point, armed).unwrap();
            let ended = command.env("NEXUS_RAW_FAIL_POINT_FILE", &point).output();
            let ended = ended.unwrap();
            let stderr = String::from_utf8_lossy(&ended.stderr);
            assert_eq!(ended.status.code(), None, "{armed}: {stderr}");
            continue;
        }
        let share = objects / KILLS;
        let lines = reported + 1 + random.below(share - 1);
        kill_after(&mut command, lines);
        reported = lines;
    }
    let ran = archive.run(&[]);
    let left = ran.stdout.lines().filter(|it| it.contains("\"reason\""));
    let left: Vec<&str> = left.collect();
    assert_eq!(ran.code, Some(0), "{left:#?} {}", ran.stderr);
    let summary = ran.summary();
    let count = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!(count("imported") + count("known"), objects, "{summary}");
    assert!(count("imported") > 0 && count("known") > 0, "{summary}");
    archive.assert_sound();

    let server = archive.house.start();
    let owner = archive.house.owner_of("t_demo", &server);
    let events = events(&owner).await;
    assert_eq!(events.len() as u64, objects);
    let endpoint = match archive.house.seaweedfs() {
        Some(_) => archive.house.store_alone().0,
        None => archive.house.store(&server),
    };
    let mut sources = BTreeMap::new();
    for (event, sequence) in events.iter().zip(1..) {
        assert_eq!(event["event_type"], "raw_asset_registered");
        assert_eq!(event["sequence"], sequence);
        assert_eq!(event["user_id"], "u_operator");
        assert_eq!(event["integrity"]["level"], "stream_sha256");
        let uri = event["uri"].as_str().unwrap();
        let digest = event["sha256"].as_str().unwrap().to_owned();
        assert_eq!(digest_at(&endpoint, uri), digest, "{uri}");
        let source = event["lineage"]["source_uri"].as_str().unwrap();
        sources.insert(source.to_owned(), digest);
    }
    let expected: BTreeMap<String, String> = contents
        .iter()
        .map(|(key, content)| {
            let source = format!("s3://{}/{}", archive.bucket, key.replace(' ', "%20"));
            (source, Sha256Digest::of(content).to_string())
        })
        .collect();
    assert!(
        sources == expected,
        "{} of {}",
        sources.len(),
        expected.len()
    );
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_object_is_imported_once_in_embedded_mode_however_often_it_is_killed() {
    each_object_is_imported_once::<Embedded>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_object_is_imported_once_on_postgres_however_often_it_is_killed() {
    each_object_is_imported_once::<OnPostgres>().await;
}
