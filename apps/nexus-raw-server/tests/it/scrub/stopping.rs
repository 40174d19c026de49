use std::{
    io::{BufRead as _, BufReader},
    sync::{Mutex, mpsc::channel},
};

use nexus_raw_testkit::{Fault, FaultRule, FaultyProxy};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{Ran, command, fill, ids, numbers, verified};
use crate::house::{Embedded, House, OnSeaweedFs};

/// Killed while an object is read, it goes on with that one; each has one verdict.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_run_goes_on_where_it_was() {
    let house = OnSeaweedFs::open();
    let server = house.start();
    let owner = house.owner_of("t_demo", &server);
    let records = fill(&owner, 6).await;
    server.stop();
    let proxy = FaultyProxy::before(&house.seaweedfs().unwrap().endpoint());
    let command = || {
        let mut command = command(&house, &[]);
        command.env("NEXUS_RAW_STORAGE__ENDPOINT", proxy.endpoint());
        command
    };
    let (arrived, requests) = channel();
    let arrived = Mutex::new(arrived);
    let hang = FaultRule::on("GET")
        .containing("/tenants/")
        .only(3..)
        .fault(Fault::Hang)
        // nobody listens any more after the first one
        .calling(move |_| {
            let _ = arrived.lock().unwrap().send(());
        });
    proxy.follow([hang]);
    let mut running = command().spawn().unwrap();
    requests.recv().unwrap();
    running.kill().unwrap();
    running.wait().unwrap();
    proxy.follow([]);
    let server = house.start();
    let owner = owner.at(&server);
    let all = ids(&records);
    assert_eq!(verified(&owner, "raw_asset_verified").await, all[..2]);
    server.stop();
    let ran = Ran::of(command().output().unwrap());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let server = house.start();
    let owner = owner.at(&server);
    // the first two may be verified again if that took more than a minute
    assert_eq!(verified(&owner, "raw_asset_verified").await[..6], all);
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_ends_it_after_the_object_that_is_being_read() {
    let house = Embedded::open();
    let server = house.start();
    let owner = house.owner_of("t_demo", &server);
    let records = fill(&owner, 20).await;
    server.stop();
    // an object has 27 bytes, so that each takes a second
    let slowly = ["--bytes-per-second", "27", "--max-seconds", "3600"];
    let mut command = command(&house, &slowly);
    let mut running = command.spawn().unwrap();
    let stderr = BufReader::new(running.stderr.take().unwrap());
    let mut log = stderr.lines().map(Result::unwrap);
    assert!(log.any(|it| it.contains("scrub begun")));
    let id = Pid::from_child(&running);
    kill_process(id, Signal::TERM).unwrap();
    let stopping = "stopping after the object that is being read";
    assert!(log.any(|it| it.contains(stopping)));
    let log: Vec<String> = log.collect();
    let ran = Ran::of(running.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(0), "{log:?}");
    let summary = ran.summary();
    assert_eq!(summary["ended"], "stopped");
    let read = usize::try_from(summary["intact"].as_u64().unwrap()).unwrap();
    assert!(read < records.len(), "{summary}");

    let server = house.start();
    let owner = owner.at(&server);
    let verified = verified(&owner, "raw_asset_verified").await;
    assert_eq!(verified, ids(&records)[..read]);
    server.stop();
    let rest = super::scrub(&house, &[]);
    assert_eq!(numbers(&rest.summary())[4], json!("nothing_left"));
}
