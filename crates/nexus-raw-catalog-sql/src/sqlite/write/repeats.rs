use std::collections::BTreeMap;

use nexus_raw::{
    asset::{AssetId, UploadIntent},
    ports::RepeatOutcome,
    tenancy::Scope,
};
use sqlx::{Row, SqliteConnection};

use crate::{
    backend::WriteError,
    sqlite::{
        fault::{read_error, write_error},
        parameters::keys_json,
    },
    writer::{NewIntent, RepeatedPresign},
};

/// Counts the presigns of each pending intent. Their number is bounded, so a counter that each
/// repeat had to write would save nothing.
pub(super) const PRESIGNS: &str = "
    SELECT k.key, (
        SELECT count(*) FROM event e
        WHERE e.tenant_id = i.tenant_id AND e.env = i.env AND e.asset_id = i.asset_id
            AND e.event_type = 'raw_asset_presigned'
    )
    FROM json_each(?1) k
    CROSS JOIN upload_intent i ON i.tenant_id = k.value ->> 0 AND i.env = k.value ->> 1
        AND i.asset_id = unhex(k.value ->> 2)
    WHERE i.state = 'pending'";

/// Decides which repeated presigns are recorded: those of pending intents, up to
/// [`UploadIntent::MAX_PRESIGNS`]. Counts also the first presigns of `recorded`, which the same
/// group writes later.
pub(super) async fn decide(
    connection: &mut SqliteConnection,
    repeats: &[&RepeatedPresign],
    recorded: &[&NewIntent],
) -> Result<Vec<RepeatOutcome>, WriteError> {
    if repeats.is_empty() {
        return Ok(Vec::new());
    }
    let mut presigns = presigns(connection, repeats).await?;
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
async fn presigns<'a>(
    connection: &mut SqliteConnection,
    repeats: &[&'a RepeatedPresign],
) -> Result<BTreeMap<(&'a Scope, AssetId), i64>, WriteError> {
    let mut keys: Vec<_> = repeats
        .iter()
        .map(|it| (&it.scope, it.event.body.asset_id))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let rows = sqlx::query(PRESIGNS)
        .bind(keys_json(keys.iter().copied()))
        .fetch_all(connection)
        .await
        .map_err(write_error)?;
    let counted = rows.iter().map(|row| {
        let index: i64 = row.try_get(0)?;
        let key = usize::try_from(index).ok().and_then(|at| keys.get(at));
        let key = key.ok_or(sqlx::Error::RowNotFound)?;
        Ok((*key, row.try_get(1)?))
    });
    let counted: Result<_, sqlx::Error> = counted.collect();
    Ok(counted.map_err(read_error)?)
}
