//! What a run remembers of an upload that has not ended, so that the next one goes on with it.
//!
//! One small file for each upload. It holds no secret: the idempotency key names the upload only to
//! the service, and only for the user who began it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nexus_raw::asset::{AssetId, Sha256Digest};
use reqwest::header::HeaderValue;
use serde::{Deserialize, Serialize};

use super::plan::Item;
use crate::{args::ServiceArgs, client::new_key, content::Stamp, failure::Failure};

/// No intent of the service lives longer than a week.
const KEPT_FOR: Duration = Duration::from_hours(8 * 24);

/// The maximum number of old files that a run looks at.
const MAX_SWEPT: usize = 10_000;

/// A file of state has some hundred bytes, and the path.
const MAX_STATE_BYTES: u64 = 64 * 1024;

/// The directory of all uploads that have not ended.
pub(super) struct StateDirectory {
    /// `None` where there is none, or it cannot be used.
    directory: Option<PathBuf>,
    scope: String,
}

/// What is remembered of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    path: PathBuf,
    size_bytes: u64,
    modified_nanos: Option<u128>,
    key: String,
    asset_id: Option<AssetId>,
}

/// The memory of one upload. No other process uses it meanwhile.
pub(super) struct UploadState {
    /// Locked while it is open.
    file: Option<(File, PathBuf)>,
    remembered: Remembered,
    is_resumed: bool,
}

impl StateDirectory {
    /// Makes the directory, and removes what is too old to be of use.
    ///
    /// # Errors
    /// Why it cannot be used. Uploads work without it.
    pub(super) fn open(
        directory: Option<PathBuf>,
        service: &ServiceArgs,
        user: &str,
    ) -> (Self, Result<(), io::Error>) {
        let scope = format!(
            "{}\n{}\n{}\n{user}",
            service.server, service.tenant, service.env
        );
        let made = directory.as_deref().map_or(Ok(()), |directory| {
            make(directory).map(|()| sweep(directory))
        });
        let directory = directory.filter(|_| made.is_ok());
        (Self { directory, scope }, made)
    }

    /// Returns what is known of the upload of a file, or of a new one.
    pub(super) fn of(&self, item: &Item, stamp: Stamp) -> Result<UploadState, Failure> {
        let path = fs::canonicalize(&item.path).unwrap_or_else(|_| item.path.clone());
        let modified = stamp
            .modified
            .and_then(|it| it.duration_since(UNIX_EPOCH).ok());
        let fresh = Remembered {
            path,
            size_bytes: stamp.size_bytes,
            modified_nanos: modified.map(|it| it.as_nanos()),
            key: text_of(&new_key()?),
            asset_id: None,
        };
        let file = self.directory.as_deref().and_then(|directory| {
            let name = [
                self.scope.as_bytes(),
                fresh.path.as_os_str().as_encoded_bytes(),
            ];
            let name = Sha256Digest::of(&name.join(&b'\n')).to_string();
            let path = directory.join(name);
            let file = open(&path).ok()?;
            // another run stores the same file
            file.try_lock().ok()?;
            Some((file, path))
        });
        let mut state = UploadState {
            file,
            remembered: fresh,
            is_resumed: false,
        };
        if let Some(before) = state.read() {
            let is_same = before.size_bytes == state.remembered.size_bytes
                && before.modified_nanos == state.remembered.modified_nanos
                && before.path == state.remembered.path;
            if is_same {
                state.remembered = before;
                state.is_resumed = true;
            } else {
                // it belongs to what the file was before; its upload can be aborted
                state.remembered.asset_id = before.asset_id;
            }
        }
        Ok(state)
    }
}

impl UploadState {
    /// Returns the key under which the upload is requested.
    pub(super) fn key(&self) -> Result<HeaderValue, Failure> {
        HeaderValue::from_str(&self.remembered.key).map_err(|it| Failure::Usage(it.to_string()))
    }

    /// Returns whether an earlier run began the upload.
    pub(super) fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    /// Returns the asset of the upload, as far as it is known.
    pub(super) fn asset_id(&self) -> Option<AssetId> {
        self.remembered.asset_id
    }

    /// Takes the asset of an upload that is of no use any more.
    pub(super) fn take_outdated(&mut self) -> Option<AssetId> {
        if self.is_resumed {
            return None;
        }
        self.remembered.asset_id.take()
    }

    /// Remembers the upload before it is requested, and again with its asset. What cannot be written
    /// is not resumed.
    pub(super) fn remember(&mut self, asset_id: Option<AssetId>) {
        self.remembered.asset_id = asset_id;
        let Some((file, _)) = &mut self.file else {
            return;
        };
        let written = serde_json::to_vec(&self.remembered)
            .map_err(io::Error::from)
            .and_then(|json| {
                file.rewind()?;
                file.set_len(0)?;
                file.write_all(&json)
            });
        if written.is_err() {
            self.file = None;
        }
    }

    /// Starts another upload of the same file.
    pub(super) fn renew(&mut self) -> Result<(), Failure> {
        self.remembered.key = text_of(&new_key()?);
        self.remembered.asset_id = None;
        self.is_resumed = false;
        Ok(())
    }

    /// Forgets the upload, which has ended.
    pub(super) fn forget(self) {
        if let Some((_, path)) = self.file {
            // an old one is removed later
            let _ = fs::remove_file(path);
        }
    }

    fn read(&mut self) -> Option<Remembered> {
        let (file, _) = self.file.as_mut()?;
        let mut json = Vec::new();
        file.take(MAX_STATE_BYTES).read_to_end(&mut json).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

fn text_of(key: &HeaderValue) -> String {
    String::from_utf8_lossy(key.as_bytes()).into_owned()
}

/// Makes the directory, readable by this user alone.
fn make(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Removes what no intent of the service can belong to.
fn sweep(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    let now = SystemTime::now();
    for entry in entries.flatten().take(MAX_SWEPT) {
        let modified = entry.metadata().and_then(|it| it.modified());
        let is_old = modified
            .ok()
            .and_then(|it| now.duration_since(it).ok())
            .is_some_and(|age| age > KEPT_FOR);
        if is_old {
            // another run may have removed it
            let _ = fs::remove_file(entry.path());
        }
    }
}
