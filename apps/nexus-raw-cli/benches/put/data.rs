use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    process::Command,
};

use tempfile::TempDir;

/// The size of a small file.
const SMALL_BYTES: usize = 4096;

/// Small files in a directory.
const PER_DIRECTORY: usize = 100;

/// What is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    /// One file.
    Large,
    /// A directory.
    Small,
}

/// The files that are stored. Their bytes are random: a store may compress others.
pub(crate) struct Data {
    directory: TempDir,
    pub(crate) large_bytes: u64,
    pub(crate) small_files: usize,
}

impl Data {
    /// Writes all files, in a directory for temporary ones.
    ///
    /// # Panics
    /// If there is no room for the large file and two copies in the store, each twice while its
    /// parts are put together.
    pub(crate) fn write(quick: bool) -> Self {
        let (large_mib, small_files) = if quick { (256, 1000) } else { (2048, 10_000) };
        let directory = tempfile::tempdir().unwrap();
        let needed = 5 * large_mib;
        let room = room_mib(&directory);
        assert!(
            room >= needed,
            "{} has room for {room} MiB, and {needed} are needed: set TMPDIR to another directory",
            directory.path().display()
        );
        let mut bytes = Bytes(0x5eed);
        let mut mib = vec![0; 1 << 20];
        let mut large = File::create(directory.path().join("large")).unwrap();
        for _ in 0..large_mib {
            bytes.fill(&mut mib);
            large.write_all(&mib).unwrap();
        }
        for number in 0..small_files {
            let place = directory
                .path()
                .join(format!("small/{:03}", number / PER_DIRECTORY));
            if number % PER_DIRECTORY == 0 {
                fs::create_dir_all(&place).unwrap();
            }
            bytes.fill(&mut mib[..SMALL_BYTES]);
            fs::write(place.join(format!("{number:06}")), &mib[..SMALL_BYTES]).unwrap();
        }
        Self {
            directory,
            large_bytes: large_mib << 20,
            small_files,
        }
    }

    pub(crate) fn path(&self, workload: Workload) -> PathBuf {
        self.directory.path().join(match workload {
            Workload::Large => "large",
            Workload::Small => "small",
        })
    }

    /// Returns a path for what a program prints.
    pub(crate) fn output(&self) -> PathBuf {
        self.directory.path().join("output")
    }

    /// The number of files.
    pub(crate) fn files(&self, workload: Workload) -> usize {
        match workload {
            Workload::Large => 1,
            Workload::Small => self.small_files,
        }
    }
}

/// Bytes of a linear congruential generator (Knuth, MMIX).
struct Bytes(u64);

impl Bytes {
    fn fill(&mut self, buffer: &mut [u8]) {
        for four in buffer.chunks_exact_mut(4) {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            four.copy_from_slice(&self.0.to_le_bytes()[4..]);
        }
    }
}

/// Returns how much can be written to the file system of a directory.
fn room_mib(directory: &TempDir) -> u64 {
    let told = Command::new("df")
        .args(["-P", "-m"])
        .arg(directory.path())
        .output()
        .unwrap();
    let table = String::from_utf8(told.stdout).unwrap();
    let row = table.lines().nth(1).unwrap();
    row.split_whitespace().nth(3).unwrap().parse().unwrap()
}
