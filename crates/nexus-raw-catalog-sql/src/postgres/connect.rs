use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

use super::{fault::open_error, schema};
use crate::{
    error::{DEADLINE, OpenError},
    migration_plan::MigrationPlan,
};

/// Opens the first connection of a catalogue.
pub(super) async fn first(options: &PgConnectOptions) -> Result<PgConnection, OpenError> {
    tokio::time::timeout(DEADLINE, options.connect())
        .await
        .map_err(|elapsed| OpenError::Unreachable(Box::new(elapsed)))?
        .map_err(open_error)
}

/// Migrates the schema and returns the applied migrations.
pub(crate) async fn migrate(options: PgConnectOptions) -> Result<Vec<i64>, OpenError> {
    let mut connection = first(&options).await?;
    let applied = schema::migrate(&mut connection).await;
    // the connection is closed even on an error
    drop(connection.close().await);
    applied
}

/// Returns what a migration would do.
pub(crate) async fn plan_migration(options: PgConnectOptions) -> Result<MigrationPlan, OpenError> {
    let mut connection = first(&options).await?;
    let planned = schema::plan(&mut connection).await;
    // the connection is closed even on an error
    drop(connection.close().await);
    planned
}
