//! The real server, in embedded mode.

use std::{
    io::{BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use nexus_raw::asset::Sha256Digest;
use serde_json::Value;
use tempfile::TempDir;

use crate::run::{command, command_for, run};

/// How long the server may take to be ready.
const PATIENCE: Duration = Duration::from_mins(1);

/// The server's own ports, which are free ones.
pub(crate) const PORTS: [(&str, &str); 3] = [
    ("NEXUS_RAW_HTTP__BIND", "127.0.0.1:0"),
    ("NEXUS_RAW_METRICS__BIND", "127.0.0.1:0"),
    ("NEXUS_RAW_EMBEDDED__S3_BIND", "127.0.0.1:0"),
];

/// Returns the directory of the programs, built if they are not there yet.
pub(crate) fn programs() -> PathBuf {
    let directory = Path::new(env!("CARGO_BIN_EXE_nexus-raw")).parent().unwrap();
    if !directory.join("nexus-raw-server").exists() {
        let built = Command::new(env!("CARGO"))
            .args([
                "build",
                "--locked",
                "--all-features",
                "-p",
                "nexus-raw-server",
            ])
            .status();
        assert!(built.unwrap().success());
    }
    directory.to_owned()
}

/// The log of a server that is ready, read to its end so that the server can continue to write.
pub(crate) struct Log {
    pub(crate) url: String,
    pub(crate) seen: Vec<String>,
    /// Dropped before the reader is waited for: its last lines may come late.
    lines: Option<Receiver<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Log {
    /// Reads up to its line `ready`.
    pub(crate) fn until_ready(log: impl Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        let reader = thread::spawn(move || {
            let lines = BufReader::new(log).lines().map_while(Result::ok);
            let _ = lines.map(|it| sender.send(it)).find(Result::is_err);
        });
        let (mut address, mut seen) = (None, Vec::new());
        loop {
            let line = lines.recv_timeout(PATIENCE);
            assert!(line.is_ok(), "the server is not ready: {seen:#?}");
            let line = line.unwrap();
            let record: Value = serde_json::from_str(&line).unwrap_or_default();
            match record["msg"].as_str() {
                Some("listening") => address = record["http_address"].as_str().map(str::to_owned),
                Some("ready") => break,
                _ => {}
            }
            seen.push(line);
        }
        Self {
            url: format!("http://{}", address.unwrap()),
            seen,
            lines: Some(lines),
            reader: Some(reader),
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        drop(self.lines.take());
        drop(self.reader.take().map(JoinHandle::join));
    }
}

/// A server with data of its own, until it is dropped.
pub(crate) struct Server {
    child: Child,
    log: Log,
    token: String,
    data: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut child = Command::new(programs().join("nexus-raw-server"))
            .args(["--embedded".as_ref(), "--data-dir".as_ref(), data.path()])
            .env_clear()
            .envs(PORTS)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Log::until_ready(child.stderr.take().unwrap());
        let mut token = command();
        token.args(["token", "--tenant", "t_demo", "--role", "owner"]);
        let token = run(token.arg("--data-dir"), [data.path().as_os_str()]);
        assert_eq!((token.exit, token.err.as_str()), (0, ""));
        Self {
            child,
            log,
            token: token.out.trim().to_owned(),
            data,
        }
    }

    /// The command of an owner, who can do everything.
    pub(crate) fn command(&self) -> assert_cmd::Command {
        let mut command = command_for(&self.log.url);
        command.env("NEXUS_RAW_TOKEN", &self.token);
        command
    }

    /// Returns the file with the object of a record's URI, whose content comes first in it.
    pub(crate) fn object(&self, uri: &str) -> PathBuf {
        let (_, key) = uri.split_once("s3://nexus-raw/").unwrap();
        let name = Sha256Digest::of(key.as_bytes()).to_string();
        let bucket = self.data.path().join("s3/buckets/nexus-raw");
        bucket.join(&name[..2]).join(name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
