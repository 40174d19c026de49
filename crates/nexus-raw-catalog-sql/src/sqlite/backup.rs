//! Copies of a catalogue, also while a server writes.

use std::{fs::File, io, path::Path, thread, time::Duration};

use nexus_raw::ports::{BoxError, CatalogError};
use rusqlite::{
    Error,
    backup::{Backup, StepResult},
    ffi,
};
use tempfile::NamedTempFile;

use super::{connection::SqliteConnection, fault::read_error, schema};
use crate::backup::{BackupError, BackupReport};

/// The pages of a step, one mebibyte.
const PAGES: i32 = 256;

/// How often a step that is refused is repeated, and after which pause.
const REFUSALS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(50);

/// Writes a copy of the catalogue into `file`, which must not exist.
///
/// It is made under another name, and gets its own once it is sound and durable. So what has that name
/// is a whole backup, whenever the process ends.
pub(super) fn write(from: &mut SqliteConnection, file: &Path) -> Result<BackupReport, BackupError> {
    if file.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let unwritten = |error: BoxError| BackupError::Write {
        file: file.to_owned(),
        source: error,
    };
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // for its owner alone
    let staged = tempfile::Builder::new()
        .prefix(".nexus-raw-backup-")
        .tempfile_in(directory)
        .map_err(|error| unwritten(Box::new(error)))?;
    let totals = copy_one_moment(from, staged.path(), &unwritten)?;
    let report = checked(&staged, totals)?;
    let finish = || -> Result<(), FinishError> {
        staged.as_file().sync_all()?;
        staged
            .persist_noclobber(file)
            .map_err(|error| error.error)?;
        Ok(File::open(directory)?.sync_all()?)
    };
    match finish() {
        Ok(()) => Ok(report),
        Err(FinishError(error)) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(BackupError::Exists(file.to_owned()))
        }
        Err(FinishError(error)) => Err(unwritten(Box::new(error))),
    }
}

struct FinishError(io::Error);

impl From<io::Error> for FinishError {
    fn from(error: io::Error) -> Self {
        Self(error)
    }
}

/// Copies within one read transaction, and returns what is in it. Otherwise SQLite would begin anew
/// at every commit of the server, and might never end. The server's log grows meanwhile, since a
/// checkpoint keeps what this transaction reads.
fn copy_one_moment(
    from: &mut SqliteConnection,
    to: &Path,
    unwritten: &impl Fn(BoxError) -> BackupError,
) -> Result<CatalogCounts, BackupError> {
    let unread = |error| BackupError::Read(read_error(error));
    from.batch("BEGIN").map_err(unread)?;
    let copied = CatalogCounts::of(from)
        .map_err(BackupError::Read)
        .and_then(|counts| {
            copy(from, to).map_err(|error| unwritten(Box::new(error)))?;
            Ok(counts)
        });
    let ended = from.batch("ROLLBACK").map_err(unread);
    let counts = copied?;
    ended?;
    Ok(counts)
}

fn copy(from: &SqliteConnection, to: &Path) -> Result<(), Error> {
    let mut copy = SqliteConnection::open(to)?;
    let backup = Backup::new(from.raw(), copy.raw_mut())?;
    let mut refusals = 0;
    loop {
        match backup.step(PAGES)? {
            StepResult::Done => break,
            StepResult::More => refusals = 0,
            _ if refusals < REFUSALS => {
                refusals += 1;
                thread::sleep(PAUSE);
            }
            _ => {
                return Err(Error::SqliteFailure(
                    ffi::Error::new(ffi::SQLITE_BUSY),
                    None,
                ));
            }
        }
    }
    drop(backup);
    // one file, without a log beside it
    copy.batch("PRAGMA journal_mode = DELETE")?;
    copy.close()
}

/// Checks the copy as a whole, and against what it is a copy of.
fn checked(staged: &NamedTempFile, expected: CatalogCounts) -> Result<BackupReport, BackupError> {
    let unsound = |finding: String| BackupError::Unsound { finding };
    let unread = |error: Error| BackupError::Read(read_error(error));
    // not read-only: there SQLite checks no CHECK constraints
    let mut copy = SqliteConnection::open(staged.path()).map_err(unread)?;
    schema::recognise(&mut copy, staged.path())
        .and_then(|()| schema::check(&mut copy))
        .map_err(|error| unsound(error.to_string()))?;
    if let Some(finding) = damage(&mut copy).map_err(BackupError::Read)? {
        return Err(unsound(finding));
    }
    let found = CatalogCounts::of(&mut copy).map_err(BackupError::Read)?;
    if found != expected {
        return Err(unsound("it has other rows than the catalogue".to_owned()));
    }
    if found.events != found.sequences || found.incomplete > 0 {
        return Err(unsound(format!(
            "events are missing in {} scopes",
            found.incomplete
        )));
    }
    copy.close().map_err(unread)?;
    let bytes = staged.as_file().metadata();
    let bytes = bytes.map_err(|error| BackupError::Write {
        file: staged.path().to_owned(),
        source: Box::new(error),
    })?;
    Ok(BackupReport {
        bytes: bytes.len(),
        scopes: found.scopes,
        assets: found.assets,
        events: found.events,
    })
}

/// What a catalogue has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CatalogCounts {
    scopes: u64,
    /// The sum of the last sequences.
    sequences: u64,
    events: u64,
    assets: u64,
    /// The scopes with another number of events than their last sequence.
    incomplete: u64,
}

const COUNTS: &str = "
    SELECT (SELECT count(*) FROM scope) AS scopes,
        (SELECT coalesce(sum(s.last_sequence), 0) FROM scope s) AS sequences,
        (SELECT count(*) FROM event) AS events,
        (SELECT count(*) FROM asset) AS assets,
        (SELECT count(*) FROM scope s WHERE s.last_sequence <> (SELECT count(*) FROM event e
            WHERE e.tenant_id = s.tenant_id AND e.env = s.env)) AS incomplete";

impl CatalogCounts {
    fn of(connection: &mut SqliteConnection) -> Result<Self, CatalogError> {
        let counts = connection.only(COUNTS, [], |row| {
            Ok(Self {
                scopes: row.unsigned("counts.scopes")?,
                sequences: row.unsigned("counts.sequences")?,
                events: row.unsigned("counts.events")?,
                assets: row.unsigned("counts.assets")?,
                incomplete: row.unsigned("counts.incomplete")?,
            })
        });
        counts.map_err(read_error)
    }
}

/// Returns the first damage that SQLite itself finds.
fn damage(connection: &mut SqliteConnection) -> Result<Option<String>, CatalogError> {
    let found = connection.row("PRAGMA integrity_check(1)", [], |row| {
        row.get::<String>("pragma.integrity_check")
    });
    match found.map_err(read_error)? {
        Some(found) if found != "ok" => return Ok(Some(found)),
        _ => {}
    }
    let orphan = connection.row("PRAGMA foreign_key_check", [], |row| {
        let table: String = row.get("pragma.table")?;
        let parent: String = row.get("pragma.parent")?;
        Ok(format!("a row of {table} refers to none of {parent}"))
    });
    orphan.map_err(read_error)
}
