use std::{fmt, io, path::PathBuf};

/// How many faults are named.
const NAMED: usize = 100;

/// The faults of a manifest, each with its line. Nothing was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestFaults {
    lines: Vec<String>,
    more: u64,
}

impl std::error::Error for ManifestFaults {}

impl fmt::Display for ManifestFaults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.lines.join("\n"))?;
        if self.more > 0 {
            write!(out, "\nand {} more", self.more)?;
        }
        Ok(())
    }
}

/// The error of a manifest. Nothing was imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// It has faults.
    #[error("the manifest has faults")]
    Faults(#[from] ManifestFaults),
}

/// Faults while a manifest is read.
#[derive(Debug, Default)]
pub(in crate::import) struct FaultLines {
    lines: Vec<String>,
    more: u64,
}

impl FaultLines {
    pub(in crate::import) fn add(&mut self, line: u64, fault: impl fmt::Display) {
        if self.lines.len() < NAMED {
            self.lines.push(format!("line {line}: {fault}"));
        } else {
            self.more += 1;
        }
    }

    pub(in crate::import) fn end(self) -> Result<(), ManifestFaults> {
        let Self { lines, more } = self;
        if lines.is_empty() {
            Ok(())
        } else {
            Err(ManifestFaults { lines, more })
        }
    }
}
