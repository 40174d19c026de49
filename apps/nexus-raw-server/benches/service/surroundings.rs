use std::{
    fs::{self, File},
    io::Write,
    thread,
    time::{Duration, Instant},
};

use nexus_raw::{ports::Clock, system::SystemClock};

/// What figures depend on: when, on what, and how it was measured.
pub(crate) fn text() -> String {
    let cores = thread::available_parallelism().unwrap();
    let build = if cfg!(debug_assertions) {
        "debug build: of no use as a measure"
    } else {
        "release build"
    };
    format!(
        "Requests against the floor, {}\n\
         {}, {cores} cores, Linux {}, {build}, {:.2} ms a flush to disk\n\
         Client (one thread) and server share the cores. Service: the program in embedded mode,\n\
         SQLite and embedded S3 in its process, a log line for each request.\n",
        SystemClock.now(),
        fact("/proc/cpuinfo", "model name"),
        fs::read_to_string("/proc/sys/kernel/osrelease")
            .unwrap_or_default()
            .trim_end(),
        flush().as_secs_f64() * 1e3,
    )
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
fn flush() -> Duration {
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
