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

use nexus_raw::{
    asset::{AssetId, Sha256Digest},
    ports::Clock as _,
    system::SystemClock,
};
use reqwest::header::HeaderValue;
use serde::{Deserialize, Serialize};

use super::plan::Item;
use crate::{client::new_key, content::Stamp, failure::Failure};

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
    /// Makes the directory, and removes what is too old to be of use. `scope` is the place and the user
    /// of all uploads.
    ///
    /// # Errors
    /// Why it cannot be used. Uploads work without it.
    pub(super) fn open(directory: Option<PathBuf>, scope: String) -> (Self, Result<(), io::Error>) {
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
                // in this order, since the run may be killed between any two
                file.rewind()?;
                file.write_all(&json)?;
                file.set_len(json.len() as u64)
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
        // the rest of an earlier, longer one may follow
        let mut found = serde_json::Deserializer::from_slice(&json).into_iter();
        found.next()?.ok()
    }
}

fn text_of(key: &HeaderValue) -> String {
    String::from_utf8_lossy(key.as_bytes()).into_owned()
}

fn now() -> SystemTime {
    let seconds = SystemClock.now().as_unix_seconds();
    UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs())
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
    let now = now();
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

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use tempfile::TempDir;

    use super::*;

    const ID: &str = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";

    fn directory(place: &TempDir, tenant: &str) -> StateDirectory {
        let path = Some(place.path().join("state"));
        let (directory, made) = StateDirectory::open(path, tenant.to_owned());
        made.unwrap();
        directory
    }

    fn item(path: &str) -> Item {
        Item {
            path: path.into(),
            filename: "film.mp4".to_owned(),
            label: None,
            size_bytes: 7,
        }
    }

    fn stamp(seconds: u64) -> Stamp {
        Stamp {
            size_bytes: 7,
            modified: Some(UNIX_EPOCH + Duration::from_secs(seconds)),
        }
    }

    fn files(place: &TempDir) -> Vec<PathBuf> {
        let entries = fs::read_dir(place.path().join("state")).unwrap();
        entries.map(|it| it.unwrap().path()).collect()
    }

    /// What a run knows that has the file to itself. A process that another test starts holds all locks
    /// of this one until it executes its program.
    fn run(place: &TempDir, tenant: &str, item: &Item, stamp: Stamp) -> UploadState {
        loop {
            let state = directory(place, tenant).of(item, stamp).unwrap();
            if state.file.is_some() {
                return state;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_run_goes_on_with_the_upload_of_the_run_before() {
        let place = tempfile::tempdir().unwrap();
        let (film, other) = (item("/footage/film.mp4"), item("/footage/other.mp4"));
        let mut state = run(&place, "t_a", &film, stamp(1));
        let key = state.key().unwrap();
        assert!(!state.is_resumed());
        state.remember(None);
        // the asset may be unknown still when the run is ended
        drop(state);
        let mut state = run(&place, "t_a", &film, stamp(1));
        assert!(state.is_resumed() && state.key().unwrap() == key);
        state.remember(AssetId::parse(ID).ok());
        drop(state);
        let state = run(&place, "t_a", &film, stamp(1));
        assert_eq!(state.asset_id(), AssetId::parse(ID).ok());
        // another tenant's, and another file's
        for (tenant, item) in [("t_b", &film), ("t_a", &other)] {
            let state = run(&place, tenant, item, stamp(1));
            assert!(!state.is_resumed() && state.key().unwrap() != key);
        }
        state.forget();
        assert!(!run(&place, "t_a", &film, stamp(1)).is_resumed());
    }

    #[test]
    fn a_file_that_changed_is_another_upload_and_the_old_one_is_known() {
        let place = tempfile::tempdir().unwrap();
        let film = item("/footage/film.mp4");
        let mut state = run(&place, "t_a", &film, stamp(1));
        let key = state.key().unwrap();
        state.remember(AssetId::parse(ID).ok());
        drop(state);
        let mut state = run(&place, "t_a", &film, stamp(2));
        assert!(!state.is_resumed() && state.key().unwrap() != key);
        assert_eq!(state.take_outdated(), AssetId::parse(ID).ok());
        assert_eq!(state.take_outdated(), None);
    }

    #[test]
    fn two_runs_do_not_share_an_upload() {
        let place = tempfile::tempdir().unwrap();
        let film = item("/footage/film.mp4");
        let mut first = run(&place, "t_a", &film, stamp(1));
        first.remember(None);
        let second = directory(&place, "t_a").of(&film, stamp(1)).unwrap();
        assert!(!second.is_resumed() && second.key().unwrap() != first.key().unwrap());
        second.forget();
        drop(first);
        assert!(run(&place, "t_a", &film, stamp(1)).is_resumed());
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        let place = tempfile::tempdir().unwrap();
        let film = item("/footage/film.mp4");
        let mut state = run(&place, "t_a", &film, stamp(1));
        state.remember(None);
        drop(state);
        let [found] = &*files(&place) else {
            panic!("one file")
        };
        let whole = fs::read_to_string(found).unwrap();
        fs::write(found, format!("{whole}\"of an earlier one\"}}")).unwrap();
        let state = run(&place, "t_a", &film, stamp(1));
        assert!(state.is_resumed());
        drop(state);
        for content in ["", "{", "{\"key\":\"\\n\"}", "[]"] {
            fs::write(found, content).unwrap();
            let state = run(&place, "t_a", &film, stamp(1));
            assert!(!state.is_resumed(), "{content}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_it_and_what_is_too_old_is_removed() {
        use std::os::unix::fs::PermissionsExt as _;

        let place = tempfile::tempdir().unwrap();
        let film = item("/footage/film.mp4");
        let mut state = run(&place, "t_a", &film, stamp(1));
        state.remember(None);
        drop(state);
        let [path] = &*files(&place) else {
            panic!("one file")
        };
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(path), mode(path.parent().unwrap())), (0o600, 0o700));
        let opened = File::options().write(true).open(path).unwrap();
        let then = now() - KEPT_FOR + Duration::from_hours(1);
        opened.set_modified(then).unwrap();
        assert!(run(&place, "t_a", &film, stamp(1)).is_resumed());
        opened.set_modified(then - Duration::from_hours(2)).unwrap();
        directory(&place, "t_a");
        assert_eq!(files(&place), Vec::<PathBuf>::new());
    }
}
