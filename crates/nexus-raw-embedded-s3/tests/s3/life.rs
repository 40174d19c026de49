//! Start, stop, and what breaks off between.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use nexus_raw_embedded_s3::{Credentials, EmbeddedS3, Settings, ShutdownError, StartError};

use nexus_raw_testkit::s3::http;

use crate::support::{self, Server, wait_until};

/// Sends 5 bytes of an upload of 10.
fn half_an_upload(server: &Server) -> TcpStream {
    let headers = server
        .signer()
        .sign_header("PUT", "/raw/k", &[], b"0123456789");
    let addr = server.handle.addr();
    let mut stream = http::connect(&addr.to_string()).unwrap();
    let head = http::head(&addr.to_string(), "PUT", "/raw/k", &headers, 10);
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(b"01234").unwrap();
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
        Server::start_with(|settings| settings.with_idle_timeout(Duration::from_millis(200)));
    let mut upload = half_an_upload(&server);
    let answer = http::receive(&mut upload).unwrap();
    assert_eq!(answer.error(), (400, "RequestTimeout".to_owned()));
    assert_eq!((server.object_files(), server.staged_files()), (0, 0));
}

#[test]
fn a_shutdown_lets_a_running_upload_finish() {
    let server = Server::start();
    let mut upload = half_a_received_upload(&server);
    let Server { directory, handle } = server;
    let addr = handle.addr();
    let stopping = thread::spawn(move || handle.shutdown());
    wait_until(|| TcpStream::connect(addr).is_err());
    upload.write_all(b"56789").unwrap();
    assert_eq!(http::receive(&mut upload).unwrap().status, 200);
    assert_eq!(stopping.join().unwrap(), Ok(()));

    let handle = EmbeddedS3::start(&support::settings(directory.path())).unwrap();
    let server = Server { directory, handle };
    assert_eq!(server.signed("GET", "/raw/k", &[], b"").body, b"0123456789");
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
        assert!(matches!(refused, Err(StartError::NotLoopback { addr: told }) if told == addr));
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
fn the_secret_is_not_printed() {
    let directory = tempfile::tempdir().unwrap();
    let printed = format!("{:?}", support::settings(directory.path()));
    assert!(printed.contains(support::KEY_ID) && !printed.contains(support::SECRET));
}

#[test]
fn an_endpoint_names_the_real_port() {
    let server = Server::start();
    let addr = server.handle.addr();
    assert_ne!(addr.port(), 0);
    assert_eq!(server.handle.endpoint(), format!("http://{addr}"));
}
