use std::{
    io::{BufRead as _, BufReader, Read},
    net::SocketAddr,
    process::{Child, ChildStderr, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::processor::Process;

/// The service, until it is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Where the store of embedded mode listens.
    pub(crate) s3_endpoint: Option<String>,
    /// The time until it was ready.
    pub(crate) start: Duration,
}

impl Running {
    /// Starts it and waits until it is ready. What it logs, and the events, go into pipes, as under a
    /// service manager, and are read and thrown away.
    pub(crate) fn start(command: &mut Command) -> Self {
        let began = Instant::now();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        discard(child.stdout.take().unwrap());
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let listening = record(&mut log, "listening");
        record(&mut log, "ready");
        let start = began.elapsed();
        // what it has buffered is of no interest
        discard(log.into_inner());
        Self {
            child,
            address: listening["http_address"].as_str().unwrap().parse().unwrap(),
            s3_endpoint: listening["s3_endpoint"].as_str().map(str::to_owned),
            start,
        }
    }

    /// Ends it as a service manager does.
    pub(crate) fn stop(mut self) {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::TERM).unwrap();
        self.child.wait().unwrap();
    }
}

impl Process for Running {
    fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // it may have ended already
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The next record of the log with this message.
fn record(log: &mut BufReader<ChildStderr>, message: &str) -> Value {
    loop {
        let mut line = String::new();
        let read = log.read_line(&mut line).unwrap();
        assert!(read > 0, "the server ended before it was {message}");
        let record: Value = serde_json::from_str(&line).unwrap();
        if record["msg"] == message {
            return record;
        }
    }
}

fn discard(mut from: impl Read + Send + 'static) {
    thread::spawn(move || {
        let mut part = vec![0; 64 * 1024];
        while from.read(&mut part).is_ok_and(|read| read > 0) {}
    });
}
