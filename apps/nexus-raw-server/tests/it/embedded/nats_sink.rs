//! Events go to NATS, beside the log, and neither waits for the other.

use std::time::{Duration, Instant};

use async_nats::jetstream;
use nexus_raw_testkit::Nats;
use serde_json::Value;

use crate::{caller::Caller, machine::Machine};

/// Returns the messages of the stream once there are `count`.
async fn messages(nats: &Nats, count: u64) -> Vec<Value> {
    let client = async_nats::connect(nats.url()).await.unwrap();
    let context = jetstream::new(client);
    let began = Instant::now();
    let stream = loop {
        // the sink makes it with its first event
        if let Ok(mut stream) = context.get_stream("NEXUS_RAW").await
            && stream.info().await.unwrap().state.messages >= count
        {
            break stream;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "not in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let mut messages = Vec::new();
    for sequence in 1..=count {
        let message = stream.get_raw_message(sequence).await.unwrap();
        messages.push(serde_json::from_slice(&message.payload).unwrap());
    }
    messages
}

#[tokio::test]
async fn what_is_logged_is_in_the_stream_too_and_waits_for_it_while_it_is_away() {
    let nats = Nats::start();
    let machine = Machine::new();
    let mut command = machine.embedded();
    command
        .env("NEXUS_RAW_EVENTS__SINKS", r#"["log", "nats"]"#)
        .env("NEXUS_RAW_EVENTS__NATS__URL", nats.url());
    nats.stop();
    // a server whose NATS is away starts, serves and logs
    let server = Machine::start_by(&mut command);
    let caller = Caller::owner_of("t_demo", &machine, &server);
    caller.put("one.jpg", b"not quite a photograph").await;
    let mut logged = server.events(2);
    nats.start_again();
    caller.put("two.jpg", b"not quite a photograph").await;
    logged.extend(server.events(2));
    assert_eq!(messages(&nats, 4).await, logged);
}
