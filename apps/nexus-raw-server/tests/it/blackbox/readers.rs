//! Callers that request long responses and read nothing of them, beside some that do.

use std::{
    fs,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use nexus_raw::tenancy::Role;
use serde_json::json;
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::{
    caller::Caller,
    house::House,
    machine::{Server, photograph},
};

const READERS: usize = 300;
const MIB: u64 = 1024 * 1024;
/// A key and a name that make events long.
const KEY: &str = "one-key";

/// A line of the process's status, in bytes.
fn memory(server: &Server, line: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix(line)).unwrap();
    let kib = line.trim().trim_end_matches(" kB");
    kib.parse::<u64>().unwrap() * 1024
}

/// What the process has now, and the most that it had from now on.
fn measure_from_now(server: &Server) -> u64 {
    // sets the peak back to what there is
    fs::write(format!("/proc/{}/clear_refs", server.id()), "5").unwrap();
    memory(server, "VmRSS:")
}

/// Sends so many requests and reads no response; a later request has its turn after them.
async fn send_unread(reader: &Caller, target: &str) -> Vec<TcpStream> {
    let sent = (0..READERS).map(|_| reader.request("GET", target).send_only());
    let idle = join_all(sent).await.into_iter().map(Option::unwrap);
    let idle = idle.collect();
    let last = reader.get("/nexus/raw/events?limit=1").await;
    assert!([200, 429].contains(&last.status), "{last:?}");
    idle
}

/// Returns whether the response is a success, and hangs up.
async fn is_served(mut stream: TcpStream) -> bool {
    let mut begin = [0; 12];
    let came = stream.read_exact(&mut begin).await;
    came.is_ok() && begin == *b"HTTP/1.1 200"
}

pub(crate) async fn three_hundred_who_read_nothing_cost_little_memory_and_no_other_tenant_its_answers(
    house: impl House,
) {
    let photo = photograph("DSCN0010.jpg");
    let server = house.start();
    let owner = house.owner_of("t_demo", &server);
    let viewer = house.caller("t_demo", Role::Viewer, &server);
    let other = house.owner_of("t_demo2", &server);
    let name = format!("{}.jpg", "\u{20ac}".repeat(80));
    let presigned = owner.presign_keyed(KEY, &name, &photo).await;
    let asset_id = presigned.json()["asset_id"].as_str().unwrap().to_owned();
    let again = join_all((0..110).map(|_| owner.presign_keyed(KEY, &name, &photo))).await;
    let of = |status| again.iter().filter(|it| it.status == status).count();
    assert_eq!((of(200), of(429)), (99, 11));
    for _ in 0..9 {
        join_all((0..100).map(|_| owner.presign(&name, &photo))).await;
    }
    other.put("DSCN0010.jpg", &photo).await;
    // what is there for good is there before
    let of_asset = format!("/nexus/raw/{asset_id}/events");
    for target in [of_asset.as_str(), "/nexus/raw/events?limit=1000"] {
        assert_eq!(viewer.get(target).await.status, 200);
        let before = measure_from_now(&server);
        let sent_at = Instant::now();
        let (idle, ()) = futures_util::future::join(send_unread(&viewer, target), async {
            for _ in 0..10 {
                let upload = other.presign("DSCN0010.jpg", &photo).await;
                assert_eq!(upload.put(&photo).await, 200);
                let registered = other.register(&json!({"asset_id": upload.asset_id})).await;
                assert_eq!(registered.status, 201, "{registered:?}");
                let feed = other.get("/nexus/raw/events").await;
                assert_eq!(feed.status, 200, "{feed:?}");
            }
        })
        .await;
        let most = memory(&server, "VmHWM:").saturating_sub(before);
        let took = sent_at.elapsed();
        let answers = join_all(idle.into_iter().map(is_served)).await;
        let given = answers.into_iter().filter(|it| *it).count();
        let found = format!(
            "{target}: {given} pages, {} KiB more, {took:?}",
            most / 1024
        );
        assert!(given > 0 && most < 120 * MIB, "{found}");
    }
    // who comes after them finds its share free again
    let began = Instant::now();
    while viewer.get("/nexus/raw/events?limit=1000").await.status != 200 {
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}
