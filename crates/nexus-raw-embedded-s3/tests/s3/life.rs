//! Start, stop, and what breaks off between.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use nexus_raw_embedded_s3::{Credentials, EmbeddedS3, Settings, ShutdownError, StartError};

use nexus_raw_testkit::s3::{Presign, http};

use crate::support::{self, Server, wait_until};

/// A server that has received as much of an upload begins to write it.
const WRITTEN_BYTES: usize = 256 * 1024;

/// The content of an upload that is sent in two pieces.
fn content() -> Vec<u8> {
    let mut content = vec![b'0'; WRITTEN_BYTES];
    content.extend(b"56789");
    content
}

/// Sends an upload but for its last 5 bytes.
fn half_an_upload(server: &Server) -> TcpStream {
    let content = content();
    let headers = server.signer().sign_header("PUT", "/raw/k", &[], &content);
    send_half(server, "/raw/k", &headers, &content)
}

fn send_half(
    server: &Server,
    target: &str,
    headers: &[(String, String)],
    content: &[u8],
) -> TcpStream {
    let addr = server.handle.addr().to_string();
    let mut stream = http::connect(&addr).unwrap();
    let head = http::head(&addr, "PUT", target, headers, content.len());
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&content[..WRITTEN_BYTES]).unwrap();
    stream
}

/// The same, once the server is receiving it.
fn half_a_received_upload(server: &Server) -> TcpStream {
    let stream = half_an_upload(server);
    wait_until(|| server.staged_files() == 1);
    stream
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing() {
    let server = Server::start();
    drop(half_a_received_upload(&server));
    wait_until(|| server.staged_files() == 0);
    assert_eq!(server.object_files(), 0);
    assert_eq!(server.signed("GET", "/raw/k", &[], b"").status, 404);
}

#[test]
fn an_upload_that_falls_silent_is_ended() {
    let server =
        Server::start_with(|settings| settings.with_body_leeway(Duration::from_millis(200)));
    let mut upload = half_an_upload(&server);
    let answer = http::receive(&mut upload).unwrap();
    assert_eq!(answer.error(), (400, "RequestTimeout".to_owned()));
    assert_eq!((server.object_files(), server.staged_files()), (0, 0));
}

fn presign(server: &Server, path: &str, headers: &[(String, String)]) -> String {
    server.signer().presign(&Presign {
        method: "PUT",
        path,
        headers,
        query: &[],
        expires: 60,
    })
}

/// The beginning of an upload by a presigned URL.
fn half_a_presigned_upload(server: &Server, key: &str) -> TcpStream {
    let target = format!("/raw/{key}");
    let content = content();
    let headers = support::upload_headers(&content);
    let target = presign(server, &target, &headers);
    send_half(server, &target, &headers, &content)
}

#[test]
fn an_upload_that_drips_is_ended() {
    let leeway = Duration::from_millis(300);
    let server = Server::start_with(|settings| settings.with_body_leeway(leeway));
    let addr = server.handle.addr().to_string();
    let headers = server
        .signer()
        .sign_header("PUT", "/raw/k", &[], &b"0".repeat(100_000));
    let mut upload = http::connect(&addr).unwrap();
    let head = http::head(&addr, "PUT", "/raw/k", &headers, 100_000);
    // the server counts from the head, which may be there before this thread goes on
    let began = Instant::now();
    upload.write_all(head.as_bytes()).unwrap();
    // a byte every 20 ms, until it is answered: never silent, and far below the least rate
    upload
        .set_read_timeout(Some(Duration::from_millis(20)))
        .unwrap();
    while upload.peek(&mut [0]).is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "it goes on");
        upload.write_all(b"0").unwrap();
    }
    assert!(began.elapsed() >= leeway, "{:?}", began.elapsed());
    upload.set_read_timeout(None).unwrap();
    let answer = http::receive(&mut upload).unwrap();
    assert_eq!(answer.error(), (400, "RequestTimeout".to_owned()));
    assert_eq!((server.object_files(), server.staged_files()), (0, 0));
}

#[test]
fn a_slow_upload_makes_room_for_a_new_one_and_calls_without_a_body_have_room_anyway() {
    let server = Server::start();
    let uploads: Vec<_> = (0..192)
        .map(|n| half_a_presigned_upload(&server, &format!("slow-{n}")))
        .collect();
    wait_until(|| server.staged_files() == 192);
    let began = Instant::now();
    assert_eq!(server.signed("HEAD", "/raw/k", &[], b"").status, 404);
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );

    let headers = support::upload_headers(b"content");
    let target = presign(&server, "/raw/k", &headers);
    assert_eq!(
        server.send("PUT", &target, &headers, b"content").status,
        200
    );
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    wait_until(|| server.staged_files() == 191);
    drop(uploads);
}

