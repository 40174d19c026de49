use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    data::{Data, Workload},
    house::{House, Kind},
    processor::ProcessorTime,
};

/// Where `tools/setup rclone` installs it.
const RCLONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.tools/bin/rclone");

/// How often the memory of a program is read. It never shrinks in what is read.
const TICK: Duration = Duration::from_millis(5);

/// What stores files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    NexusRaw,
    Rclone,
}

/// A run of a tool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) took: Duration,
    /// The peak of its resident memory.
    pub(crate) peak_kib: u64,
    pub(crate) processor: ProcessorTime,
}

impl Tool {
    /// Stores all files of the workload.
    pub(crate) fn store(self, house: &House, data: &Data, workload: Workload) -> Measured {
        // nobody pays for what was written before
        assert!(Command::new("sync").status().unwrap().success());
        let path = data.path(workload);
        let output = data.output();
        let mut command = match self {
            Self::NexusRaw => nexus_raw(house, &path),
            Self::Rclone => rclone(house, &path),
        };
        command
            .env("HOME", output.parent().unwrap())
            .stdin(Stdio::null())
            .stdout(File::create(&output).unwrap());
        let measured = measured(&mut command);
        if self == Self::NexusRaw {
            // a line for each record
            let lines = fs::read_to_string(&output).unwrap().lines().count();
            assert_eq!(lines, data.files(workload));
        }
        measured
    }
}

fn nexus_raw(house: &House, path: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nexus-raw"));
    command
        .env_clear()
        .env("NEXUS_RAW_SERVER", house.server.url())
        .env("NEXUS_RAW_TENANT", "t_demo")
        .env("NEXUS_RAW_ENV", "dev")
        .env("NEXUS_RAW_TOKEN", house.server.token(3600))
        .args(["put", "--json", "--quiet"])
        .arg(path);
    command
}

/// Its defaults check digests: MD5, of each object or part.
fn rclone(house: &House, path: &Path) -> Command {
    let program = PathBuf::from(RCLONE);
    assert!(
        program.exists(),
        "rclone is missing: run tools/setup rclone"
    );
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("RCLONE_CONFIG", "/dev/null")
        .env("RCLONE_CONFIG_STORE_TYPE", "s3")
        .env("RCLONE_CONFIG_STORE_PROVIDER", "Other")
        .env("RCLONE_CONFIG_STORE_ENDPOINT", &house.store.endpoint)
        .env("RCLONE_CONFIG_STORE_REGION", &house.store.region)
        .env(
            "RCLONE_CONFIG_STORE_ACCESS_KEY_ID",
            &house.store.access_key_id,
        )
        .env(
            "RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY",
            &house.store.secret_access_key,
        )
        // the bucket is there
        .env("RCLONE_CONFIG_STORE_NO_CHECK_BUCKET", "true")
        .envs(
            // the embedded store lists nothing, and has no uploads in parts but with SHA-256
            (house.kind == Kind::Embedded)
                .then_some([
                    ("RCLONE_S3_UPLOAD_CUTOFF", "5G"),
                    ("RCLONE_MULTI_THREAD_CUTOFF", "5G"),
                    ("RCLONE_NO_CHECK_DEST", "true"),
                ])
                .into_iter()
                .flatten(),
        )
        .arg("copy")
        .arg(path)
        .arg("store:nexus-raw/rclone");
    command
}

fn measured(command: &mut Command) -> Measured {
    let before = ProcessorTime::now();
    let began = Instant::now();
    let mut child = command.spawn().unwrap();
    let status_file = format!("/proc/{}/status", child.id());
    let sampler = thread::spawn(move || {
        let mut peak_kib = 0;
        // a process that has ended has no memory
        while let Some(now) = fs::read_to_string(&status_file)
            .ok()
            .as_deref()
            .and_then(peak_in)
        {
            peak_kib = now.max(peak_kib);
            thread::sleep(TICK);
        }
        peak_kib
    });
    let status = child.wait().unwrap();
    let took = began.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    Measured {
        took,
        peak_kib: sampler.join().unwrap(),
        processor: ProcessorTime::now() - before,
    }
}

fn peak_in(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
