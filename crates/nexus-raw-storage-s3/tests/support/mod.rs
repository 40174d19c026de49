//! What the integration tests share: a clock, settings, and a client that sends given requests.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends where its support fails"
)]

use std::{fmt::Write as _, sync::Arc};

use nexus_raw::{asset::BucketName, ports::Clock, time::Timestamp};
use nexus_raw_storage_s3::{S3Settings, ServerSideEncryption, StaticCredentials};
use nexus_raw_testkit::{
    HttpRequest,
    s3::{Answer, http},
};
use secrecy::SecretString;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The machine's clock: real stores refuse signatures of another time.
#[derive(Debug)]
pub(crate) struct WallClock;

impl Clock for WallClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "real stores refuse signatures of another time than the machine's"
    )]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap()).unwrap()
    }
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(WallClock)
}

pub(crate) fn settings(
    endpoint: &str,
    bucket: &str,
    access_key_id: &str,
    secret: &str,
) -> S3Settings {
    S3Settings {
        bucket: BucketName::parse(bucket).unwrap(),
        region: "us-east-1".to_owned(),
        endpoint: Some(endpoint.parse().unwrap()),
        force_path_style: true,
        credentials: Some(StaticCredentials {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: SecretString::from(secret),
        }),
        server_side_encryption: ServerSideEncryption::None,
        expected_bucket_owner: None,
        require_versioning: false,
        allow_unsigned_headers: false,
    }
}

/// Sends the request byte for byte, adding `host` and `content-length` alone, over a connection
/// of its own, and reads the status. It uses no client library, since each would add or correct
/// something.
pub(crate) async fn send(request: HttpRequest) -> u16 {
    let rest = request.url.strip_prefix("http://").unwrap();
    let slash = rest.find('/').unwrap();
    let (host, target) = rest.split_at(slash);
    let mut head = format!("{} {target} HTTP/1.1\r\nhost: {host}\r\n", request.method);
    for (name, value) in &request.headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    write!(head, "content-length: {}\r\n\r\n", request.body.len()).unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    // a store may refuse by the head alone and close while the body is still on its way
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&request.body).await;
    let mut status_line = [0; 12];
    stream
        .read_exact(&mut status_line)
        .await
        .expect("the store closed without an answer");
    let status_line = std::str::from_utf8(&status_line).unwrap();
    status_line
        .strip_prefix("HTTP/1.1 ")
        .unwrap()
        .parse()
        .unwrap()
}

/// Sends a GET of the URL byte for byte, adding `host` alone.
pub(crate) async fn get(url: &str) -> Answer {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, target) = rest.split_at(rest.find('/').unwrap());
    let (host, target) = (host.to_owned(), target.to_owned());
    let answer = tokio::task::spawn_blocking(move || http::send(&host, "GET", &target, &[], b""));
    answer.await.unwrap().unwrap()
}
