//! Reading a whole catalogue, in transactions that cannot write.

use std::time::Duration;

use nexus_raw::{ports::CatalogError, tenancy::Scope};
use sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use super::{
    OPEN_TIMEOUT, connect,
    fault::catalog_error,
    reader::{enter, filled},
    schema,
    session::Session,
    statement::rows,
};
use crate::{
    error::{CorruptColumn, DEADLINE, OpenError, Reason},
    listing::Sql,
    rows::Columns,
};

/// A connection for reading. It is opened again after a failure.
///
/// `default_transaction_read_only` would be state of the session, which behind a pooler the servers
/// share; so each transaction is read-only by itself.
pub(crate) struct ReadOnlyPostgres {
    options: PgConnectOptions,
    session: Session,
    connection: Option<PgConnection>,
    /// Whether the connection is within a transaction.
    is_reading: bool,
}

/// The rows of a page come from an index in its order, as in lists ([`super::reader::TO_LIST`]).
/// A statement that counts the rows of a scope may take a while.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
    SET LOCAL statement_timeout = '10min'; SET LOCAL jit = off; \
    SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; \
    SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; ";

/// The time after which a silent connection counts as dead.
const SILENCE: Duration = Duration::from_secs(630);

impl ReadOnlyPostgres {
    pub(crate) async fn open(options: PgConnectOptions) -> Result<Self, OpenError> {
        let opening = async {
            let mut connection = connect::first(&options).await?;
            schema::check(&mut connection).await?;
            let session = Session::to_inspect(&mut connection).await?;
            Ok((connection, session))
        };
        let (connection, session) = timeout(OPEN_TIMEOUT, opening)
            .await
            .map_err(|elapsed| OpenError::Unreachable(Box::new(elapsed)))??;
        Ok(Self {
            options,
            session,
            connection: Some(connection),
            is_reading: false,
        })
    }

    pub(crate) async fn begin(&mut self, scope: Option<&Scope>) -> Result<(), CatalogError> {
        if self.is_reading {
            // it was given up on, and a late response would be taken for the next one
            self.connection = None;
        }
        if self.connection.is_none() {
            let connecting = async {
                let mut connection = self.options.connect().await?;
                self.session.is_that_of(&mut connection).await?;
                Ok(connection)
            };
            let connected = timeout(DEADLINE, connecting);
            let connected = connected.await.map_err(|_| Reason::Deadline)?;
            self.connection = Some(connected.map_err(catalog_error)?);
        }
        self.is_reading = true;
        let entering = match scope {
            Some(scope) => enter(scope),
            None => "SELECT enter_as_relay()".to_owned(),
        };
        self.run(format!("{BEGIN}{entering}")).await.map(drop)
    }

    pub(crate) async fn end(&mut self) -> Result<(), CatalogError> {
        self.run("COMMIT".to_owned()).await?;
        self.is_reading = false;
        Ok(())
    }

    pub(crate) async fn rows<T>(
        &mut self,
        sql: &Sql,
        read: fn(&Columns<'_>) -> Result<T, CorruptColumn>,
    ) -> Result<Vec<T>, CatalogError> {
        let rows = self.run(filled(sql)).await?;
        let rows = rows.iter().map(|row| read(&Columns(row)));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    async fn run(&mut self, text: String) -> Result<Vec<sqlx::postgres::PgRow>, CatalogError> {
        let connection = self.connection.as_mut().ok_or(Reason::Stopped)?;
        let rows = timeout(SILENCE, rows(connection, text)).await;
        rows.map_err(|_| Reason::Deadline)?.map_err(catalog_error)
    }
}

/// The columns of an intent `i`, with its record, and its tables.
pub(crate) const ENTRIES: &str = "
    SELECT 0 AS upload_intent, i.*, s.bucket, 0 AS asset, a.*, d.bucket, d.labels AS value,
        d.parents AS parent_id, 0 AS object_store, s.endpoint, s.region, s.bucket
    FROM upload_intent i
    JOIN object_store s ON s.object_store_id = i.object_store_id
    LEFT JOIN asset a ON (a.tenant_id, a.env) = (i.tenant_id, i.env) AND a.asset_id = i.asset_id
    LEFT JOIN LATERAL details_v1(a) d ON a.asset_id IS NOT NULL";
