use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use nexus_raw_config::{EMBEDDED_AUDIENCE, EMBEDDED_ISSUER};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::{
    house::Store,
    processor::{self, Memory, Process},
    service,
};

/// Where `tools/setup fastapi` puts its libraries.
const LIBRARIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.tools/fastapi");
/// Where the app is.
const APP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/service/fastapi");

/// What users would write instead, by uvicorn with as many processes as there are cores.
pub(crate) struct FastApi {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl FastApi {
    pub(crate) fn start(store: &Store, token_secret: &str) -> Self {
        let workers = thread::available_parallelism().unwrap();
        let mut child = Command::new("python3")
            .args([
                "-m",
                "uvicorn",
                "app:app",
                "--host",
                "127.0.0.1",
                "--port",
                "0",
            ])
            .args(["--loop", "uvloop", "--http", "httptools", "--no-access-log"])
            .args(["--workers", &workers.to_string()])
            .current_dir(APP)
            .env("PYTHONPATH", LIBRARIES)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("BENCH_BUCKET", "nexus-raw")
            .env("BENCH_ENDPOINT", &store.endpoint)
            .env("BENCH_ACCESS_KEY_ID", &store.access_key_id)
            .env("BENCH_SECRET_ACCESS_KEY", &store.secret_access_key)
            .env("BENCH_TOKEN_SECRET", token_secret)
            .env("BENCH_TOKEN_ISSUER", EMBEDDED_ISSUER)
            .env("BENCH_TOKEN_AUDIENCE", EMBEDDED_AUDIENCE)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let (mut address, mut started, mut text) = (None, 0, String::new());
        while started < workers.get() {
            let begin = text.len();
            let read = log.read_line(&mut text).unwrap();
            assert!(read > 0, "run `tools/setup fastapi` first: {text}");
            let line = &text[begin..];
            if let Some((_, url)) = line.split_once("running on http://") {
                address = url.split_whitespace().next().unwrap().parse().ok();
            }
            started += usize::from(line.contains("startup complete"));
        }
        thread::spawn(move || {
            let mut part = vec![0; 4096];
            while log.read(&mut part).is_ok_and(|read| read > 0) {}
        });
        Self {
            child,
            address: address.unwrap(),
        }
    }

    /// The body of its register: it has no intent from which it would know the name.
    pub(crate) fn statement(asset_id: &str, filename: &str) -> String {
        let mut statement: Value = serde_json::from_str(&service::statement(asset_id)).unwrap();
        statement["filename"] = json!(filename);
        statement.to_string()
    }

    /// What all its processes occupy, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let workers = processor::descendants(self.id());
        let all = workers.into_iter().chain([self.id()]);
        all.map(|process| Memory::of(process).resident).sum()
    }
}

impl Process for FastApi {
    fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for FastApi {
    fn drop(&mut self) {
        // it ends its workers
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        for _ in 0..100 {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        for worker in processor::descendants(self.id()) {
            let worker = i32::try_from(worker).ok().and_then(Pid::from_raw);
            let _ = worker.map(|it| kill_process(it, Signal::KILL));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
