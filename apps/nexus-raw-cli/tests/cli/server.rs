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
use nexus_raw_config::{EMBEDDED_AUDIENCE, EMBEDDED_ISSUER, EmbeddedMode};
use secrecy::ExposeSecret as _;
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
        // a benchmark needs no feature of tests
        let profile: &[&str] = if cfg!(debug_assertions) {
            &["--all-features"]
        } else {
            &["--release"]
        };
        let built = Command::new(env!("CARGO"))
            .args(["build", "--locked", "-p", "nexus-raw-server"])
            .args(profile)
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

/// A store that a server can be started before, and its key pair.
pub(crate) struct ObjectStore {
    pub(crate) endpoint: String,
    pub(crate) region: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
}

/// A server with data of its own, until it is dropped.
pub(crate) struct Server {
    child: Child,
    log: Log,
    token: String,
    data: TempDir,
}

impl Server {
    /// Starts it in embedded mode.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with some settings.
    pub(crate) fn start_with(settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut command = program();
        command.args(["--embedded".as_ref(), "--data-dir".as_ref(), data.path()]);
        command.envs(PORTS).envs(settings.iter().copied());
        Self::start_by(&mut command, data)
    }

    /// Starts it before another store, which has the bucket `nexus-raw`.
    pub(crate) fn before(store: &ObjectStore) -> Self {
        let data = tempfile::tempdir().unwrap();
        // of embedded mode only the secret, by which the command makes tokens
        let mode = EmbeddedMode::prepare(data.path()).unwrap();
        let [http, metrics, _] = PORTS;
        let mut command = program();
        command.current_dir(data.path()).envs([
            http,
            metrics,
            ("NEXUS_RAW_STORAGE__BUCKET", "nexus-raw"),
            ("NEXUS_RAW_STORAGE__REGION", &store.region),
            ("NEXUS_RAW_STORAGE__ENDPOINT", &store.endpoint),
            ("NEXUS_RAW_STORAGE__FORCE_PATH_STYLE", "true"),
            ("NEXUS_RAW_STORAGE__ACCESS_KEY_ID", &store.access_key_id),
            (
                "NEXUS_RAW_STORAGE__SECRET_ACCESS_KEY",
                &store.secret_access_key,
            ),
            ("NEXUS_RAW_CATALOG__URL", "sqlite:catalog.sqlite"),
            ("NEXUS_RAW_IDENTITY__ISSUER", EMBEDDED_ISSUER),
            ("NEXUS_RAW_IDENTITY__AUDIENCE", EMBEDDED_AUDIENCE),
            (
                "NEXUS_RAW_IDENTITY__HS256_SECRET",
                mode.secrets().hs256_secret.expose_secret(),
            ),
        ]);
        drop(mode);
        Self::start_by(&mut command, data)
    }

    fn start_by(command: &mut Command, data: TempDir) -> Self {
        let mut child = command.spawn().unwrap();
        let log = Log::until_ready(child.stderr.take().unwrap());
        let mut server = Self {
            child,
            log,
            token: String::new(),
            data,
        };
        server.token = server.token(3600);
        server
    }

    /// Returns a token of an owner.
    pub(crate) fn token(&self, ttl_seconds: u32) -> String {
        let mut token = command();
        token.args(["token", "--tenant", "t_demo", "--role", "owner"]);
        token.args(["--ttl-seconds", &ttl_seconds.to_string()]);
        let token = run(token.arg("--data-dir"), [self.data.path().as_os_str()]);
        assert_eq!((token.exit, token.err.as_str()), (0, ""));
        token.out.trim().to_owned()
    }

    /// Returns the store of embedded mode.
    pub(crate) fn store(&self) -> ObjectStore {
        let mode = EmbeddedMode::open_existing(self.data.path()).unwrap();
        let secrets = mode.secrets();
        let mut endpoints = self.log.seen.iter().filter_map(|line| {
            let record: Value = serde_json::from_str(line).ok()?;
            record["s3_endpoint"].as_str().map(str::to_owned)
        });
        ObjectStore {
            endpoint: endpoints.next_back().unwrap(),
            region: "us-east-1".to_owned(),
            access_key_id: secrets.s3_access_key_id.expose_secret().to_owned(),
            secret_access_key: secrets.s3_secret_access_key.expose_secret().to_owned(),
        }
    }

    /// The command of an owner, who can do everything.
    pub(crate) fn command(&self) -> assert_cmd::Command {
        let mut command = command_for(&self.log.url);
        command.env("NEXUS_RAW_TOKEN", &self.token);
        command
    }

    /// The same, with an output of the caller's choice.
    pub(crate) fn command_into(&self, out: impl Into<Stdio>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nexus-raw"));
        command
            .env_clear()
            .env("NEXUS_RAW_SERVER", &self.log.url)
            .env("NEXUS_RAW_TENANT", "t_demo")
            .env("NEXUS_RAW_ENV", "dev")
            .env("NEXUS_RAW_TOKEN", &self.token)
            .stdin(Stdio::null())
            .stdout(out);
        command
    }

    pub(crate) fn url(&self) -> &str {
        &self.log.url
    }

    pub(crate) fn data_dir(&self) -> &str {
        self.data.path().to_str().unwrap()
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

/// The server, with nothing of this machine's environment.
fn program() -> Command {
    let mut command = Command::new(programs().join("nexus-raw-server"));
    command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}
