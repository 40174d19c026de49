//! The checks of each connection: it leads to the catalogue that was opened, the server commits
//! durably, and row-level security is in force.

use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::{
    fault::open_error,
    row_security::{self, RowSecurityFault},
    statement::read,
};
use crate::error::OpenError;

const SESSION_STATE: &str = "
    SELECT uuid_send(catalog_id) AS catalog_id,
        current_setting('default_transaction_read_only')::boolean AS is_read_only,
        CASE
            WHEN pg_is_in_recovery() THEN 'standby'
            WHEN (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
                THEN 'sees all'
            WHEN current_setting('fsync') = 'off' THEN 'loses files'
            WHEN current_setting('synchronous_commit') = 'off' THEN 'loses commits'
            WHEN current_setting('session_replication_role') <> 'origin' THEN 'fires no triggers'
        END AS unfit
    FROM catalog";

/// What every connection must match.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    pub(super) catalog_id: Uuid,
}

impl Session {
    /// Checks the first connection.
    pub(super) async fn open(connection: &mut PgConnection) -> Result<Self, OpenError> {
        let found = SessionState::at(connection).await.map_err(open_error)?;
        match found.unfit {
            // it may become writable again
            None if found.is_read_only => Err(OpenError::Unreachable(Box::new(ReadOnly))),
            None => Ok(Self {
                catalog_id: found.catalog_id,
            }),
            // it may be promoted to primary
            Some(UnfitSession::Standby) => {
                Err(OpenError::Unreachable(Box::new(UnfitSession::Standby)))
            }
            Some(unfit) => Err(OpenError::incompatible(unfit.to_string())),
        }
    }

    /// Checks the first connection of one that only reads. Nothing is written, so the server may be a
    /// standby, or one that loses what it confirms; a role that sees all rows reads no other ones,
    /// since each statement names its scope.
    pub(super) async fn to_inspect(connection: &mut PgConnection) -> Result<Self, OpenError> {
        let found = SessionState::at(connection).await.map_err(open_error)?;
        if !matches!(found.unfit, Some(UnfitSession::SeesAll)) {
            let fault = row_security::fault(connection).await.map_err(open_error)?;
            if let Some(fault) = fault {
                return Err(OpenError::incompatible(fault.to_string()));
            }
        }
        Ok(Self {
            catalog_id: found.catalog_id,
        })
    }

    /// Checks that a later connection, which only reads, leads to the same catalogue.
    pub(super) async fn is_that_of(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let found = SessionState::at(connection).await?;
        if found.catalog_id == self.catalog_id {
            return Ok(());
        }
        let other = Box::new(UnfitSession::OtherCatalog);
        Err(sqlx::Error::Configuration(other))
    }

    /// Checks a later connection, which may lead to another server. A read-only one may serve
    /// reads.
    pub(super) async fn resume(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let found = SessionState::at(connection).await?;
        let other = (found.catalog_id != self.catalog_id).then_some(UnfitSession::OtherCatalog);
        let unfit = found.unfit.or(other);
        unfit.map_or(Ok(()), |unfit| {
            Err(sqlx::Error::Configuration(Box::new(unfit)))
        })
    }
}

struct SessionState {
    catalog_id: Uuid,
    is_read_only: bool,
    unfit: Option<UnfitSession>,
}

impl SessionState {
    async fn at(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let rows = read(connection, SESSION_STATE).await?;
        let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let id: Vec<u8> = row.try_get("catalog_id")?;
        let unfit: Option<&str> = row.try_get("unfit")?;
        Ok(Self {
            is_read_only: row.try_get("is_read_only")?,
            catalog_id: Uuid::from_slice(&id).map_err(|error| sqlx::Error::Decode(error.into()))?,
            unfit: match unfit {
                None => row_security::fault(connection)
                    .await?
                    .map(UnfitSession::RowSecurity),
                Some("standby") => Some(UnfitSession::Standby),
                Some("loses files") => Some(UnfitSession::LosesFiles),
                Some("loses commits") => Some(UnfitSession::LosesCommits),
                Some("fires no triggers") => Some(UnfitSession::FiresNoTriggers),
                Some(_) => Some(UnfitSession::SeesAll),
            },
        })
    }
}

/// The database is read-only.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "the database is read-only: it is a standby, or default_transaction_read_only is on for the \
     server, the database or the role"
)]
pub(super) struct ReadOnly;

/// The reason why a connection must not be used.
#[derive(Debug, thiserror::Error)]
enum UnfitSession {
    #[error("the database is a read-only standby")]
    Standby,
    #[error("the database holds another catalogue than the one that was opened")]
    OtherCatalog,
    #[error(
        "the role of the catalogue is a superuser or has BYPASSRLS, to which row-level security \
         does not apply: use a plain role, which may own the database"
    )]
    SeesAll,
    #[error("the database may lose committed data in a power cut: set fsync = on")]
    LosesFiles,
    #[error(
        "the database confirms a commit before it is durable: set synchronous_commit = on, for the \
         server, the database and the role"
    )]
    LosesCommits,
    #[error(
        "the triggers that keep rows immutable do not fire: set session_replication_role = \
         origin, for the server, the database and the role"
    )]
    FiresNoTriggers,
    #[error(transparent)]
    RowSecurity(RowSecurityFault),
}
