use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use nexus_raw::{ports::ListedMultipart, time::Timestamp};
use rusqlite::{
    Connection, ErrorCode, OptionalExtension as _, Params, TransactionBehavior, params,
};

use super::{
    difference::DifferenceKind,
    error::WorkFileError,
    page_writer::PageWriter,
    state::{Counts, ListPlace, Phase, RunState},
};

/// `PRAGMA application_id`: "nxrc".
const APPLICATION: i32 = 0x6e78_7263;
/// `PRAGMA user_version`.
const FORMAT: i32 = 1;

const SCHEMA: &str = "
    CREATE TABLE run (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), state TEXT NOT NULL) STRICT;
    CREATE TABLE object (
        key TEXT NOT NULL,
        version_id TEXT NOT NULL,
        is_delete_marker INTEGER NOT NULL,
        is_matched INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (key, version_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE upload (
        key TEXT NOT NULL,
        upload_id TEXT NOT NULL,
        PRIMARY KEY (key, upload_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE page (
        list TEXT NOT NULL,
        token TEXT NOT NULL,
        PRIMARY KEY (list, token)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE difference (
        key TEXT NOT NULL,
        upload_id TEXT NOT NULL,
        kind INTEGER NOT NULL,
        nth INTEGER NOT NULL,
        line TEXT NOT NULL,
        PRIMARY KEY (key, upload_id, kind, nth)
    ) STRICT, WITHOUT ROWID;";

/// How many pages of its file SQLite keeps in memory, in KiB.
const CACHE_KIB: u32 = 16 * 1024;

/// The file of one run: what was listed, how far the run is, and what differs. It makes a run
/// resumable, bounds its memory, and puts lists in order.
#[derive(Debug)]
pub struct WorkFile {
    connection: Connection,
    path: PathBuf,
    state: RunState,
}

impl WorkFile {
    /// Opens the file and goes on with its run, or creates it and begins one at `now`. `subject` says
    /// what is compared, in words.
    ///
    /// # Errors
    /// See [`WorkFileError`].
    pub fn open(path: &Path, subject: &str, now: Timestamp) -> Result<Self, WorkFileError> {
        create(path).map_err(|error| failed(path, error))?;
        let opened = Self::connect(path, subject, now).map_err(|error| refused(path, error))?;
        let opened = opened.ok_or_else(|| WorkFileError::Unknown(path.to_owned()))?;
        if opened.state.subject == subject {
            return Ok(opened);
        }
        Err(WorkFileError::OtherRun {
            file: opened.path,
            of: opened.state.subject,
            wanted: subject.to_owned(),
        })
    }

    /// Returns `None` if the file is of something else.
    fn connect(
        path: &Path,
        subject: &str,
        now: Timestamp,
    ) -> Result<Option<Self>, rusqlite::Error> {
        let mut connection = Connection::open(path)?;
        // the lock is kept until the end, so that two processes cannot take turns
        connection.pragma_update(None, "locking_mode", "exclusive")?;
        let transaction = connection.transaction_with_behavior(
            // a file that is no database shows at this first access
            TransactionBehavior::Immediate,
        )?;
        let pragma = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        let (application, format) = (pragma("application_id")?, pragma("user_version")?);
        let tables: i64 =
            transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let state = if (application, format, tables) == (0, 0, 0) {
            let state = RunState {
                subject: subject.to_owned(),
                started_at: now,
                phase: Phase::ListObjects(ListPlace::default()),
                counts: Counts::default(),
            };
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
            transaction.execute_batch(SCHEMA)?;
            write_state(&transaction, &state)?;
            state
        } else if (application, format) == (APPLICATION, FORMAT) {
            let state: String =
                transaction.query_row("SELECT state FROM run", [], |row| row.get(0))?;
            match serde_json::from_str(&state) {
                Ok(state) => state,
                Err(_) => return Ok(None),
            }
        } else {
            return Ok(None);
        };
        transaction.commit()?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "normal")?;
        connection.pragma_update(None, "cache_size", -i64::from(CACHE_KIB))?;
        Ok(Some(Self {
            connection,
            path: path.to_owned(),
            state,
        }))
    }

    /// Deletes the file.
    ///
    /// # Errors
    /// If it cannot be deleted.
    pub fn remove(self) -> Result<(), WorkFileError> {
        let Self {
            connection, path, ..
        } = self;
        connection
            .close()
            .map_err(|(_, error)| refused(&path, error))?;
        fs::remove_file(&path).map_err(|error| failed(&path, error))
    }

    /// Returns when the run began.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.state.started_at
    }

    pub(super) fn state(&self) -> &RunState {
        &self.state
    }

    /// Writes what a page brought, and where the run goes on, in one transaction.
    pub(super) fn advance(
        &mut self,
        counts: Counts,
        write: impl FnOnce(&PageWriter<'_>) -> rusqlite::Result<Phase>,
    ) -> Result<(), WorkFileError> {
        let mut next = self.state.clone();
        next.counts.add(counts);
        let transaction = self.connection.transaction();
        let written = transaction.and_then(|transaction| {
            next.phase = write(&PageWriter::within(&transaction))?;
            write_state(&transaction, &next)?;
            transaction.commit()
        });
        written.map_err(|error| refused(&self.path, error))?;
        self.state = next;
        Ok(())
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, WorkFileError> {
        read(&self.connection).map_err(|error| refused(&self.path, error))
    }

    /// Returns whether a list has named this page before.
    pub(super) fn has_page(&self, list: &str, token: &str) -> Result<bool, WorkFileError> {
        const SQL: &str = "SELECT 1 FROM page WHERE (list, token) = (?1, ?2)";
        self.has_row(SQL, params![list, token])
    }

    /// Returns whether the list has an object at a key.
    pub(super) fn has_object(&self, key: &str) -> Result<bool, WorkFileError> {
        const SQL: &str = "SELECT 1 FROM object WHERE key = ?1 AND NOT is_delete_marker LIMIT 1";
        self.has_row(SQL, params![key])
    }

    fn has_row(&self, sql: &'static str, values: impl Params) -> Result<bool, WorkFileError> {
        let row = self.read(|it| {
            let mut statement = it.prepare_cached(sql)?;
            statement.query_row(values, |_| Ok(())).optional()
        });
        Ok(row?.is_some())
    }

    /// Returns keys above `after` that the list has an object at and no intent was found for.
    pub(super) fn unmatched(&self, after: &str, limit: u32) -> Result<Vec<String>, WorkFileError> {
        const SQL: &str = "SELECT DISTINCT key FROM object
            WHERE key > ?1 AND NOT is_delete_marker AND NOT is_matched ORDER BY key LIMIT ?2";
        self.texts(SQL, after, limit)
    }

    /// Returns keys above `after` with a difference of an object.
    pub(super) fn differing(&self, after: &str, limit: u32) -> Result<Vec<String>, WorkFileError> {
        const SQL: &str = "SELECT DISTINCT key FROM difference
            WHERE key > ?1 AND upload_id = '' ORDER BY key LIMIT ?2";
        self.texts(SQL, after, limit)
    }

    fn texts(
        &self,
        sql: &'static str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, WorkFileError> {
        self.read(|it| {
            let mut statement = it.prepare_cached(sql)?;
            let rows = statement.query_map(params![after, limit], |row| row.get(0))?;
            rows.collect()
        })
    }

    /// Returns listed uploads after this one.
    pub(super) fn uploads(
        &self,
        (key, upload_id): (&str, &str),
        limit: u32,
    ) -> Result<Vec<ListedMultipart>, WorkFileError> {
        const SQL: &str = "SELECT key, upload_id FROM upload
            WHERE (key, upload_id) > (?1, ?2) ORDER BY key, upload_id LIMIT ?3";
        self.read(|it| {
            let mut statement = it.prepare_cached(SQL)?;
            let rows = statement.query_map(params![key, upload_id, limit], |row| {
                Ok(ListedMultipart {
                    key: row.get(0)?,
                    upload_id: row.get(1)?,
                })
            })?;
            rows.collect()
        })
    }
}

/// What the report consists of.
impl WorkFile {
    /// Returns the lines after the one at `after`, in order.
    pub(super) fn lines(
        &self,
        after: &LinePlace,
        limit: u32,
    ) -> Result<Vec<(LinePlace, String)>, WorkFileError> {
        const SQL: &str = "SELECT key, upload_id, kind, nth, line FROM difference
            WHERE (key, upload_id, kind, nth) > (?1, ?2, ?3, ?4)
            ORDER BY key, upload_id, kind, nth LIMIT ?5";
        self.read(|it| {
            let mut statement = it.prepare_cached(SQL)?;
            let (key, upload_id, kind, nth) = after;
            let values = params![key, upload_id, kind, nth, limit];
            let rows = statement.query_map(values, |row| {
                let place = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
                Ok((place, row.get(4)?))
            })?;
            rows.collect()
        })
    }

    /// Returns the number of differences of each kind.
    pub(super) fn totals(&self) -> Result<Vec<(DifferenceKind, u64)>, WorkFileError> {
        const SQL: &str = "SELECT count(*) FROM difference WHERE kind = ?1";
        let kinds = DifferenceKind::ALL.into_iter();
        kinds
            .map(|kind| Ok((kind, self.count(SQL, kind as u8)?)))
            .collect()
    }

    /// Returns the numbers of listed versions, delete markers and uploads.
    pub(super) fn listed(&self) -> Result<[u64; 3], WorkFileError> {
        const OBJECTS: &str = "SELECT count(*) FROM object WHERE is_delete_marker = ?1";
        const UPLOADS: &str = "SELECT count(*) FROM upload WHERE ?1 = 0";
        Ok([
            self.count(OBJECTS, 0)?,
            self.count(OBJECTS, 1)?,
            self.count(UPLOADS, 0)?,
        ])
    }

    fn count(&self, sql: &'static str, value: u8) -> Result<u64, WorkFileError> {
        let count: i64 = self.read(|it| it.query_row(sql, [value], |row| row.get(0)))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

/// The place of a line: key, upload id, kind and number.
pub(super) type LinePlace = (String, String, i64, i64);

fn write_state(connection: &Connection, state: &RunState) -> rusqlite::Result<()> {
    const SQL: &str = "INSERT OR REPLACE INTO run (only_one, state) VALUES (1, ?1)";
    let state = serde_json::to_string(state).map_err(unwritable)?;
    connection.prepare_cached(SQL)?.execute([state]).map(drop)
}

fn unwritable(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}

fn refused(path: &Path, error: rusqlite::Error) -> WorkFileError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            WorkFileError::InUse(path.to_owned())
        }
        // another run has finished and removed it while this one waited
        _ if !path.exists() => WorkFileError::InUse(path.to_owned()),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            WorkFileError::Unknown(path.to_owned())
        }
        _ => failed(path, error),
    }
}

fn failed(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> WorkFileError {
    WorkFileError::Failed {
        file: path.to_owned(),
        source: Box::new(error),
    }
}

/// Creates a missing file with access for its owner only: it has the names of tenants' files. SQLite
/// creates its other files with the same mode.
fn create(path: &Path) -> io::Result<()> {
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match created {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn a_work_file_that_its_run_has_removed_was_in_use() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("work");
        let error = || {
            let error = ffi::Error::new(ffi::SQLITE_IOERR_FSTAT);
            rusqlite::Error::SqliteFailure(error, None)
        };
        let gone = refused(&path, error());
        assert!(matches!(gone, WorkFileError::InUse(_)), "{gone:?}");
        fs::write(&path, "").unwrap();
        let failed = refused(&path, error());
        assert!(matches!(failed, WorkFileError::Failed { .. }), "{failed:?}");
    }
}
