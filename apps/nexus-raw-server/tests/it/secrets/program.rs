use std::{
    fs,
    io::Read,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{evidence::Evidence, http::Request};

const PATIENCE: Duration = Duration::from_secs(30);

/// A running server, with any log format. It is killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    outputs: [Output; 2],
    pub(crate) address: SocketAddr,
    metrics: SocketAddr,
}

struct Output {
    written: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Program {
    /// Starts it, and waits until it is ready.
    pub(crate) async fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let outputs = [
            Output::of(child.stdout.take().unwrap()),
            Output::of(child.stderr.take().unwrap()),
        ];
        let mut program = Self {
            child,
            outputs,
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
            metrics: SocketAddr::from(([0, 0, 0, 0], 0)),
        };
        let began = Instant::now();
        while !program.is_ready().await {
            assert!(began.elapsed() < PATIENCE, "{}", program.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        program
    }

    async fn is_ready(&mut self) -> bool {
        let log = self.log();
        let of = |name| listening(&log, name);
        let (Some(address), Some(metrics)) = (of("http_address"), of("metrics_address")) else {
            return false;
        };
        (self.address, self.metrics) = (address, metrics);
        let probe = Request::new(address, "GET", "/readyz");
        let answer = probe.send_to_the_end().await;
        answer.is_some_and(|answer| answer.status == 200)
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&self.outputs[1].written.lock().unwrap()).into_owned()
    }

    /// Takes its metrics.
    pub(crate) async fn take_metrics(&self, evidence: &mut Evidence) {
        let answer = Request::new(self.metrics, "GET", "/metrics").send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        evidence.take_answer("metrics", &answer);
    }

    /// What others on the machine see of it.
    pub(crate) fn take_arguments(&self, evidence: &mut Evidence) {
        let file = format!("/proc/{}/cmdline", self.child.id());
        evidence.take("the arguments", fs::read(file).unwrap());
    }

    /// Ends it by SIGTERM, and takes all that it ever wrote. Its events come by standard output.
    pub(crate) fn end(mut self, evidence: &mut Evidence) {
        let pid = self.child.id().to_string();
        let signalled = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(signalled.success());
        assert!(self.child.wait().unwrap().success(), "{}", self.log());
        for (output, name) in self.outputs.iter_mut().zip(["events", "log"]) {
            output.reader.take().unwrap().join().unwrap();
            let written = output.written.lock().unwrap().clone();
            assert!(!written.is_empty(), "no {name}");
            evidence.take(name, written);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // it has ended already where the test came to its end
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Output {
    fn of(mut from: impl Read + Send + 'static) -> Self {
        let written = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&written);
        let reader = thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut chunk) {
                to.lock().unwrap().extend(&chunk[..length]);
            }
        });
        Self {
            written,
            reader: Some(reader),
        }
    }
}

/// Where it says that it listens, in a line of either form.
fn listening(log: &str, name: &str) -> Option<SocketAddr> {
    let (_, rest) = log.split_once(name)?;
    let start = rest.find(|it: char| it.is_ascii_digit())?;
    let (line, _) = rest[start..].split_once('\n')?;
    let end = line.find(|it: char| !it.is_ascii_digit() && !".:".contains(it));
    line[..end.unwrap_or(line.len())].parse().ok()
}
