//! The `scrub` command: registered objects are read again, and what is not intact is reported.

mod embedded;
mod sharing;
mod stopping;

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::{caller::Caller, house::House};

/// What a run of the command came to.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The lines of `--json`, the summary last.
    fn lines(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines.map(|it| serde_json::from_str(it).unwrap()).collect()
    }

    fn summary(&self) -> Value {
        let last = self.lines().pop();
        let mut last = last.unwrap_or_else(|| panic!("{self:?}"));
        last["summary"].take()
    }
}

/// The command on all that there is, whatever its age.
fn command(house: &impl House, arguments: &[&str]) -> Command {
    let mut command = house.program();
    command
        .args(["scrub", "--as", "u_operator", "--older-than", "0"])
        .args(["--json", "--requests-per-second", "1000"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn scrub(house: &impl House, arguments: &[&str]) -> Ran {
    Ran::of(command(house, arguments).output().unwrap())
}

/// Registers so many assets, and returns their records.
async fn fill(caller: &Caller, count: u32) -> Vec<Value> {
    let mut records = Vec::new();
    for number in 0..count {
        let content = format!("not quite a photograph {number:04}");
        records.push(caller.put("one.jpg", content.as_bytes()).await.json());
    }
    records
}

/// The ids of the assets with events of this type by the operator, in order.
async fn verified(caller: &Caller, event_type: &str) -> Vec<Value> {
    let path = format!("/nexus/raw/events?limit=1000&event_type={event_type}");
    let mut feed = caller.get(&path).await.json();
    let events = feed["events"].as_array_mut().unwrap().drain(..);
    let ids = events.map(|mut it| {
        assert_eq!(it["user_id"], "u_operator");
        it["asset_id"].take()
    });
    ids.collect()
}

fn ids(records: &[Value]) -> Vec<Value> {
    records.iter().map(|it| it["asset_id"].clone()).collect()
}

fn key(record: &Value) -> String {
    let uri = record["uri"].as_str().unwrap();
    let rest = uri.strip_prefix("s3://").unwrap();
    rest[rest.find('/').unwrap() + 1..].to_owned()
}

fn numbers(summary: &Value) -> Value {
    json!([
        summary["intact"],
        summary["corrupt"],
        summary["missing"],
        summary["unread"],
        summary["ended"]
    ])
}
