//! The connections of readers and of the writer. sqlx's own pool is not used: it pings a returned
//! connection without a time limit, so a connection whose network flow is dead would occupy its
//! slot until the kernel's timeout, about 15 minutes.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use nexus_raw::ports::CatalogError;
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::{MutexGuard as Turn, Semaphore, SemaphorePermit},
    time::{Instant, error::Elapsed, timeout},
};

use super::{
    fault::{self, StatementEffect},
    session::Session,
};
use crate::error::Reason;

/// The time after which a silent connection counts as dead. PostgreSQL's statement timeout is
/// shorter. The rest of the deadline is enough for a retry on another connection.
pub(super) const READ_TIMEOUT: Duration = Duration::from_millis(2250);

/// The age at which an idle connection is closed: firewalls and NAT drop idle flows after minutes.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// The time limit of closing connections cleanly.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A pool of connections, opened on demand. Sessions carry no state, so any connection serves any
/// call. One slot is reserved for the writer, unless there is only one.
pub(super) struct Connections {
    options: PgConnectOptions,
    session: Session,
    /// The slots of readers.
    reader_slots: Semaphore,
    /// Set if readers and the writer share one connection.
    only_one: Option<tokio::sync::Mutex<()>>,
    /// The idle connections, the one used last at the end.
    idle: Mutex<Vec<(PgConnection, Instant)>>,
}

impl Connections {
    /// Creates a pool of at most `most` connections, with the first one open.
    pub(super) fn up_to(
        most: u32,
        first: PgConnection,
        options: PgConnectOptions,
        session: Session,
    ) -> Self {
        let readers = most.saturating_sub(1).max(1);
        Self {
            options,
            session,
            reader_slots: Semaphore::new(usize::try_from(readers).unwrap_or(1)),
            only_one: (most <= 1).then(tokio::sync::Mutex::default),
            idle: Mutex::new(vec![(first, Instant::now())]),
        }
    }

    /// Returns a connection for one read, once a slot is free.
    pub(super) async fn acquire(&self) -> Result<PooledConnection<'_>, CatalogError> {
        let slot = self
            .reader_slots
            .acquire()
            .await
            .map_err(|_| Reason::Stopped)?;
        self.at(Some(slot)).await.map_err(fault::catalog_error)
    }

    /// Returns the writer's connection.
    pub(super) async fn acquire_writer(&self) -> Result<PooledConnection<'_>, sqlx::Error> {
        self.at(None).await
    }

    async fn at<'a>(
        &'a self,
        slot: Option<SemaphorePermit<'a>>,
    ) -> Result<PooledConnection<'a>, sqlx::Error> {
        let turn = match &self.only_one {
            Some(only_one) => Some(only_one.lock().await),
            None => None,
        };
        let (connection, is_new) = match self.take_idle() {
            Some(connection) => (connection, false),
            None => (self.connect().await?, true),
        };
        Ok(PooledConnection {
            from: self,
            connection,
            is_new,
            _slot: slot,
            _turn: turn,
        })
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        self.session.resume(&mut connection).await?;
        Ok(connection)
    }

    fn take_idle(&self) -> Option<PgConnection> {
        let (connection, since) = self.idle().pop()?;
        if since.elapsed() < IDLE_TIMEOUT {
            Some(connection)
        } else {
            self.drop_idle();
            None
        }
    }

    /// Drops all idle connections.
    pub(super) fn drop_idle(&self) -> Vec<(PgConnection, Instant)> {
        std::mem::take(&mut *self.idle())
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(PgConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the pool and the idle connections.
    pub(super) async fn close(&self) {
        self.reader_slots.close();
        let closing = async {
            for (connection, _) in self.drop_idle() {
                // the connection is closed even on an error
                drop(connection.close().await);
            }
        };
        drop(timeout(CLOSE_TIMEOUT, closing).await);
    }
}

/// A connection in use. Dropping it without a release closes it: after an abandoned query, a late
/// response would be taken for that of the next query.
pub(super) struct PooledConnection<'a> {
    from: &'a Connections,
    connection: PgConnection,
    /// Whether it was opened for this call.
    is_new: bool,
    _slot: Option<SemaphorePermit<'a>>,
    _turn: Option<Turn<'a, ()>>,
}

impl PooledConnection<'_> {
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Takes the result of a query within [`READ_TIMEOUT`]. Returns `None` if a reused connection
    /// was dead and the caller should retry on another one; all idle ones, which may be dead too,
    /// are dropped.
    pub(super) fn finish<T>(
        self,
        answer: Result<Result<T, sqlx::Error>, Elapsed>,
    ) -> Option<Result<T, CatalogError>> {
        let lost = match answer {
            Err(_) => Reason::Deadline.into(),
            Ok(Err(error)) if fault::effect(&error) == StatementEffect::Unknown => {
                fault::catalog_error(error)
            }
            Ok(answer) => {
                self.release();
                return Some(answer.map_err(fault::catalog_error));
            }
        };
        self.from.drop_idle();
        self.is_new.then_some(Err(lost))
    }

    pub(super) fn release(self) {
        if !self.from.reader_slots.is_closed() {
            let now = Instant::now();
            let mut idle = self.from.idle();
            idle.retain(|(_, since)| now.duration_since(*since) < IDLE_TIMEOUT);
            idle.push((self.connection, now));
        }
    }
}
