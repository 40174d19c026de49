//! What the kill left of a presign under a key, a retry with that key finds.

use std::{fs, os::unix::process::ExitStatusExt};

use nexus_raw::tenancy::Role;

use crate::{
    check,
    client::{Client, TENANTS},
    machine::Machine,
};

const TENANT: &str = TENANTS[0];

#[tokio::test]
async fn a_retry_after_a_kill_at_any_point_is_the_same_asset() {
    let machine = Machine::new();
    let point_file = machine.data_dir().with_file_name("fail-point");
    let start = || {
        let mut command = machine.embedded();
        command.env("NEXUS_RAW_FAIL_POINT_FILE", &point_file);
        let server = Machine::start_by(&mut command);
        let client = Client::new(server.address, &machine.token_for(&TENANTS, Role::Owner));
        (server, client)
    };
    let mut all_events = 0;
    // how many events each kill leaves
    for (point, left) in [("after-signing", 0), ("in-presign", 0), ("after-intent", 1)] {
        let mut found = None;
        let mut events = 0;
        // the first time, and once the key is in use
        for _ in 0..2 {
            let (server, client) = start();
            fs::write(&point_file, point).unwrap();
            let lost = client.presign_keyed(TENANT, point, b"content").await;
            assert_eq!(lost, None, "{point}");
            let (status, ..) = server.ended();
            assert_eq!(status.signal(), Some(9), "{point}");
            fs::remove_file(&point_file).unwrap();

            let (_server, client) = start();
            let again = client.presign_keyed(TENANT, point, b"content").await;
            let asset_id = again.unwrap()["asset_id"].clone();
            assert_eq!(found.get_or_insert_with(|| asset_id.clone()), &asset_id);
            events += left + 1;
            all_events += left + 1;
            let sequences = sequences(&client, &asset_id).await;
            assert_eq!(sequences.len(), events, "{point}");
            // nothing else was written to the scope, by any of the kills
            assert_eq!(sequences.last(), Some(&all_events), "{point}");
        }
    }
}

/// The sequences of an asset's events.
async fn sequences(client: &Client, asset_id: &serde_json::Value) -> Vec<usize> {
    let events = check::events_of(client, TENANT, asset_id.as_str().unwrap()).await;
    let sequences = events.iter().map(|event| event["sequence"].as_u64());
    sequences
        .map(|it| usize::try_from(it.unwrap()).unwrap())
        .collect()
}
