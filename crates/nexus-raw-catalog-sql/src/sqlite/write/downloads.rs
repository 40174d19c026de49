use std::collections::BTreeMap;

use nexus_raw::{
    ports::{DownloadKey, DownloadOutcome},
    time::Timestamp,
};
use rusqlite::params;

use crate::{
    backend::WriteError,
    sqlite::{connection::SqliteConnection, fault::write_error},
    writer::RecordedDownload,
};

/// Reads until when each key is granted; no row where the asset is not registered.
pub(super) const STANDING: &str = "
    SELECT g.ends_at, a.last_fact FROM asset a
    LEFT JOIN download_grant g ON g.tenant_id = a.tenant_id AND g.env = a.env
        AND g.asset_id = a.asset_id AND g.user_id = ?4 AND g.disposition = ?5
    WHERE a.tenant_id = ?1 AND a.env = ?2 AND a.asset_id = ?3";

/// Decides which downloads are written: of those of one key whose grant is not enough, the one that
/// ends last. Its end is enough for the others.
pub(super) fn decide(
    connection: &mut SqliteConnection,
    downloads: &[&RecordedDownload],
) -> Result<Vec<DownloadOutcome>, WriteError> {
    if downloads.is_empty() {
        return Ok(Vec::new());
    }
    let standing = standing(connection, downloads)?;
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
fn standing(
    connection: &mut SqliteConnection,
    downloads: &[&RecordedDownload],
) -> Result<Vec<Option<Standing>>, WriteError> {
    let mut all = Vec::with_capacity(downloads.len());
    for it in downloads {
        let key = &it.new.key;
        let of = params![
            key.scope.tenant.as_str(),
            key.scope.environment.as_str(),
            key.asset_id.as_uuid().into_bytes(),
            key.user.as_str(),
            key.disposition.as_str(),
        ];
        let known = connection.row(STANDING, of, |row| {
            let end = row.optional::<i64>("download_grant.ends_at")?;
            let last: Option<i64> = row.optional("asset.last_fact")?;
            Ok(Standing {
                ends_at: match end {
                    None => None,
                    Some(_) => Some(row.timestamp("download_grant.ends_at")?),
                },
                last_fact: last.map(i64::cast_unsigned),
            })
        });
        all.push(known.map_err(write_error)?);
    }
    Ok(all)
}

const INSERT: &str = "
    INSERT INTO download_grant (tenant_id, env, asset_id, user_id, disposition, ends_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT DO UPDATE SET ends_at = excluded.ends_at";

pub(super) const ENDED: &str = "
    DELETE FROM download_grant
    WHERE (tenant_id, env, asset_id, user_id, disposition) IN (
        SELECT g.tenant_id, g.env, g.asset_id, g.user_id, g.disposition
        FROM download_grant g INDEXED BY download_grant_by_end
        WHERE g.tenant_id = ?1 AND g.env = ?2 AND g.ends_at < ?3
        LIMIT 2
    )";

/// Writes the grants, and removes two for each of them that ended an hour ago, which covers clock
/// changes.
pub(super) fn insert(
    connection: &mut SqliteConnection,
    downloads: &[&RecordedDownload],
) -> Result<(), WriteError> {
    for it in downloads {
        let key = &it.new.key;
        let (tenant, environment) = (key.scope.tenant.as_str(), key.scope.environment.as_str());
        let grant = params![
            tenant,
            environment,
            key.asset_id.as_uuid().into_bytes(),
            key.user.as_str(),
            key.disposition.as_str(),
            it.new.ends_at.as_micros(),
        ];
        connection.execute(INSERT, grant).map_err(write_error)?;
        let before = it.event.body.occurred_at.as_micros() - 3_600_000_000;
        let ended = params![tenant, environment, before];
        connection.execute(ENDED, ended).map_err(write_error)?;
    }
    Ok(())
}
