//! The connections of readers and of the writer. They are kept here and not in sqlx's pool, which asks a
//! connection whether it lives when it is given back, and waits for the answer without a bound: one
//! whose flow fell silent keeps its place until the kernel gives it up, after a quarter of an hour.

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
    fault::{self, Fate},
    session::Session,
};
use crate::error::Reason;

/// After this a connection is taken for dead: PostgreSQL itself ends a statement sooner. It leaves
/// a caller the time to be answered on another one.
pub(super) const SILENCE: Duration = Duration::from_millis(2250);

/// One that was not needed for so long is not trusted any more: who keeps track of flows forgets
/// those on which nothing happens, in minutes.
const KEPT: Duration = Duration::from_mins(1);

/// What a close in order may take.
const CLOSING: Duration = Duration::from_secs(1);

/// So many connections at most, each made when it is needed. Nothing is set in a session, so that
/// one is as good as another: one place is the writer's, whatever the readers have, unless there is
/// but one.
pub(super) struct Connections {
    options: PgConnectOptions,
    session: Session,
    /// The readers'.
    places: Semaphore,
    /// Where readers and the writer share one.
    only_one: Option<tokio::sync::Mutex<()>>,
    /// Those that nobody needs now, the one that was needed last at the end.
    idle: Mutex<Vec<(PgConnection, Instant)>>,
}

impl Connections {
    /// The first of them is there.
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
            places: Semaphore::new(usize::try_from(readers).unwrap_or(1)),
            only_one: (most <= 1).then(tokio::sync::Mutex::default),
            idle: Mutex::new(vec![(first, Instant::now())]),
        }
    }

    /// Lends a connection for one question, once there is a place.
    pub(super) async fn lend(&self) -> Result<Lent<'_>, CatalogError> {
        let place = self.places.acquire().await.map_err(|_| Reason::Stopped)?;
        self.at(Some(place)).await.map_err(fault::told)
    }

    /// Lends the writer's.
    pub(super) async fn lend_to_write(&self) -> Result<Lent<'_>, sqlx::Error> {
        self.at(None).await
    }

    async fn at<'a>(&'a self, place: Option<SemaphorePermit<'a>>) -> Result<Lent<'a>, sqlx::Error> {
        let turn = match &self.only_one {
            Some(only_one) => Some(only_one.lock().await),
            None => None,
        };
        let (connection, is_new) = match self.kept() {
            Some(connection) => (connection, false),
            None => (self.connect().await?, true),
        };
        Ok(Lent {
            from: self,
            connection,
            is_new,
            _place: place,
            _turn: turn,
        })
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        self.session.resume(&mut connection).await?;
        Ok(connection)
    }

    fn kept(&self) -> Option<PgConnection> {
        let (connection, since) = self.idle().pop()?;
        if since.elapsed() < KEPT {
            Some(connection)
        } else {
            self.forget();
            None
        }
    }

    /// Lets go of all that nobody needs now.
    pub(super) fn forget(&self) -> Vec<(PgConnection, Instant)> {
        std::mem::take(&mut *self.idle())
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(PgConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends no more, and closes what nobody needs.
    pub(super) async fn close(&self) {
        self.places.close();
        let closing = async {
            for (connection, _) in self.forget() {
                // it ends either way
                drop(connection.close().await);
            }
        };
        drop(timeout(CLOSING, closing).await);
    }
}

/// A connection in use. It is closed when its user gives a question up: a late answer would be taken
/// for the answer to the next question.
pub(super) struct Lent<'a> {
    from: &'a Connections,
    connection: PgConnection,
    /// Whether it was made for this question.
    is_new: bool,
    _place: Option<SemaphorePermit<'a>>,
    _turn: Option<Turn<'a, ()>>,
}

impl Lent<'_> {
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Reads what came of the question within [`SILENCE`]. `None` where the connection was dead, and
    /// another one should be asked: then all that are kept may be as dead.
    pub(super) fn settle<T>(
        self,
        answer: Result<Result<T, sqlx::Error>, Elapsed>,
    ) -> Option<Result<T, CatalogError>> {
        let lost = match answer {
            Err(_) => Reason::Deadline.into(),
            Ok(Err(error)) if fault::fate(&error) == Fate::Unknown => fault::told(error),
            Ok(answer) => {
                self.give_back();
                return Some(answer.map_err(fault::told));
            }
        };
        self.from.forget();
        self.is_new.then_some(Err(lost))
    }

    pub(super) fn give_back(self) {
        if !self.from.places.is_closed() {
            let now = Instant::now();
            let mut idle = self.from.idle();
            idle.retain(|(_, since)| now.duration_since(*since) < KEPT);
            idle.push((self.connection, now));
        }
    }
}
