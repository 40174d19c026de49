//! What holds for each connection: time limits, and that it leads to the catalogue that was
//! opened, on a server that keeps what it commits, behind a wall that stands.

use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::{
    fault::open_error,
    walls::{self, Breach},
};
use crate::error::OpenError;

/// A statement takes milliseconds; what takes this long has stopped making sense to its caller.
/// The limits are the session's: behind a pooler that shares sessions they are the role's.
const LIMITS: &str = "
    SELECT set_config('statement_timeout', '2s', false),
        set_config('lock_timeout', '1s', false),
        set_config('idle_in_transaction_session_timeout', '5s', false),
        set_config('default_transaction_isolation', 'read committed', false)";

const READ_ONLY: &str = "SET default_transaction_read_only = on";

const STANDING: &str = "
    SELECT uuid_send(catalog_id) AS catalog_id,
        CASE
            WHEN pg_is_in_recovery() THEN 'standby'
            WHEN (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
                THEN 'sees all'
            WHEN current_setting('fsync') = 'off' THEN 'loses files'
            WHEN current_setting('synchronous_commit') = 'off' THEN 'loses commits'
            WHEN current_setting('session_replication_role') <> 'origin' THEN 'fires no triggers'
        END AS unfit
    FROM catalog";

/// What every connection must agree with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    pub(super) catalog_id: Uuid,
}

impl Session {
    /// What the first connection leads to.
    pub(super) async fn open(connection: &mut PgConnection) -> Result<Self, OpenError> {
        limit(connection).await.map_err(open_error)?;
        let found = Found::at(connection).await.map_err(open_error)?;
        match found.unfit {
            None => Ok(Self {
                catalog_id: found.catalog_id,
            }),
            // it may be made the primary
            Some(Unfit::Standby) => Err(OpenError::Unreachable(Box::new(Unfit::Standby))),
            Some(unfit) => Err(OpenError::unfit(unfit.to_string())),
        }
    }

    /// Makes a later connection fit to write: the server may be another one by now.
    pub(super) async fn resume_writing(
        self,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        limit(connection).await?;
        let found = Found::at(connection).await?;
        let other = (found.catalog_id != self.catalog_id).then_some(Unfit::OtherCatalog);
        let unfit = found.unfit.or(other);
        unfit.map_or(Ok(()), |unfit| {
            Err(sqlx::Error::Configuration(Box::new(unfit)))
        })
    }

    /// Makes a later connection fit to read.
    pub(super) async fn resume_reading(
        self,
        connection: &mut PgConnection,
    ) -> Result<(), sqlx::Error> {
        self.resume_writing(connection).await?;
        sqlx::query(READ_ONLY).execute(connection).await.map(|_| ())
    }
}

async fn limit(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(LIMITS).execute(connection).await.map(|_| ())
}

struct Found {
    catalog_id: Uuid,
    unfit: Option<Unfit>,
}

impl Found {
    async fn at(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let row = sqlx::query(STANDING).fetch_one(&mut *connection).await?;
        let id: &[u8] = row.try_get("catalog_id")?;
        let unfit: Option<&str> = row.try_get("unfit")?;
        Ok(Self {
            catalog_id: Uuid::from_slice(id).map_err(|error| sqlx::Error::Decode(error.into()))?,
            unfit: match unfit {
                None => walls::breach(connection).await?.map(Unfit::Wall),
                Some("standby") => Some(Unfit::Standby),
                Some("loses files") => Some(Unfit::LosesFiles),
                Some("loses commits") => Some(Unfit::LosesCommits),
                Some("fires no triggers") => Some(Unfit::FiresNoTriggers),
                Some(_) => Some(Unfit::SeesAll),
            },
        })
    }
}

/// Why a connection must not be used.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("the database is a standby, which takes no writes")]
    Standby,
    #[error("the database holds another catalogue than the one that was opened")]
    OtherCatalog,
    #[error(
        "the role of the catalogue is a superuser or has BYPASSRLS, to whom row-level security \
         does not apply: use a plain role, which may own the database"
    )]
    SeesAll,
    #[error("the database loses what it has committed in a power cut: set fsync = on")]
    LosesFiles,
    #[error(
        "the database answers before a commit is durable: set synchronous_commit = on, for the \
         server, the database and the role"
    )]
    LosesCommits,
    #[error(
        "the triggers that keep what was written do not fire: set session_replication_role = \
         origin, for the server, the database and the role"
    )]
    FiresNoTriggers,
    #[error(transparent)]
    Wall(Breach),
}
