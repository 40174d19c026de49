use std::{fs, path::PathBuf, time::Duration};

use serde_json::Value;

/// How much is measured, and how long.
pub(crate) struct Plan {
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    /// Of each load that is not of a number of requests.
    pub(crate) time: Duration,
    /// The assets that are read again and again.
    pub(crate) hot: usize,
    /// The requests that can be sent once only, in each round.
    pub(crate) distinct: usize,
    pub(crate) connections: usize,
    /// Another program than the one that was built with the benchmark.
    pub(crate) program: Option<PathBuf>,
    /// The parts to run; all by default.
    parts: Option<Vec<String>>,
    /// Where all figures go as JSON, besides the last line.
    json: Option<PathBuf>,
}

impl Plan {
    /// Reads what follows `cargo bench … --`.
    pub(crate) fn of(arguments: &[String]) -> Self {
        let value = |name: &str| {
            let at = arguments.iter().position(|it| it == name)?;
            arguments.get(at + 1)
        };
        let quick = arguments.iter().any(|it| it == "--quick");
        let rounds = value("--rounds").map(|it| it.parse().unwrap());
        Self {
            quick,
            rounds: rounds.unwrap_or(if quick { 2 } else { 5 }),
            time: Duration::from_millis(if quick { 500 } else { 2000 }),
            hot: if quick { 2000 } else { 10_000 },
            distinct: if quick { 1000 } else { 3000 },
            connections: 64,
            program: value("--server").map(PathBuf::from),
            parts: value("--parts").map(|it| it.split(',').map(str::to_owned).collect()),
            json: value("--json").map(PathBuf::from),
        }
    }

    /// Prints all figures as the last line, and writes them where the arguments say.
    pub(crate) fn publish(&self, all: &Value) {
        if let Some(path) = &self.json {
            fs::write(path, all.to_string()).unwrap();
        }
        println!("\n{all}");
    }

    pub(crate) fn has(&self, part: &str) -> bool {
        let parts = self.parts.as_ref();
        parts.is_none_or(|parts| parts.iter().any(|it| it == part))
    }
}
