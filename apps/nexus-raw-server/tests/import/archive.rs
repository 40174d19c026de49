use std::{
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use nexus_raw::asset::Sha256Digest;
use nexus_raw_testkit::s3::{Endpoint, encode_path};
use serde_json::Value;

use crate::house::House;

/// A house without a running server, and a bucket with objects that it does not know.
pub(crate) struct Archive<H> {
    pub(crate) house: H,
    /// Another one than that of the house, where the store has several.
    pub(crate) bucket: String,
}

pub(crate) const PREFIX: &str = "archive/2024/";

/// What a run of the command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The lines of `--json`.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines.map(|it| serde_json::from_str(it).unwrap()).collect()
    }

    pub(crate) fn summary(&self) -> Value {
        let last = self.lines().pop();
        let mut last = last.unwrap_or_else(|| panic!("{self:?}"));
        last["summary"].take()
    }

    /// The kinds and keys, in the order of the keys.
    pub(crate) fn kinds(&self) -> Vec<(String, String)> {
        let text = |it: &Value| it.as_str().map(str::to_owned);
        let mut kinds: Vec<_> = self
            .lines()
            .iter()
            .filter_map(|it| Some((text(&it["kind"])?, text(&it["key"])?)))
            .collect();
        kinds.sort_by(|a, b| a.1.cmp(&b.1));
        kinds
    }
}

impl<H: House> Archive<H> {
    pub(crate) fn open() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let house = H::open();
        // probes the store, and creates a catalogue in a file
        house.start().stop();
        let bucket = match house.seaweedfs() {
            None => house.bucket().to_owned(),
            Some(store) => {
                let bucket = format!("archive-{}", MADE.fetch_add(1, Ordering::Relaxed));
                let made = store.s3().signed("PUT", &format!("/{bucket}"), &[], b"");
                assert_eq!(made.error(), (200, String::new()));
                bucket
            }
        };
        Self { house, bucket }
    }

    /// Writes objects there.
    pub(crate) fn fill<'a>(&self, objects: impl IntoIterator<Item = (&'a str, &'a [u8])>) {
        let (endpoint, _running) = self.house.store_alone();
        for (key, content) in objects {
            let target = format!("/{}/{}", self.bucket, encode_path(key));
            // a type that says nothing, which SeaweedFS would otherwise guess from the content
            let nothing = [("content-type", "binary/octet-stream")];
            let written = endpoint.signed("PUT", &target, &nothing, content);
            assert_eq!(written.error(), (200, String::new()), "{key}");
        }
    }

    pub(crate) fn source(&self) -> String {
        format!("s3://{}/{PREFIX}", self.bucket)
    }

    /// The command on the archive.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_on(&self.source(), arguments)
    }

    pub(crate) fn command_on(&self, source: &str, arguments: &[&str]) -> Command {
        let mut command = self.house.program();
        command
            .args(["import", source, "--tenant", "t_demo", "--env", "dev"])
            .args(["--as", "u_operator", "--json"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    /// Bucket and catalogue agree: nothing was left behind.
    pub(crate) fn assert_sound(&self) {
        for command in ["reconcile", "check-catalogue"] {
            let ran = Ran::of(self.house.program().arg(command).output().unwrap());
            assert_eq!(ran.code, Some(0), "{command}: {ran:?}");
        }
    }
}

/// The digest of the content of each object, as the service's bucket has it.
pub(crate) fn digest_at(endpoint: &Endpoint, uri: &str) -> String {
    let target = uri.strip_prefix("s3:/").unwrap();
    let found = endpoint.signed("GET", &encode_path(target), &[], b"");
    assert_eq!(found.status, 200, "{uri}");
    Sha256Digest::of(&found.body).to_string()
}
