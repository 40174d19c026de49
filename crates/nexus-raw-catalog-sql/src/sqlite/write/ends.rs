//! The ends of intents.

use rusqlite::params;

use crate::{
    backend::WriteError,
    sqlite::{
        connection::SqliteConnection,
        fault::{read_error, write_error},
    },
    writer::EndedIntents,
};

pub(super) const CLOSE: &str = "
    UPDATE upload_intent SET state = 'ended'
    WHERE tenant_id = ?1 AND env = ?2 AND asset_id = ?3 AND state = 'pending' AND ends_at <= ?4
    RETURNING size_bytes";

pub(super) const COUNT: &str = "
    UPDATE scope SET open_count = open_count - ?3, open_bytes = open_bytes - ?4
    WHERE tenant_id = ?1 AND env = ?2";

/// Closes those of the intents that are pending and have ended, and returns their number.
pub(super) fn close(
    connection: &mut SqliteConnection,
    ended: &EndedIntents,
) -> Result<u32, WriteError> {
    let (tenant, environment) = (
        ended.scope.tenant.as_str(),
        ended.scope.environment.as_str(),
    );
    let (mut closed, mut bytes) = (0_u32, 0_i64);
    for asset in &ended.assets {
        let id = asset.as_uuid().into_bytes();
        let one = params![tenant, environment, id, ended.now.as_micros()];
        let size = connection.row(CLOSE, one, |row| row.get::<i64>("upload_intent.size_bytes"));
        if let Some(size) = size.map_err(write_error)? {
            closed += 1;
            bytes += size;
        }
    }
    if closed > 0 {
        let counted = params![tenant, environment, closed, bytes];
        let changed = connection.execute(COUNT, counted).map_err(write_error)?;
        if changed != 1 {
            return Err(read_error(rusqlite::Error::QueryReturnedNoRows).into());
        }
    }
    Ok(closed)
}
