use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use backon::{BackoffBuilder, ExponentialBuilder};
use nexus_raw::ports::{BoxError, CatalogError, IntentState, RegisterOutcome};
use sqlx::Row;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    answer::{self, Answer},
    fault::{self, Fate},
    pool::Connections,
    reader, request,
    statement::{call, write},
};
use crate::{
    backend::{GroupWriter, WriteError},
    error::{CorruptColumn, DEADLINE, Failure},
    object_store::ObjectStoreIdentity,
    writer::{Outcomes, OutcomesDiffer, Registration, Write, Written},
};

/// How long a group is tried, again where that helps: less than its callers wait.
const PATIENCE: Duration = Duration::from_millis(2500);

/// The wait before the second try; each further one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Writes groups, each by one call.
///
/// A call is a transaction of its own: what it answers is committed, since sqlx waits for the
/// server to say that it is ready for the next.
pub(super) struct PostgresWriter {
    connections: Arc<Connections>,
    object_store: ObjectStoreIdentity,
}

impl PostgresWriter {
    pub(super) fn new(connections: Arc<Connections>, object_store: ObjectStoreIdentity) -> Self {
        Self {
            connections,
            object_store,
        }
    }

    /// Calls once, on a connection that it keeps unless it is lost. `sent` says whether the call may
    /// have reached the server.
    async fn call(&self, text: &str, again: bool, sent: &mut bool) -> Result<String, sqlx::Error> {
        let mut lent = self.connections.lend_to_write().await?;
        *sent = true;
        let statement = call("SELECT write_v1", &[&text, &again]) + "::text";
        let answer = write(lent.connection(), &statement).await;
        if !matches!(&answer, Err(error) if fault::fate(error) == Fate::Unknown) {
            lent.give_back();
        }
        let rows = answer?;
        let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        row.try_get(0)
    }

    /// Calls until there is an answer, or there is no hope of one. Where an answer was lost, the
    /// next call says so, and finds what the one before has written: it waits for the lock that
    /// the one before may still hold.
    async fn call_until_answered(&self, text: &str, until: Instant) -> Result<String, WriteError> {
        let mut again = false;
        let mut pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .without_max_times()
            .build();
        loop {
            let mut sent = false;
            let error = match timeout_at(until, self.call(text, again, &mut sent)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(elapsed) => {
                    // it is gone, and those that are kept may be as dead
                    self.connections.forget();
                    return Err(WriteError::Unavailable(Failure::unavailable(elapsed)));
                }
            };
            match fault::fate(&error) {
                Fate::Refused => return Err(WriteError::Refused(fault::failure(error))),
                Fate::InTheWay => {}
                Fate::Unknown => {
                    again |= sent;
                    self.connections.forget();
                }
            }
            let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
            if Instant::now() + pause >= until {
                return Err(WriteError::Unavailable(fault::failure(error)));
            }
            sleep(pause).await;
        }
    }

    /// The record that stands in the way of a registration.
    async fn standing(&self, registration: &Registration) -> Result<Written, Failure> {
        let asset = &registration.new.asset;
        let lent = self.connections.lend_to_write().await;
        let mut lent = lent.map_err(fault::failure)?;
        let found = reader::intent(lent.connection(), asset.scope(), asset.asset_id()).await;
        if found.is_ok() {
            lent.give_back();
        }
        match found? {
            Some(IntentState::Registered {
                asset,
                provenance_digest,
                ..
            }) => Ok(Written::Register(RegisterOutcome::AlreadyRegistered {
                asset,
                provenance_digest,
            })),
            _ => Err(CatalogError::from(CorruptColumn("upload_intent.state")).into()),
        }
    }

    async fn outcomes(
        &self,
        answer: &str,
        group: &[&Write],
        until: Instant,
    ) -> Result<Vec<Result<Written, Failure>>, WriteError> {
        // it was committed, so no member may be tried again
        let unexpected = |error: BoxError| WriteError::Unavailable(Failure::corrupt(error));
        let answer: Answer =
            serde_json::from_str(answer).map_err(|error| unexpected(error.into()))?;
        let mut outcomes = Outcomes::of(group);
        for (place, answer) in answer {
            let write = group.get(place).ok_or(OutcomesDiffer)?;
            let written = answer::written(write, answer);
            let outcome = match (written.map_err(|error| unexpected(error.into()))?, write) {
                (Some(written), _) => Ok(written),
                // a record never changes, so it may be read after the transaction
                (None, Write::Register(asked)) => timeout_at(until, self.standing(asked))
                    .await
                    .unwrap_or_else(|elapsed| Err(Failure::unavailable(elapsed))),
                (None, _) => return Err(OutcomesDiffer.into()),
            };
            outcomes.set(place, outcome)?;
        }
        Ok(outcomes.finish()?)
    }
}

#[async_trait]
impl GroupWriter for PostgresWriter {
    async fn write(
        &mut self,
        group: &[&Write],
    ) -> Result<Vec<Result<Written, Failure>>, WriteError> {
        let text = request::text(group, &self.object_store)
            .map_err(|error| WriteError::Refused(Failure::unavailable(error)))?;
        let began = Instant::now();
        let answer = self.call_until_answered(&text, began + PATIENCE).await?;
        self.outcomes(&answer, group, began + DEADLINE).await
    }

    async fn close(self: Box<Self>) {
        self.connections.close().await;
    }
}
