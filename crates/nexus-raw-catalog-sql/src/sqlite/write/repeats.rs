use std::collections::BTreeMap;

use nexus_raw::{
    asset::{AssetId, UploadIntent},
    ports::RepeatOutcome,
    tenancy::Scope,
};
use rusqlite::params;

use crate::{
    backend::WriteError,
    sqlite::{connection::SqliteConnection, fault::write_error},
    writer::{NewIntent, RepeatedPresign},
};

/// Counts the presigns of each pending intent. Their number is bounded, so a counter that each
/// repeat had to write would save nothing.
pub(super) const PRESIGNS: &str = "
    SELECT (
        SELECT count(*) FROM event e
        WHERE e.tenant_id = i.tenant_id AND e.env = i.env AND e.asset_id = i.asset_id
            AND e.event_type = 'raw_asset_presigned'
    ) AS presigns
    FROM upload_intent i
    WHERE i.tenant_id = ?1 AND i.env = ?2 AND i.asset_id = ?3 AND i.state = 'pending'";

/// Decides which repeated presigns are recorded: those of pending intents, up to
/// [`UploadIntent::MAX_PRESIGNS`]. Counts also the first presigns of `recorded`, which the same
/// group writes later.
pub(super) fn decide(
    connection: &mut SqliteConnection,
    repeats: &[&RepeatedPresign],
    recorded: &[&NewIntent],
) -> Result<Vec<RepeatOutcome>, WriteError> {
    if repeats.is_empty() {
        return Ok(Vec::new());
    }
    let mut presigns = presigns(connection, repeats)?;
    for it in recorded {
        if let Some(presigns) = presigns.get_mut(&(&it.intent.scope, it.intent.asset_id)) {
            *presigns += 1;
        }
    }
    let outcomes = repeats.iter().map(|it| {
        let presigns = presigns.get_mut(&(&it.scope, it.event.body.asset_id));
        presigns.map_or(RepeatOutcome::NotPending, |presigns| {
            if *presigns >= i64::from(UploadIntent::MAX_PRESIGNS) {
                return RepeatOutcome::Exhausted;
            }
            *presigns += 1;
            RepeatOutcome::Recorded
        })
    });
    Ok(outcomes.collect())
}

/// Returns the number of presigns of each pending intent.
fn presigns<'a>(
    connection: &mut SqliteConnection,
    repeats: &[&'a RepeatedPresign],
) -> Result<BTreeMap<(&'a Scope, AssetId), i64>, WriteError> {
    let mut presigns = BTreeMap::new();
    for it in repeats {
        let (scope, asset) = (&it.scope, it.event.body.asset_id);
        let key = params![
            scope.tenant.as_str(),
            scope.environment.as_str(),
            asset.as_uuid().into_bytes(),
        ];
        let counted = connection.row(PRESIGNS, key, |row| row.get("event.presigns"));
        if let Some(counted) = counted.map_err(write_error)? {
            presigns.insert((scope, asset), counted);
        }
    }
    Ok(presigns)
}
