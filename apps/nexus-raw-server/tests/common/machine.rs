use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use nexus_raw::{
    system::SystemClock,
    tenancy::{Role, TenantId, UserId},
};
use nexus_raw_config::{EMBEDDED_AUDIENCE, EMBEDDED_ISSUER, EmbeddedMode};
use nexus_raw_identity_jwt::{JwtSettings, KeySettings, TokenIssuer, TokenRequest};
use nexus_raw_testkit::s3::Endpoint;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A machine with a data directory and no server yet.
pub(crate) struct Machine {
    directory: TempDir,
}

/// A server that listens, and may not be ready yet.
pub(crate) struct Starting(Server);

/// A server that is ready.
pub(crate) struct Server {
    child: Child,
    /// Where the API listens.
    pub(crate) address: SocketAddr,
    /// Where its metrics are served.
    pub(crate) metrics: SocketAddr,
    /// Where the store of embedded mode listens.
    pub(crate) s3_endpoint: Option<String>,
    log: Receiver<String>,
    output: Receiver<String>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// The program, with no configuration but free ports.
    pub(crate) fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nexus-raw-server"));
        command
            .env_clear()
            .env("NEXUS_RAW_HTTP__BIND", "127.0.0.1:0")
            .env("NEXUS_RAW_METRICS__BIND", "127.0.0.1:0")
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }

    /// The program, in embedded mode.
    pub(crate) fn embedded(&self) -> Command {
        let mut command = self.program();
        command
            .env("NEXUS_RAW_EMBEDDED__S3_BIND", "127.0.0.1:0")
            .arg("--embedded")
            .arg("--data-dir")
            .arg(self.data_dir());
        command
    }

    /// Starts it, and waits until it is ready.
    pub(crate) fn start(&self) -> Server {
        Self::start_by(&mut self.embedded())
    }

    /// The same, by a command of one's own.
    pub(crate) fn start_by(command: &mut Command) -> Server {
        Self::spawn(command).ready()
    }

    /// The same, of a program that may end before it is ready: then its exit status and its log.
    pub(crate) fn start_or_end(command: &mut Command) -> Result<Server, (ExitStatus, Vec<String>)> {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = lines(child.stderr.take().unwrap());
        let output = lines(child.stdout.take().unwrap());
        let (mut listens, mut logged) = (None, Vec::new());
        loop {
            let Ok(line) = log.recv_timeout(PATIENCE) else {
                return Err((child.wait().unwrap(), logged));
            };
            let record: Value = serde_json::from_str(&line).unwrap_or_default();
            if record["msg"] == "listening" {
                let of = |name: &str| record[name].as_str().unwrap().parse().unwrap();
                listens = Some((of("http_address"), of("metrics_address")));
            }
            if record["msg"] == "ready" {
                let (address, metrics) = listens.unwrap();
                return Ok(Server {
                    address,
                    metrics,
                    s3_endpoint: None,
                    child,
                    log,
                    output,
                });
            }
            logged.push(line);
        }
    }

    /// Starts it, and waits until it listens.
    pub(crate) fn spawn(command: &mut Command) -> Starting {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = lines(child.stderr.take().unwrap());
        let output = lines(child.stdout.take().unwrap());
        let listening = wait_for(&log, "listening");
        let of = |name: &str| listening[name].as_str().unwrap().parse().unwrap();
        Starting(Server {
            address: of("http_address"),
            metrics: of("metrics_address"),
            s3_endpoint: listening["s3_endpoint"].as_str().map(str::to_owned),
            child,
            log,
            output,
        })
    }

    /// The store of embedded mode behind the server's back, with the key pair that may do anything.
    pub(crate) fn store(&self, server: &Server) -> Endpoint {
        let mode = EmbeddedMode::open_existing(&self.data_dir()).unwrap();
        let secrets = mode.secrets();
        Endpoint::at(
            server.s3_endpoint.as_deref().unwrap(),
            "us-east-1",
            secrets.s3_access_key_id.expose_secret(),
            secrets.s3_secret_access_key.expose_secret(),
        )
    }

    /// A token for the server, as an identity provider makes it.
    pub(crate) fn token(&self, tenant: &str, role: Role) -> String {
        self.token_for(&[tenant], role)
    }

    /// The same, with this role in each of several tenants.
    pub(crate) fn token_for(&self, tenants: &[&str], role: Role) -> String {
        self.token_of(UserId::parse("u_demo").unwrap(), tenants, role)
    }

    /// The same, of another user.
    pub(crate) fn token_of(&self, user: UserId, tenants: &[&str], role: Role) -> String {
        let mode = EmbeddedMode::open_existing(&self.data_dir()).unwrap();
        let keys = KeySettings::Hs256 {
            secret: mode.secrets().hs256_secret.clone(),
            previous: None,
        };
        let settings = JwtSettings::new(EMBEDDED_ISSUER, EMBEDDED_AUDIENCE, keys);
        let issuer = TokenIssuer::new(settings, Arc::new(SystemClock)).unwrap();
        let request = TokenRequest {
            user,
            memberships: tenants
                .iter()
                .map(|tenant| (TenantId::parse(tenant).unwrap(), Some(role)))
                .collect(),
            ttl: Duration::from_hours(1),
        };
        issuer.issue(&request).unwrap()
    }
}

impl Starting {
    /// Where the API listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Waits until it is ready.
    pub(crate) fn ready(self) -> Server {
        wait_for(&self.0.log, "ready");
        self.0
    }
}

impl Server {
    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line on standard output, which must come in time.
    pub(crate) fn line(&self, patience: Duration) -> String {
        self.output.recv_timeout(patience).unwrap()
    }

    /// The next so many events on standard output.
    pub(crate) fn events(&self, count: usize) -> Vec<Value> {
        (0..count)
            .map(|_| {
                let line = self.line(PATIENCE);
                let mut line: Value = serde_json::from_str(&line).unwrap();
                line["event"].take()
            })
            .collect()
    }

    /// The next record on standard error with this message.
    pub(crate) fn wait_for(&self, message: &str) -> Value {
        wait_for(&self.log, message)
    }

    /// Kills it by SIGKILL: no handler runs, nothing is flushed. What it wrote on standard output.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.output.iter().collect()
    }

    /// Waits for it to end by itself, which it must do before long. What it wrote on both outputs.
    pub(crate) fn ended(mut self) -> (ExitStatus, Vec<String>, Vec<String>) {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "it did not end");
            thread::sleep(Duration::from_millis(5));
        };
        (
            status,
            self.output.iter().collect(),
            self.log.iter().collect(),
        )
    }

    /// Ends it as a service manager does; returns what it still wrote on both outputs.
    pub(crate) fn stop(mut self) -> (ExitStatus, Vec<String>, Vec<String>) {
        let pid = self.child.id().to_string();
        let signalled = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(signalled.success());
        let status = self.child.wait().unwrap();
        (
            status,
            self.output.iter().collect(),
            self.log.iter().collect(),
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // it has ended already where the test stopped it
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A photograph of the fixtures.
pub(crate) fn photograph(name: &str) -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/photos");
    std::fs::read(fixtures.join(name)).unwrap()
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            if sender.send(line.unwrap()).is_err() {
                break;
            }
        }
    });
    lines
}

/// The first record with this message.
fn wait_for(log: &Receiver<String>, message: &str) -> Value {
    loop {
        let line = log.recv_timeout(PATIENCE).unwrap();
        let record: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("no record: {line}"));
        if record["msg"] == message {
            return record;
        }
    }
}
