use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{fault::open_error, schema, session::Session};
use crate::error::{DEADLINE, OpenError};

/// The first connection of a catalogue that is opened.
pub(super) async fn first(options: &PgConnectOptions) -> Result<PgConnection, OpenError> {
    tokio::time::timeout(DEADLINE, options.connect())
        .await
        .map_err(|elapsed| OpenError::Unreachable(Box::new(elapsed)))?
        .map_err(open_error)
}

/// The connections that read, of all that the catalogue may have: one is the writer's.
pub(super) async fn readers(
    options: PgConnectOptions,
    session: Session,
    connections: u32,
) -> Result<PgPool, OpenError> {
    PgPoolOptions::new()
        .min_connections(1)
        .max_connections(connections.saturating_sub(1).max(1))
        .acquire_timeout(DEADLINE)
        // a question that meets a dead connection is asked again, which costs less than to try
        // each connection before each question
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            Box::pin(async move { session.resume_reading(connection).await })
        })
        .connect_with(options)
        .await
        .map_err(open_error)
}

/// Brings the schema up to date; the migrations that were applied.
pub(crate) async fn migrate(options: PgConnectOptions) -> Result<Vec<i64>, OpenError> {
    let mut connection = first(&options).await?;
    let applied = schema::migrate(&mut connection).await;
    // the connection ends either way
    drop(connection.close().await);
    applied
}
