//! Every address of the configuration may be one of IPv6.

use std::net::SocketAddr;

use nexus_raw_testkit::Nats;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

use crate::{
    house::{House as _, OnPostgres},
    http::Request,
    machine::{Machine, photograph},
};

async fn listen() -> TcpListener {
    match TcpListener::bind("[::1]:0").await {
        Ok(listener) => listener,
        Err(error) => panic!("this machine must have ::1, the loopback address of IPv6: {error}"),
    }
}

/// The same text, with what it says to be on 127.0.0.1 to be had on `::1`.
async fn over_ipv6(text: &str) -> String {
    let (before, after) = text.split_once("127.0.0.1:").unwrap();
    let (port, rest) = match after.find('/') {
        Some(end) => after.split_at(end),
        None => (after, ""),
    };
    let behind = SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
    let listener = listen().await;
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(behind).await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    format!("{before}{address}{rest}")
}

/// A receiver of events; what it was sent.
async fn receiver() -> (String, UnboundedReceiver<Value>) {
    let listener = listen().await;
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let sender = sender.clone();
            tokio::spawn(async move {
                let mut came = Vec::new();
                loop {
                    came.push(stream.read_u8().await?);
                    let Some(head) = came.strip_suffix(b"\r\n\r\n") else {
                        continue;
                    };
                    let head = String::from_utf8(head.to_vec()).unwrap().to_lowercase();
                    let length = head.split("content-length: ").nth(1).unwrap();
                    let length = length.lines().next().unwrap().parse().unwrap();
                    let mut body = vec![0; length];
                    stream.read_exact(&mut body).await?;
                    // nobody listens any more once the test has ended
                    let _ = sender.send(serde_json::from_slice(&body).unwrap());
                    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
                    came.clear();
                }
                #[expect(unreachable_code, reason = "the type of the errors above")]
                Ok::<(), std::io::Error>(())
            });
        }
    });
    (url, receiver)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_address_of_the_configuration_may_be_one_of_ipv6() {
    let house = OnPostgres::open();
    let program = house.program();
    let of = |name: &str| {
        let mut variables = program.get_envs();
        let value = variables.find_map(|(it, value)| (it == name).then_some(value));
        value.flatten().unwrap().to_str().unwrap().to_owned()
    };
    let endpoint = over_ipv6(&of("NEXUS_RAW_STORAGE__ENDPOINT")).await;
    let catalogue = over_ipv6(&of("NEXUS_RAW_CATALOG__URL")).await;
    let nats = Nats::start();
    let stream = over_ipv6(&nats.url()).await;
    let (hook, mut received) = receiver().await;
    let server = house.start_with(&[
        ("HTTP__BIND", "[::1]:0"),
        ("METRICS__BIND", "[::1]:0"),
        ("STORAGE__ENDPOINT", &endpoint),
        ("CATALOG__URL", &catalogue),
        ("EVENTS__SINKS", r#"["log", "nats", "http"]"#),
        ("EVENTS__NATS__URL", &stream),
        ("EVENTS__HTTP__URL", &hook),
    ]);
    assert!(server.address.is_ipv6() && server.metrics.is_ipv6());
    let caller = house.owner_of("t_demo", &server);
    let photo = photograph("DSCN0010.jpg");
    let upload = caller.presign("DSCN0010.jpg", &photo).await;
    assert!(upload.url.starts_with(&endpoint), "{}", upload.url);
    assert_eq!(upload.put(&photo).await, 200);
    let body = json!({"asset_id": upload.asset_id});
    assert_eq!(caller.register(&body).await.status, 201);
    let metrics = Request::new(server.metrics, "GET", "/metrics");
    assert_eq!(metrics.send().await.status, 200);
    for (sequence, logged) in (1..=2).zip(server.events(2)) {
        assert_eq!(logged["sequence"], sequence);
        assert_eq!(received.recv().await.unwrap()["data"], logged);
    }
    let client = async_nats::connect(nats.url()).await.unwrap();
    let context = async_nats::jetstream::new(client);
    let in_stream = async || {
        let mut stream = context.get_stream("NEXUS_RAW").await.ok()?;
        Some(stream.info().await.unwrap().state.messages)
    };
    while in_stream().await != Some(2) {
        tokio::task::yield_now().await;
    }
}

/// The keys of tokens too: without them the service would not be ready.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keys_of_tokens_may_be_at_an_address_of_ipv6() {
    let listener = listen().await;
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    // of RFC 8037, appendix A.2
    let keys = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let issuer = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let length = keys.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{keys}");
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    let machine = Machine::new();
    let mut command = machine.embedded();
    command.envs([
        ("NEXUS_RAW_HTTP__BIND", "[::1]:0"),
        ("NEXUS_RAW_METRICS__BIND", "[::1]:0"),
        ("NEXUS_RAW_EMBEDDED__S3_BIND", "[::1]:0"),
        ("NEXUS_RAW_IDENTITY__JWKS_URL", &url),
        ("NEXUS_RAW_IDENTITY__ALGORITHM", "EdDSA"),
    ]);
    let server = Machine::start_by(&mut command);
    issuer.await.unwrap();
    let ready = async || Request::new(server.address, "GET", "/readyz").send().await;
    while ready().await.status != 200 {
        tokio::task::yield_now().await;
    }
}
