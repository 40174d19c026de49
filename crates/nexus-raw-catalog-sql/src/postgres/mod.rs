//! The catalogue on PostgreSQL, for any number of processes.

mod answer;
mod cells;
mod connect;
mod examine;
mod fault;
mod functions;
mod gathered;
mod made;
mod pool;
mod read_only;
mod reader;
mod request;
mod row_security;
mod schema;
mod session;
mod statement;
#[cfg(test)]
mod tests;
mod url;

mod writer;

use std::{sync::Arc, time::Duration};

use sqlx::postgres::PgConnectOptions;

pub(crate) use self::{
    connect::{migrate, plan_migration},
    examine::examine,
    read_only::{ENTRIES, ReadOnlyPostgres},
    reader::PostgresReader,
    url::parse as parse_url,
};
use self::{pool::Connections, session::Session, writer::PostgresWriter};
use crate::{
    backend::{Backend, Reader},
    error::OpenError,
    object_store::ObjectStoreIdentity,
};

/// The time limit of the checks at open.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens the catalogue, whose schema must exist.
pub(crate) async fn open(
    options: PgConnectOptions,
    connections: u32,
    object_store: &ObjectStoreIdentity,
) -> Result<Backend, OpenError> {
    let opening = async {
        let mut connection = connect::first(&options).await?;
        schema::check(&mut connection).await?;
        let session = Session::open(&mut connection).await?;
        Ok((connection, session))
    };
    let (connection, session) = tokio::time::timeout(OPEN_TIMEOUT, opening)
        .await
        .map_err(|elapsed| OpenError::Unreachable(Box::new(elapsed)))??;
    let connections = Arc::new(Connections::up_to(
        connections,
        connection,
        options,
        session,
    ));
    Ok(Backend {
        reader: Reader::Postgres(PostgresReader::new(Arc::clone(&connections))),
        writer: Box::new(PostgresWriter::new(connections, object_store.clone())),
    })
}
