//! A SeaweedFS server for a test, on loopback and on disk.

use std::{
    io::{Read, Write},
    iter,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tempfile::TempDir;

use super::supervised::{DRAWS, Supervised, draw_ports, program};
use crate::s3::Endpoint;

/// The number of its ports: S3, master, volume, filer and admin, each with its gRPC.
const PORTS: usize = 10;

/// The services that leave a socket behind when they are killed.
const SERVICES: [&str; 5] = ["s3", "master", "volume", "filer", "admin"];

/// A running server with one bucket, [`SeaweedFs::BUCKET`]. It is ended and its files removed on
/// drop, or when the starting process ends for any reason.
#[derive(Debug)]
pub struct SeaweedFs {
    #[cfg_attr(not(test), expect(dead_code, reason = "it acts when it is dropped"))]
    supervised: Supervised,
    ports: [u16; PORTS],
    /// Removed by the supervisor, or else by this drop.
    _directory: TempDir,
}

impl SeaweedFs {
    /// The bucket that exists from the start.
    pub const BUCKET: &str = "nexus-raw";
    /// The region of its signatures; it accepts any.
    pub const REGION: &str = "us-east-1";
    /// The id of the one key pair.
    pub const ACCESS_KEY_ID: &str = "AKIASEAWEEDFS";
    /// The secret of the one key pair.
    pub const SECRET_ACCESS_KEY: &str = "seaweedfs-secret";

    /// Starts a server and waits until it is ready. Blocks.
    ///
    /// # Panics
    /// If the program is missing, with how to install it.
    #[must_use]
    pub fn start() -> Self {
        for _ in 0..DRAWS {
            if let Some(server) = Self::try_start() {
                return server;
            }
        }
        panic!("SeaweedFS did not start on any of {DRAWS} draws of ports");
    }

    /// Returns the server that the tests of this process share. It ends with the process.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        static SHARED: OnceLock<Arc<SeaweedFs>> = OnceLock::new();
        Arc::clone(SHARED.get_or_init(|| Arc::new(Self::start())))
    }

    /// Returns its S3 service, with the administrator's key pair.
    #[must_use]
    pub fn s3(&self) -> Endpoint {
        Endpoint::at(
            &self.endpoint(),
            Self::REGION,
            Self::ACCESS_KEY_ID,
            Self::SECRET_ACCESS_KEY,
        )
    }

    /// Returns the URL of its S3 service.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    fn try_start() -> Option<Self> {
        let directory = tempfile::Builder::new().prefix("weed-").tempdir().unwrap();
        let ports = draw_ports();
        let mut supervised = start(directory.path(), ports);
        if !supervised.is_there(|| is_ready(ports)) {
            return None;
        }
        let server = Self {
            supervised,
            ports,
            _directory: directory,
        };
        server.grow_a_volume();
        Some(server)
    }

    /// Writes an object and deletes it. The first write waits until the bucket has a volume, which
    /// was seen to take longer on a busy machine than the adapter waits for any answer.
    fn grow_a_volume(&self) {
        let target = format!("/{}/first-write", Self::BUCKET);
        let stored = self.s3().signed("PUT", &target, &[], b"first");
        assert_eq!(stored.status, 200, "{:?}", stored.error());
        let deleted = self.s3().signed("DELETE", &target, &[], b"");
        assert_eq!(deleted.status, 204, "{:?}", deleted.error());
    }
}

/// S3 refuses a stranger, and the filer has the bucket.
fn is_ready(ports: [u16; PORTS]) -> bool {
    let [s3, _, _, _, _, _, filer, ..] = ports;
    let bucket = format!("/buckets/{}/", SeaweedFs::BUCKET);
    status(s3, "/") == Some(403) && status(filer, &bucket) == Some(200)
}

fn start(directory: &Path, ports: [u16; PORTS]) -> Supervised {
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
        .map(|(service, port)| format!("/tmp/seaweedfs-{service}-grpc-{port}.sock").into());
    let leftovers: Vec<PathBuf> = iter::once(directory.to_owned()).chain(sockets).collect();
    let mut command = Command::new(program("weed"));
    command
        .arg("mini")
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
        .env("AWS_ACCESS_KEY_ID", SeaweedFs::ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", SeaweedFs::SECRET_ACCESS_KEY)
        // each bucket gets its own volumes, by default seven at once, and as many as fit on the
        // disk
        .env("WEED_MASTER_VOLUME_GROWTH_COPY_1", "1")
        .env("HOME", directory)
        .env("TMPDIR", directory)
        .current_dir(directory);
    Supervised::start(&command, "KILL", &leftovers)
}

/// Returns the status of a GET without credentials, or `None` without a response.
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
    use std::{thread, time::Instant};

    use super::*;
    use crate::engines::supervised::PATIENCE;

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
        server.supervised.lose_its_starter();
        let server = std::mem::ManuallyDrop::new(server);
        let ended = Instant::now();
        while status(port, "/").is_some() || Path::new(&socket).exists() {
            assert!(ended.elapsed() < PATIENCE, "{server:?} is still there");
            thread::sleep(Duration::from_millis(20));
        }
    }
}
