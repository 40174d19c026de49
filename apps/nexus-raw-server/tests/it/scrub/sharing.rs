use std::collections::BTreeSet;

use serde_json::json;

use super::{Ran, command, fill, ids, key, numbers, scrub, verified};
use crate::house::{House, OnPostgres};

/// Beside the server, which need not be stopped on PostgreSQL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runs_beside_a_server_verify_each_asset_once() {
    let house = OnPostgres::open();
    let server = house.start();
    let [one, two] = ["t_a", "t_b"].map(|tenant| house.owner_of(tenant, &server));
    let records = [fill(&one, 12).await, fill(&two, 12).await];
    let runs = [(); 2].map(|()| command(&house, &[]).spawn().unwrap());
    for run in runs {
        let ran = Ran::of(run.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert_eq!(ran.summary()["ended"], "nothing_left");
    }
    for (owner, records) in [(&one, &records[0]), (&two, &records[1])] {
        let verified = verified(owner, "raw_asset_verified").await;
        assert_eq!(verified.len(), records.len());
        let text = |ids: Vec<serde_json::Value>| -> BTreeSet<String> {
            ids.iter().map(ToString::to_string).collect()
        };
        assert_eq!(text(verified), text(ids(records)));
    }

    // fresh verdicts are answered again, without a reading or an event
    let ran = scrub(&house, &["--tenant", "t_a"]);
    assert_eq!(
        numbers(&ran.summary()),
        json!([12, 0, 0, 0, "nothing_left"])
    );
    assert_eq!(verified(&one, "raw_asset_verified").await.len(), 12);
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_replaced_or_deleted_on_seaweedfs_is_found() {
    let house = OnPostgres::open();
    let server = house.start();
    let owner = house.owner_of("t_demo", &server);
    let records = fill(&owner, 4).await;
    let store = house.store(&server);
    let target = |number: usize| format!("/{}/{}", house.bucket(), key(&records[number]));
    let replaced = store.signed("PUT", &target(3), &[], b"another content");
    assert_eq!(replaced.status, 200);
    let deleted = store.signed("DELETE", &target(0), &[], b"");
    assert_eq!(deleted.status, 204);
    let ran = scrub(&house, &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert_eq!(numbers(&ran.summary()), json!([2, 1, 1, 0, "nothing_left"]));
    let lines = ran.lines();
    let found = |at: usize| json!([lines[at]["kind"], lines[at]["asset_id"]]);
    let all = ids(&records);
    assert_eq!(found(0), json!(["missing", all[0]]));
    assert_eq!(found(1), json!(["corrupt", all[3]]));
    let corrupt = verified(&owner, "raw_asset_corrupt").await;
    assert_eq!(corrupt, [all[0].clone(), all[3].clone()]);
    server.stop();
}
