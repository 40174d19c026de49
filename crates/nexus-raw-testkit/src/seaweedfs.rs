//! A SeaweedFS server of a test's own: the real, distributed engine, on loopback and on disk.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::s3::Endpoint;

/// Where `make tools` puts it.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.tools/bin/weed");

/// One for each of its services: S3, master, volume, filer and admin, each with its gRPC.
const PORTS: usize = 10;

/// It is ready in one to two seconds; a busy machine may take its time.
const PATIENCE: Duration = Duration::from_mins(1);

/// Another process may take a port between its being drawn and its being bound.
const DRAWS: u32 = 5;

/// The services that leave a socket behind when they are killed.
const SERVICES: [&str; 5] = ["s3", "master", "volume", "filer", "admin"];

/// Runs the program that its arguments name until its standard input ends, which it does when the
/// test's process does, whatever ended that; then removes the directory and the sockets that `$1`
/// and `$2` name. A signal of the terminal, which reaches the whole group, must not cut that short.
const SUPERVISOR: &str = r#"
trap '' INT HUP
directory=$1 sockets=$2
shift 2
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{ cat >/dev/null; kill -KILL "$server"; } <&3 2>/dev/null &
exec 3<&-
wait "$server"
rm -rf "$directory" $sockets
"#;

/// A running server with one bucket, [`SeaweedFs::BUCKET`]. It ends, and its files go, when it is
/// dropped, or when the process that started it ends, by whatever.
#[derive(Debug)]
pub struct SeaweedFs {
    supervisor: Child,
    ports: [u16; PORTS],
    /// Removed by the supervisor; here as well, where that could not.
    _directory: TempDir,
}

impl SeaweedFs {
    /// The bucket that is there from the start.
    pub const BUCKET: &str = "nexus-raw";
    /// The region of its signatures; it takes any.
    pub const REGION: &str = "us-east-1";
    /// The id of the one key pair.
    pub const ACCESS_KEY_ID: &str = "AKIASEAWEEDFS";
    /// The secret of the one key pair.
    pub const SECRET_ACCESS_KEY: &str = "seaweedfs-secret";

    /// Starts a server and waits until it is ready. Blocks.
    ///
    /// # Panics
    /// When the program is not there, and says how to get it; a missing engine never passes for a
    /// test that held.
    #[must_use]
    pub fn start() -> Self {
        assert!(
            Path::new(PROGRAM).exists(),
            "SeaweedFS is not in .tools/bin: run `make tools`"
        );
        for _ in 0..DRAWS {
            if let Some(server) = Self::try_start() {
                return server;
            }
        }
        panic!("SeaweedFS did not start on any of {DRAWS} draws of ports");
    }

    /// The one server that the tests of this process share. It ends with the process.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        static SHARED: OnceLock<Arc<SeaweedFs>> = OnceLock::new();
        Arc::clone(SHARED.get_or_init(|| Arc::new(Self::start())))
    }

    /// Its S3 service, with the key pair that may do anything.
    #[must_use]
    pub fn s3(&self) -> Endpoint {
        Endpoint::at(
            &self.endpoint(),
            Self::REGION,
            Self::ACCESS_KEY_ID,
            Self::SECRET_ACCESS_KEY,
        )
    }

    /// The URL of its S3 service.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    fn try_start() -> Option<Self> {
        let directory = tempfile::Builder::new().prefix("weed-").tempdir().unwrap();
        let ports = draw_ports();
        let supervisor = command(directory.path(), ports).spawn().unwrap();
        let mut server = Self {
            supervisor,
            ports,
            _directory: directory,
        };
        let started = Instant::now();
        while !server.is_ready() {
            if server.supervisor.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "SeaweedFS is not ready after {PATIENCE:?}"
            );
            thread::sleep(Duration::from_millis(20));
        }
        Some(server)
    }

    /// S3 refuses a stranger, and the filer has the bucket.
    fn is_ready(&self) -> bool {
        let [s3, _, _, _, _, _, filer, ..] = self.ports;
        let bucket = format!("/buckets/{}/", Self::BUCKET);
        status(s3, "/") == Some(403) && status(filer, &bucket) == Some(200)
    }
}

