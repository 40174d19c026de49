use std::collections::BTreeSet;

use nexus_raw::ports::RepeatOutcome;
use sqlx::SqliteConnection;

use crate::{
    backend::WriteError,
    sqlite::{fault::write_error, parameters::keys_json},
    writer::RepeatedPresign,
};

pub(super) const PENDING: &str = "
    SELECT k.key FROM json_each(?1) k
    CROSS JOIN upload_intent i ON i.tenant_id = k.value ->> 0 AND i.env = k.value ->> 1
        AND i.asset_id = unhex(k.value ->> 2)
    WHERE i.state = 'pending'";

/// Decides of which intents one more presign may be told: those that are pending now.
pub(super) async fn decide(
    connection: &mut SqliteConnection,
    repeats: &[&RepeatedPresign],
) -> Result<Vec<RepeatOutcome>, WriteError> {
    if repeats.is_empty() {
        return Ok(Vec::new());
    }
    let keys = repeats.iter().map(|it| (&it.scope, it.event.asset_id));
    let pending: Vec<i64> = sqlx::query_scalar(PENDING)
        .bind(keys_json(keys))
        .fetch_all(connection)
        .await
        .map_err(write_error)?;
    let pending: BTreeSet<_> = pending.into_iter().collect();
    let outcomes = (0..).zip(repeats).map(|(place, _)| {
        if pending.contains(&place) {
            RepeatOutcome::Recorded
        } else {
            RepeatOutcome::NotPending
        }
    });
    Ok(outcomes.collect())
}
