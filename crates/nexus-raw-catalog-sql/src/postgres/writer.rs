use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use backon::{BackoffBuilder, ExponentialBuilder};
use nexus_raw::ports::{BoxError, CatalogError, IntentState, RegisterOutcome};
use sqlx::Row;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    answer::{self, Answer},
    fault::{self, StatementEffect},
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

/// The time limit of a group's attempts, shorter than its callers' deadline.
const WRITE_TIMEOUT: Duration = Duration::from_millis(2500);

/// The delay before the first retry; it doubles up to the longest.
const FIRST_DELAY: Duration = Duration::from_millis(10);
const LONGEST_DELAY: Duration = Duration::from_millis(200);

/// Writes each group by one call.
///
/// A call is one transaction, and its response implies the commit, since sqlx waits until the
/// server reports that it is ready for the next query.
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

    /// Calls once and releases the connection unless it is lost. Sets `sent` if the call may have
    /// reached the server.
    async fn call(&self, text: &str, again: bool, sent: &mut bool) -> Result<String, sqlx::Error> {
        let mut connection = self.connections.acquire_writer().await?;
        *sent = true;
        let statement = call("SELECT write_v1", &[&text, &again]) + "::text";
        let answer = write(connection.connection(), &statement).await;
        if !matches!(&answer, Err(error) if fault::effect(error) == StatementEffect::Unknown) {
            connection.release();
        }
        let rows = answer?;
        let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        row.try_get(0)
    }

    /// Retries until there is a response, a permanent error, or no time left. After a lost response
    /// the next call sets `again` and detects what the lost one wrote: it waits for the locks that
    /// the lost one may still hold.
    async fn call_until_answered(&self, text: &str, until: Instant) -> Result<String, WriteError> {
        let mut again = false;
        let mut delays = ExponentialBuilder::new()
            .with_min_delay(FIRST_DELAY)
            .with_max_delay(LONGEST_DELAY)
            .without_max_times()
            .build();
        loop {
            let mut sent = false;
            let error = match timeout_at(until, self.call(text, again, &mut sent)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(elapsed) => {
                    // the connection is dropped, and the idle ones may be dead too
                    self.connections.drop_idle();
                    return Err(WriteError::Unavailable(Failure::unavailable(elapsed)));
                }
            };
            match fault::effect(&error) {
                StatementEffect::Refused => return Err(WriteError::Refused(fault::failure(error))),
                StatementEffect::Conflict => {}
                StatementEffect::Unknown => {
                    again |= sent;
                    self.connections.drop_idle();
                }
            }
            let delay = delays.next().unwrap_or(LONGEST_DELAY);
            if Instant::now() + delay >= until {
                return Err(WriteError::Unavailable(fault::failure(error)));
            }
            sleep(delay).await;
        }
    }

    /// Reads the existing record that conflicts with a registration.
    async fn existing_record(&self, registration: &Registration) -> Result<Written, Failure> {
        let asset = &registration.new.asset;
        let connection = self.connections.acquire_writer().await;
        let mut connection = connection.map_err(fault::failure)?;
        let found = reader::intent(connection.connection(), asset.scope(), asset.asset_id()).await;
        if found.is_ok() {
            connection.release();
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
        // the group is committed, so no member may be retried
        let unexpected = |error: BoxError| WriteError::Unavailable(Failure::corrupt(error));
        let answer: Answer =
            serde_json::from_str(answer).map_err(|error| unexpected(error.into()))?;
        let mut outcomes = Outcomes::of(group);
        for (index, answer) in answer {
            let write = group.get(index).ok_or(OutcomesDiffer)?;
            let written = answer::written(write, answer);
            let outcome = match (written.map_err(|error| unexpected(error.into()))?, write) {
                (Some(written), _) => Ok(written),
                // a record never changes, so it may be read after the transaction
                (None, Write::Register(asked)) => timeout_at(until, self.existing_record(asked))
                    .await
                    .unwrap_or_else(|elapsed| Err(Failure::unavailable(elapsed))),
                (None, _) => return Err(OutcomesDiffer.into()),
            };
            outcomes.set(index, outcome)?;
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
        let answer = self
            .call_until_answered(&text, began + WRITE_TIMEOUT)
            .await?;
        self.outcomes(&answer, group, began + DEADLINE).await
    }

    async fn close(self: Box<Self>) {
        self.connections.close().await;
    }
}