impl Drop for SeaweedFs {
    fn drop(&mut self) {
        // its input ends, and with it the server
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

fn command(directory: &Path, ports: [u16; PORTS]) -> Command {
    const PORT_FLAGS: [&str; PORTS] = [
        "s3.port",
        "s3.port.grpc",
        "master.port",
        "master.port.grpc",
        "volume.port",
        "volume.port.grpc",
        "filer.port",
        "filer.port.grpc",
        "admin.port",
        "admin.port.grpc",
    ];
    let place = directory.display();
    let grpc_ports = ports.into_iter().skip(1).step_by(2);
    let sockets = SERVICES
        .into_iter()
        .zip(grpc_ports)
        .map(|(service, port)| format!("/tmp/seaweedfs-{service}-grpc-{port}.sock"));
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", SUPERVISOR, "seaweedfs"])
        .arg(directory)
        .arg(sockets.collect::<Vec<_>>().join(" "))
        .args([PROGRAM, "mini"])
        .args([
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-webdav=false",
            "-admin.ui=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.telemetry=false",
            "-s3.autoCreateBucket=false",
            "-volume.max=1000",
        ])
        .arg(format!("-bucket={}", SeaweedFs::BUCKET))
        .arg(format!("-dir={place}"))
        .arg(format!("-s3.localSocket={place}/s3.sock"))
        .arg(format!("-filer.localSocket={place}/filer.sock"));
    for (flag, port) in PORT_FLAGS.into_iter().zip(ports) {
        command.arg(format!("-{flag}={port}"));
    }
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("AWS_ACCESS_KEY_ID", SeaweedFs::ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SeaweedFs::SECRET_ACCESS_KEY)
        // each bucket grows volumes of its own, of which it would take seven at once, and as many
        // as the free disk has room for
        .env("WEED_MASTER_VOLUME_GROWTH_COPY_1", "1")
        .env("HOME", directory)
        .env("TMPDIR", directory)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Ports that are free at this moment, all different.
fn draw_ports() -> [u16; PORTS] {
    let listeners: [TcpListener; PORTS] =
        std::array::from_fn(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// The status that a GET without credentials is answered with; `None` without an answer.
fn status(port: u16, path: &str) -> Option<u16> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let patience = Duration::from_secs(1);
    let mut stream = TcpStream::connect_timeout(&address, patience).ok()?;
    stream.set_read_timeout(Some(patience)).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    let head = std::str::from_utf8(&head).ok()?;
    head.strip_prefix("HTTP/1.1 ")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_refuses_strangers_has_its_bucket_and_is_gone_when_dropped() {
        let server = SeaweedFs::start();
        let port = server.ports[0];
        assert_eq!(status(port, "/"), Some(403));
        drop(server);
        assert_eq!(status(port, "/"), None);
    }

    #[test]
    fn tests_of_one_process_share_one() {
        let first = SeaweedFs::shared();
        assert!(Arc::ptr_eq(&first, &SeaweedFs::shared()));
    }

    #[test]
    fn it_ends_with_the_process_that_started_it_and_leaves_nothing() {
        let mut server = SeaweedFs::start();
        let [port, grpc_port, ..] = server.ports;
        // the supervisor removes it after the directory
        let socket = format!("/tmp/seaweedfs-s3-grpc-{grpc_port}.sock");
        assert!(Path::new(&socket).exists());
        // what the system does to a process that is killed: its pipes are closed, nothing is dropped
        drop(server.supervisor.stdin.take());
        let server = std::mem::ManuallyDrop::new(server);
        let ended = Instant::now();
        while status(port, "/").is_some() || Path::new(&socket).exists() {
            assert!(ended.elapsed() < PATIENCE, "{server:?} is still there");
            thread::sleep(Duration::from_millis(20));
        }
    }
}
