mod assets;
mod backlog;
mod closing;
mod downloads;
mod outbox;
mod work;

use std::{fmt, sync::Arc, time::Instant};

use nexus_raw::ports::CatalogError;

use self::downloads::KnownDownloads;
use crate::{
    backend::{Backend, Reader},
    error::OpenError,
    location::Location,
    migration_plan::MigrationPlan,
    observe::CatalogObserver,
    postgres,
    settings::SqlCatalogSettings,
    sqlite,
    writer::Writer,
};

/// The catalogue and its outbox, in an SQL database.
///
/// One process at a time uses a SQLite catalogue, any number a PostgreSQL one. Every call returns
/// within three seconds, with [`CatalogError::Unavailable`] if the database did not respond. The
/// outcome of a write is then unknown; repeating the call reveals it.
///
/// When the medium under SQLite fails, all writes stop and [`Self::failed`] resolves. The process
/// should then end, since only a new open shows what the medium holds.
pub struct SqlAssetCatalog {
    reader: Reader,
    writer: Writer,
    downloads: KnownDownloads,
}

impl SqlAssetCatalog {
    /// Opens the catalogue. A SQLite catalogue is created if missing, and migrated; in PostgreSQL
    /// the schema must exist ([`Self::migrate`]).
    ///
    /// The writer of PostgreSQL runs as a task on the current tokio runtime, that of SQLite on a
    /// thread of its own.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(settings: SqlCatalogSettings) -> Result<Self, OpenError> {
        let backend = match Location::parse(&settings.url)? {
            Location::Sqlite(path) => sqlite::open(&path, &settings.object_store).await?,
            Location::Postgres(options) => {
                postgres::open(*options, settings.max_connections, &settings.object_store).await?
            }
        };
        Self::on(backend)
    }

    /// Creates the catalogue if missing, migrates its schema, and returns the numbers of the
    /// applied migrations. Servers of the previous version may keep running.
    ///
    /// The role must own the tables. On PostgreSQL connect to the server itself and not through a
    /// pooler, since concurrent migrations exclude each other by a session lock.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn migrate(settings: SqlCatalogSettings) -> Result<Vec<i64>, OpenError> {
        match Location::parse(&settings.url)? {
            Location::Sqlite(path) => sqlite::migrate(&path, &settings.object_store).await,
            Location::Postgres(options) => postgres::migrate(*options).await,
        }
    }

    /// Returns what [`Self::migrate`] would do, and changes nothing. Servers may keep running.
    ///
    /// # Errors
    /// See [`OpenError`]: as the migration, as far as it can be foreseen.
    pub async fn plan_migration(settings: SqlCatalogSettings) -> Result<MigrationPlan, OpenError> {
        match Location::parse(&settings.url)? {
            Location::Sqlite(path) => sqlite::plan_migration(&path).await,
            Location::Postgres(options) => postgres::plan_migration(*options).await,
        }
    }

    /// Like [`Self::open`], and calls `hook` inside every transaction, just before the commit.
    ///
    /// # Errors
    /// See [`OpenError`].
    #[cfg(feature = "commit-hook")]
    pub async fn open_with_hook(
        settings: SqlCatalogSettings,
        hook: crate::CommitHook,
    ) -> Result<Self, OpenError> {
        let backend = match Location::parse(&settings.url)? {
            Location::Sqlite(path) => {
                sqlite::open_with_hook(&path, &settings.object_store, hook).await?
            }
            Location::Postgres(_) => {
                return Err(OpenError::incompatible(
                    "commit hooks are supported on SQLite only",
                ));
            }
        };
        Self::on(backend)
    }

    fn on(Backend { reader, writer }: Backend) -> Result<Self, OpenError> {
        let blocks = matches!(reader, Reader::Sqlite(_));
        let writer = Writer::start(writer, blocks);
        let writer = writer.map_err(|error| OpenError::Unreachable(Box::new(error)))?;
        let downloads = KnownDownloads::default();
        Ok(Self {
            reader,
            writer,
            downloads,
        })
    }

    /// Sets the observer. Later calls have no effect.
    pub fn observe(&self, observer: Arc<dyn CatalogObserver>) {
        self.writer.observe(observer);
    }

    /// Resolves after a failure of the medium (an I/O error on a write or a flush to disk). All
    /// writes have then stopped, and the process should end.
    pub fn failed(&self) -> impl Future<Output = ()> + Send + 'static {
        self.writer.failed()
    }

    /// Finishes queued writes, then closes the database, so that another process may open it. Later
    /// calls return [`CatalogError::Unavailable`].
    pub async fn close(&self) {
        match &self.reader {
            Reader::Sqlite(reader) => reader.close().await,
            Reader::Postgres(reader) => reader.close().await,
        }
        self.writer.close().await;
        self.downloads.clear();
    }
}

impl fmt::Debug for SqlAssetCatalog {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SqlAssetCatalog").finish_non_exhaustive()
    }
}

impl SqlAssetCatalog {
    /// Runs a call and reports it to the observer.
    async fn observed<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, CatalogError>>,
    ) -> Result<T, CatalogError> {
        let running = RunningCall {
            observer: self.writer.observer().map(|it| &**it),
            operation,
            began: Instant::now(),
        };
        let result = call.await;
        running.ended(result.as_ref().map(|_| ()));
        result
    }
}

/// A call in progress, which reports to the observer once: when it ends or is dropped.
struct RunningCall<'a> {
    observer: Option<&'a dyn CatalogObserver>,
    operation: &'static str,
    began: Instant,
}

impl RunningCall<'_> {
    fn ended(mut self, result: Result<(), &CatalogError>) {
        self.report(Some(result));
        self.observer = None;
    }

    fn report(&self, outcome: Option<Result<(), &CatalogError>>) {
        if let Some(observer) = self.observer {
            observer.called(self.operation, self.began.elapsed(), outcome);
        }
    }
}

impl Drop for RunningCall<'_> {
    fn drop(&mut self) {
        self.report(None);
    }
}

/// Runs a read on the database within the deadline, and reports it to the observer.
///
/// A future that awaits another holds it twice, so these are passed on by reference; and those of
/// PostgreSQL have kilobytes, which those of SQLite need not have too.
macro_rules! read {
    ($catalog:ident, $operation:expr, $reader:ident => $query:expr) => {{
        let answer = std::pin::pin!(async {
            match &$catalog.reader {
                crate::backend::Reader::Sqlite($reader) => $query.await,
                crate::backend::Reader::Postgres($reader) => Box::pin($query).await,
            }
        });
        let timely = std::pin::pin!(async {
            tokio::time::timeout(crate::error::DEADLINE, answer)
                .await
                .map_err(|_| crate::error::Reason::Deadline)?
        });
        $catalog.observed($operation, timely).await
    }};
}

use read;
