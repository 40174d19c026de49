//! The real service and the real store, with a fault-injecting proxy before each.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
    thread,
};

use nexus_raw_testkit::FaultyProxy;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    run::Ran,
    server::{ObjectStore, Server},
};

/// How many services share the cases of a test: most of a case is waiting.
const SITES: usize = 4;

/// A service whose store is that of a server in embedded mode. The command and the service reach
/// the store by one proxy, and the command reaches the service by the other.
pub(crate) struct Site {
    pub(crate) store: FaultyProxy,
    pub(crate) service: Arc<FaultyProxy>,
    pub(crate) token: String,
    /// Where the command keeps its state and the test its files.
    directory: TempDir,
    server: Server,
    embedded: Server,
}

impl Site {
    pub(crate) fn start() -> Self {
        let embedded = Server::start();
        let store = FaultyProxy::before(&embedded.store().endpoint);
        let server = Server::before(&ObjectStore {
            endpoint: store.endpoint(),
            ..embedded.store()
        });
        Self {
            token: server.token(3600),
            service: Arc::new(FaultyProxy::before(server.url())),
            store,
            directory: tempfile::tempdir().unwrap(),
            server,
            embedded,
        }
    }

    /// Returns another token of the same user.
    pub(crate) fn other_token(&self) -> String {
        self.server.token(3000)
    }

    /// Returns a path in the site's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file of this size in which every MiB is another one: all zeros, but for its start.
    pub(crate) fn file(&self, name: &str, bytes: u64) -> PathBuf {
        const MIB: usize = 1024 * 1024;
        let path = self.path(name);
        let mut file = File::create(&path).unwrap();
        file.set_len(bytes).unwrap();
        for start in (0..bytes).step_by(MIB) {
            let text = format!("{name} at {start}");
            let length = text
                .len()
                .min(usize::try_from(bytes - start).unwrap_or(MIB));
            file.seek(SeekFrom::Start(start)).unwrap();
            file.write_all(&text.as_bytes()[..length]).unwrap();
        }
        path
    }

    /// The command of an owner, whose state is kept from one run to the next.
    pub(crate) fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("nexus-raw"));
        command
            .env_clear()
            .env("NEXUS_RAW_SERVER", self.service.endpoint())
            .env("NEXUS_RAW_TENANT", "t_demo")
            .env("NEXUS_RAW_ENV", "dev")
            .env("NEXUS_RAW_TOKEN", &self.token)
            .env("XDG_STATE_HOME", self.path("state"))
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The command that uploads this file, with its record as JSON on standard output.
    pub(crate) fn put<'a>(&self, file: &'a Path, args: &[&'a str]) -> Command {
        let put = ["put", file.to_str().unwrap(), "--json"];
        self.command(put.into_iter().chain(args.iter().copied()))
    }

    /// Checks that `file` is registered exactly once, as in the `output` of `put`, and that its
    /// object is the file.
    pub(crate) fn assert_stored(&self, case: &str, output: &str, file: &Path) {
        let record: Value = serde_json::from_str(output).unwrap_or_default();
        assert!(record.is_object(), "{case}: {output}");
        let sha256 = record["sha256"].as_str().unwrap();
        let listed = ran(self.command(["ls", "--json", "--sha256", sha256]));
        let ids = listed.out.lines().map(|line| {
            let listed: Value = serde_json::from_str(line).unwrap();
            listed["asset_id"].clone()
        });
        assert_eq!(
            ids.collect::<Vec<_>>(),
            [record["asset_id"].clone()],
            "{case}"
        );
        let object = self.embedded.object(record["uri"].as_str().unwrap());
        assert!(starts_with(&object, file), "{case}: another object");
    }

    /// The same for a file that was stored with others.
    pub(crate) fn assert_one_of(&self, case: &str, output: &str, file: &Path) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let records = output.lines().filter(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            record["filename"] == name
        });
        let records: Vec<_> = records.collect();
        assert_eq!(records.len(), 1, "{case}: {output}");
        self.assert_stored(case, records[0], file);
    }
}

/// Runs a command to its end.
pub(crate) fn ran(mut command: Command) -> Ran {
    of_output(command.output().unwrap())
}

/// Returns how a command ended; one that was killed has the exit code -1.
pub(crate) fn of_output(output: Output) -> Ran {
    Ran {
        exit: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Returns whether a file begins with all of another one.
fn starts_with(long: &Path, short: &Path) -> bool {
    let length = short.metadata().unwrap().len();
    let (mut long, mut short) = (
        File::open(long).unwrap().take(length),
        File::open(short).unwrap(),
    );
    let (mut left, mut right) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let read = short.read(&mut right).unwrap();
        if read == 0 {
            return true;
        }
        if long.read_exact(&mut left[..read]).is_err() || left[..read] != right[..read] {
            return false;
        }
    }
}

/// Runs each share of the cases on a service of its own, all of them, and reports all failures.
pub(crate) fn shared<T: Send + Clone>(cases: Vec<T>, run: impl Fn(&Site, T) + Sync) {
    let mut shares: Vec<Vec<T>> = (0..SITES).map(|_| Vec::new()).collect();
    for (index, case) in cases.into_iter().enumerate() {
        shares[index % SITES].push(case);
    }
    let failures: usize = thread::scope(|scope| {
        let running = shares.into_iter().map(|share| {
            let run = &run;
            scope.spawn(move || {
                let site = Site::start();
                let failed = share.into_iter().filter(|case| {
                    let case = AssertUnwindSafe(|| run(&site, case.clone()));
                    catch_unwind(case).is_err()
                });
                failed.count()
            })
        });
        let running: Vec<_> = running.collect();
        running.into_iter().map(|it| it.join().unwrap()).sum()
    });
    assert_eq!(failures, 0, "cases failed, as reported above");
}
