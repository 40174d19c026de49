//! The catalogue in PostgreSQL, for any number of processes.

mod answer;
mod connect;
mod fault;
mod made;
mod queries;
mod reader;
mod request;
mod schema;
mod session;
mod url;
mod walls;
mod writer;

use sqlx::postgres::PgConnectOptions;

pub(crate) use self::{connect::migrate, url::parse as parse_url};
use self::{reader::PostgresReader, session::Session, writer::PostgresWriter};
use crate::{backend::Backend, error::OpenError, object_store::ObjectStoreIdentity, rows::cells};

cells!(sqlx::postgres::PgRow);

/// Opens the catalogue, whose schema must be there.
pub(crate) async fn open(
    options: PgConnectOptions,
    connections: u32,
    object_store: &ObjectStoreIdentity,
) -> Result<Backend, OpenError> {
    let mut connection = connect::first(&options).await?;
    schema::check(&mut connection).await?;
    let session = Session::open(&mut connection).await?;
    let readers = connect::readers(options.clone(), session, connections).await?;
    Ok(Backend {
        reader: Box::new(PostgresReader::new(readers, session.catalog_id)),
        writer: Box::new(PostgresWriter::new(
            connection,
            options,
            session,
            object_store.clone(),
        )),
    })
}
