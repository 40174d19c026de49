use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use nexus_raw::{
    ports::{CatalogError, IntentState, RegisterOutcome},
    tenancy::Scope,
};
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{
    answer::{Answer, Decided},
    fault::{self, Fate},
    pool::CLOSING,
    queries,
    request::{self, Members},
    session::Session,
};
use crate::{
    backend::{GroupWriter, WriteError},
    error::{CorruptColumn, DEADLINE, Failure},
    object_store::ObjectStoreIdentity,
    writer::{Group, Outcomes, Registration},
};

/// How long a group is tried, again where that helps: less than its callers wait.
const PATIENCE: Duration = Duration::from_millis(2500);

/// The wait before the second try; each further one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Writes groups, each by one call on the one connection that writes.
///
/// A call is a transaction of its own: what it answers is committed, since sqlx waits for the
/// server to say that it is ready for the next.
pub(super) struct PostgresWriter {
    /// `None` once it was lost.
    connection: Option<PgConnection>,
    options: PgConnectOptions,
    session: Session,
    object_store: ObjectStoreIdentity,
}

impl PostgresWriter {
    pub(super) fn new(
        connection: PgConnection,
        options: PgConnectOptions,
        session: Session,
        object_store: ObjectStoreIdentity,
    ) -> Self {
        Self {
            connection: Some(connection),
            options,
            session,
            object_store,
        }
    }

    /// The connection, made anew where it was lost.
    async fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        let connection = if let Some(connection) = self.connection.take() {
            connection
        } else {
            let mut connection = self.options.connect().await?;
            self.session.resume_writing(&mut connection).await?;
            connection
        };
        Ok(self.connection.insert(connection))
    }

    async fn call(&mut self, text: &str, again: bool) -> Result<String, sqlx::Error> {
        let connection = self.connection().await?;
        sqlx::query_scalar("SELECT write_v1($1::json, $2)::text")
            .bind(text)
            .bind(again)
            .fetch_one(connection)
            .await
    }

    /// Calls until there is an answer, or there is no hope of one. Where an answer was lost, the
    /// next call says so, and finds what the one before has written: it waits for the lock that
    /// the one before may still hold.
    async fn call_until_answered(
        &mut self,
        text: &str,
        until: Instant,
    ) -> Result<String, WriteError> {
        let mut again = false;
        let mut pause = FIRST_PAUSE;
        loop {
            let had_connection = self.connection.is_some();
            let error = match timeout_at(until, self.call(text, again)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(elapsed) => {
                    // what it is doing now would be taken for the answer to the next call
                    self.connection = None;
                    return Err(WriteError::Unavailable(Failure::unavailable(elapsed)));
                }
            };
            match fault::fate(&error) {
                Fate::Refused => return Err(WriteError::Refused(fault::failure(error))),
                Fate::InTheWay => {}
                Fate::Unknown => {
                    again |= had_connection || self.connection.is_some();
                    self.connection = None;
                }
            }
            if Instant::now() + pause >= until {
                return Err(WriteError::Unavailable(fault::failure(error)));
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The record that stands in the way of a registration.
    async fn standing(&mut self, registration: &Registration) -> Result<RegisterOutcome, Failure> {
        let parts = registration.new.asset.parts();
        let connection = self.connection().await.map_err(fault::failure)?;
        let found = queries::intent(connection, &parts.scope, parts.asset_id).await;
        match found.map_err(CatalogError::from)? {
            Some(IntentState::Registered {
                asset,
                provenance_digest,
                ..
            }) => Ok(RegisterOutcome::AlreadyRegistered {
                asset,
                provenance_digest,
            }),
            _ => Err(CatalogError::from(CorruptColumn("upload_intent.state")).into()),
        }
    }

    /// The same, as long as anybody waits for it.
    async fn standing_until(
        &mut self,
        until: Instant,
        registration: &Registration,
    ) -> Result<RegisterOutcome, Failure> {
        let found = timeout_at(until, self.standing(registration)).await;
        found.unwrap_or_else(|elapsed| {
            self.connection = None;
            Err(Failure::unavailable(elapsed))
        })
    }

    async fn outcomes(&mut self, decided: Decided, group: &Group<'_>, until: Instant) -> Outcomes {
        let mut registrations = Vec::with_capacity(decided.registrations.len());
        for (outcome, asked) in decided.registrations.into_iter().zip(&group.registrations) {
            registrations.push(match outcome {
                Some(outcome) => Ok(outcome),
                // a record never changes, so it may be read after the transaction
                None => self.standing_until(until, asked).await,
            });
        }
        Outcomes {
            intents: decided.intents,
            repeats: decided.repeats,
            registrations,
            leases: decided.leases,
            progress: decided.progress,
            hashings: decided.hashings,
            retries: decided.retries,
        }
    }
}

fn read(
    answer: &str,
    group: &Group<'_>,
    scopes: &BTreeMap<&Scope, Members<'_>>,
) -> Result<Decided, WriteError> {
    // it was committed, so no member may be tried again
    let unlike =
        |error: nexus_raw::ports::BoxError| WriteError::Unavailable(Failure::corrupt(error));
    let answer: Answer = serde_json::from_str(answer).map_err(|error| unlike(error.into()))?;
    let decided = answer.for_group(group, scopes);
    decided.map_err(|error| unlike(error.into()))
}

#[async_trait]
impl GroupWriter for PostgresWriter {
    async fn write(&mut self, group: Group<'_>) -> Result<Outcomes, WriteError> {
        let scopes = request::by_scope(&group);
        let text = request::text(&group, &scopes, &self.object_store)
            .map_err(|error| WriteError::Refused(Failure::unavailable(error)))?;
        let began = Instant::now();
        let answer = self.call_until_answered(&text, began + PATIENCE).await?;
        let decided = read(&answer, &group, &scopes)?;
        Ok(self.outcomes(decided, &group, began + DEADLINE).await)
    }

    async fn close(self: Box<Self>) {
        let Some(connection) = self.connection else {
            return;
        };
        let closed = timeout(CLOSING, connection.close()).await;
        if let Err(error) = closed
            .map_err(|elapsed| sqlx::Error::Io(elapsed.into()))
            .flatten()
        {
            tracing::warn!(%error, "the catalogue was not closed in order");
        }
    }
}
