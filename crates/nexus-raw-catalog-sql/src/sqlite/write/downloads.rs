use std::collections::BTreeMap;

use nexus_raw::{
    ports::{DownloadKey, DownloadOutcome},
    tenancy::{Scope, UserId},
    time::Timestamp,
};
use serde::Serialize;
use sqlx::{Row, SqliteConnection};

use crate::{
    backend::WriteError,
    sqlite::{
        fault::{read_error, write_error},
        parameters::rows_json,
    },
    writer::RecordedDownload,
};

/// Reads until when each key is granted; no row where the asset is not registered.
pub(super) const STANDING: &str = "
    SELECT k.key, g.ends_at, a.last_fact
    FROM json_each(?1) k
    CROSS JOIN asset a ON a.tenant_id = k.value ->> 0 AND a.env = k.value ->> 1
        AND a.asset_id = unhex(k.value ->> 2)
    LEFT JOIN download_grant g ON g.tenant_id = a.tenant_id AND g.env = a.env
        AND g.asset_id = a.asset_id AND g.user_id = k.value ->> 3
        AND g.disposition = k.value ->> 4";

/// Decides which downloads are written: of those of one key whose grant is not enough, the one that
/// ends last. Its end is enough for the others.
pub(super) async fn decide(
    connection: &mut SqliteConnection,
    downloads: &[&RecordedDownload],
) -> Result<Vec<DownloadOutcome>, WriteError> {
    if downloads.is_empty() {
        return Ok(Vec::new());
    }
    let standing = standing(connection, downloads).await?;
    let mut newest: BTreeMap<&DownloadKey, usize> = BTreeMap::new();
    let is_changed =
        |it: &RecordedDownload, standing: &Standing| standing.last_fact != it.new.last_fact;
    for (index, (it, standing)) in downloads.iter().zip(&standing).enumerate() {
        let needs_event = |standing: &Standing| {
            let ends = standing.ends_at;
            ends.is_none_or(|end| end < it.new.enough_until) && !is_changed(it, standing)
        };
        if standing.as_ref().is_some_and(needs_event) {
            let newest = newest.entry(&it.new.key).or_insert(index);
            if downloads[*newest].new.ends_at < it.new.ends_at {
                *newest = index;
            }
        }
    }
    let decide = |(index, (it, standing)): (usize, (&&RecordedDownload, &Option<Standing>))| {
        let newest = newest.get(&it.new.key);
        match standing {
            None => DownloadOutcome::UnknownAsset,
            Some(Standing {
                ends_at: Some(end), ..
            }) if *end >= it.new.enough_until => DownloadOutcome::Granted(*end),
            Some(standing) if is_changed(it, standing) => DownloadOutcome::Changed,
            Some(_) => match newest.filter(|newest| **newest != index) {
                Some(newest) => DownloadOutcome::Granted(downloads[*newest].new.ends_at),
                None => DownloadOutcome::Recorded,
            },
        }
    };
    let members = downloads.iter().zip(&standing).enumerate();
    Ok(members.map(decide).collect())
}

/// What is known of a registered asset for a download.
#[derive(Clone)]
struct Standing {
    /// Until when it is granted.
    ends_at: Option<Timestamp>,
    last_fact: Option<u64>,
}

/// Returns what is known of each download's asset, if it is registered.
async fn standing(
    connection: &mut SqliteConnection,
    downloads: &[&RecordedDownload],
) -> Result<Vec<Option<Standing>>, WriteError> {
    let rows = sqlx::query(STANDING)
        .bind(rows_json(downloads.iter().map(|it| GrantRow::of(it))))
        .fetch_all(connection)
        .await
        .map_err(write_error)?;
    let mut standing = vec![None; downloads.len()];
    for row in &rows {
        let read = || {
            let index: i64 = row.try_get(0)?;
            let end: Option<i64> = row.try_get(1)?;
            let end = end.map(Timestamp::from_micros).transpose();
            let last: Option<i64> = row.try_get(2)?;
            let known = Standing {
                ends_at: end.map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
                last_fact: last.map(i64::cast_unsigned),
            };
            Ok::<_, sqlx::Error>((usize::try_from(index).ok(), known))
        };
        let (index, known) = read().map_err(read_error)?;
        if let Some(standing) = index.and_then(|index| standing.get_mut(index)) {
            *standing = Some(known);
        }
    }
    Ok(standing)
}

const INSERT: &str = "
    INSERT INTO download_grant (tenant_id, env, asset_id, user_id, disposition, ends_at)
    SELECT value ->> 0, value ->> 1, unhex(value ->> 2), value ->> 3, value ->> 4, value ->> 5
    FROM json_each(?1) WHERE true
    ON CONFLICT DO UPDATE SET ends_at = excluded.ends_at";

pub(super) const ENDED: &str = "
    DELETE FROM download_grant
    WHERE (tenant_id, env, asset_id, user_id, disposition) IN (
        SELECT g.tenant_id, g.env, g.asset_id, g.user_id, g.disposition
        FROM json_each(?1) k
        CROSS JOIN download_grant g INDEXED BY download_grant_by_end
            ON g.tenant_id = k.value ->> 0 AND g.env = k.value ->> 1
            AND g.ends_at < k.value ->> 2
        LIMIT ?2
    )";

/// Writes the grants, and removes two for each of them that ended an hour ago, which covers clock
/// changes.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    downloads: &[&RecordedDownload],
) -> Result<(), WriteError> {
    if downloads.is_empty() {
        return Ok(());
    }
    sqlx::query(INSERT)
        .bind(rows_json(downloads.iter().map(|it| GrantRow::of(it))))
        .execute(&mut *connection)
        .await
        .map_err(write_error)?;
    let mut latest: BTreeMap<&Scope, Timestamp> = BTreeMap::new();
    for it in downloads {
        let now = it.event.body.occurred_at;
        let at = latest.entry(&it.new.key.scope).or_insert(now);
        *at = now.max(*at);
    }
    let rows = latest.into_iter().map(|(scope, at)| {
        let before = at.as_micros() - 3_600_000_000;
        (&scope.tenant, &scope.environment, before)
    });
    let removed = sqlx::query(ENDED)
        .bind(rows_json(rows))
        .bind(i64::try_from(2 * downloads.len()).unwrap_or(i64::MAX))
        .execute(connection)
        .await;
    removed.map(|_| ()).map_err(write_error)
}

#[derive(Serialize)]
struct GrantRow<'a>(
    &'a str,
    &'a str,
    uuid::fmt::Simple,
    &'a UserId,
    &'static str,
    i64,
);

impl<'a> GrantRow<'a> {
    fn of(download: &'a RecordedDownload) -> Self {
        let key = &download.new.key;
        Self(
            key.scope.tenant.as_str(),
            key.scope.environment.as_str(),
            key.asset_id.as_uuid().simple(),
            &key.user,
            key.disposition.as_str(),
            download.new.ends_at.as_micros(),
        )
    }
}
