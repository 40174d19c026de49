use std::{collections::BTreeMap, fmt, io, path::PathBuf};

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

/// Faults while a manifest is read: the first by line, in the order of lines.
#[derive(Debug, Default)]
pub(in crate::import) struct FaultLines {
    /// By line, and by how many were found before.
    named: BTreeMap<(u64, u64), String>,
    found: u64,
}

impl FaultLines {
    pub(in crate::import) fn add(&mut self, line: u64, fault: impl fmt::Display) {
        let fault = format!("line {line}: {fault}");
        self.named.insert((line, self.found), fault);
        self.found += 1;
        if self.named.len() > NAMED {
            self.named.pop_last();
        }
    }

    pub(in crate::import) fn end(self) -> Result<(), ManifestFaults> {
        if self.named.is_empty() {
            return Ok(());
        }
        let more = self.found - self.named.len() as u64;
        let lines = self.named.into_values().collect();
        Err(ManifestFaults { lines, more })
    }
}
