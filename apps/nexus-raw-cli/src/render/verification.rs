use std::{io::Write, path::Path};

use nexus_raw::asset::{ContentFacts, Sha256Digest, Verdict};
use serde::Deserialize;

use super::{Escaped, read, text::bytes};
use crate::failure::Failure;

/// What the service found when it read an object again. Members of a later version are ignored.
#[derive(Deserialize)]
pub(crate) struct Verification {
    pub(crate) verdict: Verdict,
    sha256: Option<Sha256Digest>,
    size_bytes: Option<u64>,
    verified_at: String,
}

impl Verification {
    pub(crate) fn read(answer: &[u8]) -> Result<Self, Failure> {
        read(answer)
    }

    /// Writes what was found, and what the record says if that is something else. `file` has the
    /// content of the record.
    pub(crate) fn write(
        &self,
        out: &mut impl Write,
        recorded: &ContentFacts,
        file: Option<&Path>,
    ) -> Result<(), Failure> {
        write!(out, "{}: ", self.verdict.as_str())?;
        match (&self.sha256, self.size_bytes) {
            (Some(sha256), Some(size)) => write!(out, "sha256 {sha256}, {}", bytes(size))?,
            _ => write!(out, "nothing was found")?,
        }
        write!(out, ", verified at {}", Escaped(&self.verified_at))?;
        if self.verdict != Verdict::Intact {
            let (sha256, size) = (&recorded.sha256, recorded.size_bytes.get());
            write!(out, "; the record says sha256 {sha256}, {}", bytes(size))?;
        }
        if let Some(path) = file {
            let path = path.to_string_lossy();
            write!(out, "; {} is what the record says", Escaped(&path))?;
        }
        Ok(writeln!(out)?)
    }
}
