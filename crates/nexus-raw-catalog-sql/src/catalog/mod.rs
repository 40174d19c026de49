mod assets;
mod digests;
mod outbox;

use std::{fmt, sync::Arc, time::Instant};

use nexus_raw::ports::CatalogError;

use crate::{
    backend::{Backend, Reader},
    error::OpenError,
    location::Location,
    observe::CatalogObserver,
    postgres,
    settings::SqlCatalogSettings,
    sqlite,
    writer::Writer,
};

/// The catalogue and its outbox, in an SQL database.
///
/// In SQLite one process has it at a time, in PostgreSQL any number has. Every call answers within three seconds, with
/// [`CatalogError::Unavailable`] where the database does not; of a write it is then not known
/// whether it happened, and the same call again tells.
///
/// When the medium under SQLite fails, nothing is written any more and [`Self::failed`] resolves:
/// what the medium then holds is known only to whoever opens it anew, so the process should end.
pub struct SqlAssetCatalog {
    reader: Reader,
    writer: Writer,
}

impl SqlAssetCatalog {
    /// Opens the catalogue. In SQLite it is made where there is none, and its schema brought up to
    /// date; in PostgreSQL the schema must be there ([`Self::migrate`]).
    ///
    /// The writer runs as a task of the current tokio runtime.
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
        Ok(Self::on(backend))
    }

    /// Makes the catalogue where there is none, and brings its schema up to date; the numbers of
    /// the migrations that this took. Servers of the version before may go on meanwhile.
    ///
    /// The role must own the tables. On PostgreSQL call it on the server itself and not through
    /// a pooler: it holds a lock of its session, so that two at once do not meet.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn migrate(settings: SqlCatalogSettings) -> Result<Vec<i64>, OpenError> {
        match Location::parse(&settings.url)? {
            Location::Sqlite(path) => sqlite::migrate(&path, &settings.object_store).await,
            Location::Postgres(options) => postgres::migrate(*options).await,
        }
    }

    /// The same, with `hook` called inside every transaction, when all of it is written and
    /// nothing committed.
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
                return Err(OpenError::unfit(
                    "a hook inside a transaction is for SQLite alone",
                ));
            }
        };
        Ok(Self::on(backend))
    }

    fn on(Backend { reader, writer }: Backend) -> Self {
        Self {
            reader,
            writer: Writer::start(writer),
        }
    }

    /// Calls `observer` from now on. The first one that is given stays.
    pub fn observe(&self, observer: Arc<dyn CatalogObserver>) {
        self.writer.observe(observer);
    }

    /// Resolves once the medium has failed (a write or a flush to disk ended in an I/O error).
    /// Nothing is written any more, and the process should end.
    pub fn failed(&self) -> impl Future<Output = ()> + Send + 'static {
        self.writer.failed()
    }

    /// Has written what was asked for before, then lets go of the database, so that another
    /// process may have it. Later calls answer [`CatalogError::Unavailable`].
    pub async fn close(&self) {
        match &self.reader {
            Reader::Sqlite(reader) => reader.close().await,
            Reader::Postgres(reader) => reader.close().await,
        }
        self.writer.close().await;
    }
}

impl fmt::Debug for SqlAssetCatalog {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SqlAssetCatalog").finish_non_exhaustive()
    }
}

impl SqlAssetCatalog {
    /// Makes a call, and tells the observer of it.
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

/// A call that was not dropped yet.
struct RunningCall<'a> {
    observer: Option<&'a dyn CatalogObserver>,
    operation: &'static str,
    began: Instant,
}

impl RunningCall<'_> {
    fn ended(mut self, result: Result<(), &CatalogError>) {
        self.tell(Some(result));
        self.observer = None;
    }

    fn tell(&self, outcome: Option<Result<(), &CatalogError>>) {
        if let Some(observer) = self.observer {
            observer.called(self.operation, self.began.elapsed(), outcome);
        }
    }
}

impl Drop for RunningCall<'_> {
    fn drop(&mut self) {
        self.tell(None);
    }
}

/// Asks the database, within the time that every call has, and tells the observer of it.
macro_rules! ask {
    ($catalog:ident, $operation:expr, $reader:ident => $question:expr) => {{
        let answer = async {
            match &$catalog.reader {
                crate::backend::Reader::Sqlite($reader) => $question.await,
                crate::backend::Reader::Postgres($reader) => $question.await,
            }
        };
        let timely = async {
            tokio::time::timeout(crate::error::DEADLINE, answer)
                .await
                .map_err(|_| crate::error::Reason::Deadline)?
        };
        $catalog.observed($operation, timely).await
    }};
}

use ask;
