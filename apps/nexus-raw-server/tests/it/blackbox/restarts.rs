//! The server goes away in the middle, and what it promised still holds.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{caller::Caller, house::House, http::Answer, machine::photograph};

const CLIENTS: usize = 50;
const PATIENCE: Duration = Duration::from_secs(30);

/// The status and body of the first answer, after as many tries as it takes.
async fn insist(callers: &[Caller; 2], statement: &Value) -> (u16, Vec<u8>) {
    let begun = Instant::now();
    loop {
        for caller in callers {
            let request = caller.posting("/nexus/raw/register").json(statement);
            if let Some(answer) = request.send_to_the_end().await {
                // while it starts, the server says that it is not there yet
                if answer.status != 503 && answer.is_whole() {
                    return (answer.status, answer.body);
                }
            }
        }
        assert!(begun.elapsed() < PATIENCE, "no answer");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn of_many_who_register_across_a_kill_one_writes_and_all_get_the_same_bytes(
    house: impl House,
) {
    let photo = photograph("DSCN0021.jpg");
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0021.jpg", &photo).await;
    assert_eq!(upload.put(&photo).await, 200);
    let statement = json!({"asset_id": upload.asset_id, "labels": {"written": "once"}});

    // the second half is sent to the next server
    let first: Vec<_> = (0..CLIENTS / 2)
        .map(|_| caller.posting("/nexus/raw/register").json(&statement))
        .map(|request| tokio::spawn(request.send_to_the_end()))
        .collect();
    tokio::task::yield_now().await;
    server.kill();
    let early: Vec<_> = join_all(first).await;
    let early = early.into_iter().filter_map(Result::unwrap);
    let early = early.filter(Answer::is_whole);
    let mut answers: Vec<_> = early.map(|answer| (answer.status, answer.body)).collect();

    let server = house.start();
    let callers = [
        house.owner_of("t_demo", &server),
        house.owner_of("t_demo", &server),
    ];
    answers.extend(join_all((0..CLIENTS).map(|_| insist(&callers, &statement))).await);
    let created = answers.iter().filter(|(status, _)| *status == 201).count();
    // none where the kill took the answer of the one that wrote
    assert!(created <= 1, "{created} wrote");
    assert!(
        answers
            .iter()
            .all(|(status, _)| [200, 201].contains(status))
    );
    assert!(answers.iter().all(|(_, body)| *body == answers[0].1));
    let page = callers[0]
        .get(&format!("/nexus/raw/{}/events", upload.asset_id))
        .await;
    assert_eq!(page.json()["events"].as_array().unwrap().len(), 2);
}

pub(crate) async fn a_url_outlives_the_server_that_signed_it(house: impl House) {
    let photo = photograph("DSCN0042.jpg");
    // the store of embedded mode comes back where it was
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = port.local_addr().unwrap().to_string();
    drop(port);
    let settings: &[(&str, &str)] = if house.seaweedfs().is_none() {
        &[("EMBEDDED__S3_BIND", &bind)]
    } else {
        &[]
    };
    let server = house.start_with(settings);
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0042.jpg", &photo).await;
    server.kill();
    let server = house.start_with(settings);
    assert_eq!(upload.put(&photo).await, 200);
    let caller = house.owner_of("t_demo", &server);
    let answer = caller.register(&json!({"asset_id": upload.asset_id})).await;
    assert_eq!(answer.status, 201);
}