#[test]
fn the_longest_idle_connection_makes_room_for_a_new_one() {
    let server = Server::start();
    let addr = server.handle.addr().to_string();
    let mut idle: Vec<_> = (0..256).map(|_| http::connect(&addr).unwrap()).collect();
    let began = Instant::now();
    assert_eq!(server.signed("HEAD", "/raw/k", &[], b"").status, 404);
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    let mut first = idle.remove(0);
    assert_eq!(first.read(&mut [0]).unwrap(), 0, "the first one was closed");
    let last = idle.last_mut().unwrap();
    last.set_nonblocking(true).unwrap();
    let open = last.read(&mut [0]).unwrap_err();
    assert_eq!(open.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_shutdown_lets_a_running_upload_finish() {
    let server = Server::start();
    let mut upload = half_a_received_upload(&server);
    let Server { directory, handle } = server;
    let addr = handle.addr();
    let stopping = thread::spawn(move || handle.shutdown());
    wait_until(|| TcpStream::connect(addr).is_err());
    upload.write_all(&content()[WRITTEN_BYTES..]).unwrap();
    assert_eq!(http::receive(&mut upload).unwrap().status, 200);
    assert_eq!(stopping.join().unwrap(), Ok(()));

    let handle = EmbeddedS3::start(&support::settings(directory.path())).unwrap();
    let server = Server { directory, handle };
    assert!(server.signed("GET", "/raw/k", &[], b"").body == content());
}

#[test]
fn a_shutdown_cuts_off_what_outlasts_its_deadline() {
    let server = Server::start_with(|settings| settings.with_shutdown_timeout(Duration::ZERO));
    let _upload = half_a_received_upload(&server);
    let Server { directory, handle } = server;
    assert_eq!(handle.shutdown(), Err(ShutdownError::CutOff));
    let handle = EmbeddedS3::start(&support::settings(directory.path())).unwrap();
    let server = Server { directory, handle };
    assert_eq!((server.object_files(), server.staged_files()), (0, 0));
}

#[test]
fn a_dropped_server_is_stopped() {
    let Server { directory, handle } = Server::start();
    let addr = handle.addr();
    drop(handle);
    assert!(TcpStream::connect(addr).is_err());
    assert!(EmbeddedS3::start(&support::settings(directory.path())).is_ok());
}

#[test]
fn a_server_listens_on_loopback_alone() {
    let directory = tempfile::tempdir().unwrap();
    for addr in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
        let addr: SocketAddr = addr.parse().unwrap();
        let refused = EmbeddedS3::start(&support::settings(directory.path()).with_bind(addr));
        assert!(matches!(refused, Err(StartError::NotLoopback { addr: bad }) if bad == addr));
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_server_starts_only_with_sound_settings() {
    let directory = tempfile::tempdir().unwrap();
    let settings = |key_id: &str, secret: &str| {
        Settings::new(
            directory.path(),
            Credentials {
                access_key_id: key_id.to_owned(),
                secret_access_key: secret.into(),
            },
        )
    };
    for (key_id, secret) in [("", "s"), ("AK/ID", "s"), ("AKID", "")] {
        let refused = EmbeddedS3::start(&settings(key_id, secret));
        assert!(
            matches!(refused, Err(StartError::Credentials)),
            "{key_id:?} {secret:?}"
        );
    }
    let refused = EmbeddedS3::start(&settings("AKID", "s").with_region("EU"));
    assert!(matches!(refused, Err(StartError::Region { region }) if region == "EU"));
    let refused = EmbeddedS3::start(&settings("AKID", "s").with_bucket(".."));
    assert!(matches!(refused, Err(StartError::BucketName { bucket }) if bucket == ".."));
}

#[test]
fn one_directory_or_address_has_one_server() {
    let server = Server::start();
    let same_directory = EmbeddedS3::start(&support::settings(server.directory.path()));
    assert!(matches!(same_directory, Err(StartError::InUse { .. })));
    let other = tempfile::tempdir().unwrap();
    let same_address =
        EmbeddedS3::start(&support::settings(other.path()).with_bind(server.handle.addr()));
    assert!(matches!(same_address, Err(StartError::Bind { .. })));
}

#[test]
fn a_foreign_directory_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("store"), "something else").unwrap();
    let refused = EmbeddedS3::start(&support::settings(directory.path()));
    assert!(matches!(refused, Err(StartError::UnknownFormat { .. })));
}

#[test]
fn no_credential_is_printed() {
    let directory = tempfile::tempdir().unwrap();
    let printed = format!("{:?}", support::settings(directory.path()));
    assert!(printed.contains("Settings"), "{printed}");
    assert!(!printed.contains(support::KEY_ID) && !printed.contains(support::SECRET));
}

#[test]
fn an_endpoint_names_the_real_port() {
    let server = Server::start();
    let addr = server.handle.addr();
    assert_ne!(addr.port(), 0);
    assert_eq!(server.handle.endpoint(), format!("http://{addr}"));
}
