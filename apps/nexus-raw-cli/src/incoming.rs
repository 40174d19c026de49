//! The content of an asset as it arrives: counted, hashed, and a file only once it is verified.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use nexus_raw::asset::{AssetId, Sha256Digest};
use sha2::{Digest as _, Sha256};
use tokio::{fs::File, io::AsyncWriteExt as _};

use crate::failure::Failure;

/// What the record says of the content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) asset_id: AssetId,
    pub(crate) size_bytes: u64,
    pub(crate) sha256: Sha256Digest,
}

/// Where content is written.
pub(crate) enum Destination<'o> {
    /// A file under a temporary name.
    File(Partial),
    /// The output of the command.
    Output(&'o mut dyn Write),
}

/// The content of an asset that is received, in one attempt or several.
pub(crate) struct Incoming<'o> {
    expected: Expected,
    destination: Destination<'o>,
    hasher: Sha256,
    received: u64,
}

impl<'o> Incoming<'o> {
    pub(crate) fn new(expected: Expected, destination: Destination<'o>) -> Self {
        Self {
            expected,
            destination,
            hasher: Sha256::new(),
            received: 0,
        }
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.expected.size_bytes
    }

    /// Returns the number of bytes that are written.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Writes the next bytes. No more are written than the record says.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.received + bytes.len() as u64 > self.expected.size_bytes {
            return Err(self.mismatch());
        }
        match &mut self.destination {
            Destination::File(partial) => partial.write(bytes).await?,
            Destination::Output(out) => out.write_all(bytes)?,
        }
        self.hasher.update(bytes);
        self.received += bytes.len() as u64;
        Ok(())
    }

    /// Checks all that was written against the record.
    pub(crate) fn verify(&self) -> Result<(), Failure> {
        let digest: [u8; 32] = self.hasher.clone().finalize().into();
        let is_expected =
            self.received == self.expected.size_bytes && digest == *self.expected.sha256.as_bytes();
        if is_expected {
            Ok(())
        } else {
            Err(self.mismatch())
        }
    }

    /// Publishes what was verified.
    pub(crate) async fn publish(self, force: bool) -> Result<(), Failure> {
        self.verify()?;
        match self.destination {
            Destination::File(partial) => partial.publish(force).await,
            Destination::Output(out) => Ok(out.flush()?),
        }
    }

    fn mismatch(&self) -> Failure {
        Failure::Mismatch {
            asset_id: self.expected.asset_id,
        }
    }
}

/// A file under a temporary name in its directory, which is removed unless it is published.
pub(crate) struct Partial {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
}

impl Partial {
    pub(crate) fn create(path: PathBuf) -> Result<Self, Failure> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(Failure::Random)?;
        let temporary = directory(&path).join(format!(".nexus-raw-{}.part", hex::encode(random)));
        let file = fs::File::create_new(&temporary).map_err(|source| Failure::Unwritable {
            path: temporary.clone(),
            source,
        })?;
        Ok(Self {
            file: File::from_std(file),
            temporary,
            path,
        })
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.write_all(bytes).await;
        written.map_err(|source| self.unwritable(source))
    }

    /// Gives the file its name, durably. Only with `force` another file of that name is replaced.
    async fn publish(mut self, force: bool) -> Result<(), Failure> {
        let flushed = self.file.flush().await;
        flushed.map_err(|source| self.unwritable(source))?;
        let synced = self.file.sync_all().await;
        synced.map_err(|source| self.unwritable(source))?;
        let named = if force {
            fs::rename(&self.temporary, &self.path)
        } else {
            name_new(&self.temporary, &self.path)
        };
        named.map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => Failure::Exists {
                path: self.path.clone(),
            },
            _ => self.unwritable(source),
        })?;
        let synced = fs::File::open(directory(&self.path)).and_then(|it| it.sync_all());
        synced.map_err(|source| self.unwritable(source))
    }

    fn unwritable(&self, source: io::Error) -> Failure {
        Failure::Unwritable {
            path: self.path.clone(),
            source,
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // gone already once it has its name
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Names a file that has no name like it, also where the file system has no hard links.
fn name_new(temporary: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(temporary, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            fs::File::create_new(path)?;
            fs::rename(temporary, path)
        }
        named => named,
    }
}

/// Returns the directory of a file.
fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}
