use std::{
    fmt,
    fs::{self, File},
    io::Write,
    thread,
    time::{Duration, Instant},
};

use nexus_raw::{ports::Clock, system::SystemClock};
use serde_json::{Value, json};

use crate::arguments::Plan;

/// What figures depend on: when, on what, and how it was measured.
pub(crate) struct Surroundings {
    at: String,
    processor: String,
    cores: usize,
    kernel: String,
    build: &'static str,
    /// The load average of the last minute, before anything was measured.
    load: String,
    flush: Duration,
    plan: String,
}

impl Surroundings {
    pub(crate) fn of(plan: &Plan) -> Self {
        let text = |file: &str| fs::read_to_string(file).unwrap_or_default();
        Self {
            at: SystemClock.now().to_string(),
            processor: fact("/proc/cpuinfo", "model name"),
            cores: thread::available_parallelism().unwrap().get(),
            kernel: text("/proc/sys/kernel/osrelease").trim_end().to_owned(),
            build: if cfg!(debug_assertions) {
                "debug build: of no use as a measure"
            } else {
                "release build"
            },
            load: text("/proc/loadavg")
                .split_whitespace()
                .next()
                .unwrap_or("unknown")
                .to_owned(),
            flush: flush(),
            plan: format!(
                "{} rounds, {} ms each, {} connections, {} assets read again and again, {} sent once",
                plan.rounds,
                plan.time.as_millis(),
                plan.connections,
                plan.hot,
                plan.distinct
            ),
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "at": self.at,
            "processor": self.processor,
            "cores": self.cores,
            "kernel": self.kernel,
            "build": self.build,
            "load_average": self.load,
            "flush_ms": self.flush.as_secs_f64() * 1e3,
            "plan": self.plan,
        })
    }
}

impl fmt::Display for Surroundings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at,
            processor,
            cores,
            kernel,
            build,
            load,
            flush,
            plan,
        } = self;
        write!(
            out,
            "Requests against the floor, {at}\n\
             {processor}, {cores} cores, Linux {kernel}, {build}\n\
             load average {load} before the start, {:.2} ms a flush to disk\n\
             {plan}\n\
             Client, server, store and database share the cores. The service has its defaults: durable,\n\
             no rate limit (limits.requests_per_second = 0), a log line for each request and each event\n\
             on standard output, both read through pipes by the client's process.\n",
            flush.as_secs_f64() * 1e3,
        )
    }
}

/// The first value of this name.
fn fact(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut values = text.lines().filter_map(|line| line.split_once(':'));
    let value = values.find(|(it, _)| it.trim() == name);
    value.map_or_else(
        || "unknown".to_owned(),
        |(_, value)| value.trim().to_owned(),
    )
}

/// What the median of writing a page and flushing it takes, where the service keeps its data: every
/// write waits for one such.
pub(crate) fn flush() -> Duration {
    let directory = tempfile::tempdir().unwrap();
    let mut file = File::create(directory.path().join("page")).unwrap();
    let mut took: Vec<Duration> = (0..51)
        .map(|_| {
            let began = Instant::now();
            file.write_all(&[0; 4096]).unwrap();
            file.sync_data().unwrap();
            began.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[took.len() / 2]
}
