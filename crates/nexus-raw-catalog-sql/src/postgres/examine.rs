//! Examines a PostgreSQL server and the service's role.

use nexus_raw::checkup::Examined;
use sqlx::{Row, postgres::PgConnectOptions, postgres::PgRow};
use tokio::time::timeout;

use super::{OPEN_TIMEOUT, connect, fault::open_error, schema, session::Session, statement::read};
use crate::{error::OpenError, examine::CHECK};

const STATE: &str = "
    SELECT current_setting('full_page_writes')::boolean AS full_pages,
        current_setting('data_checksums')::boolean AS checksums,
        current_setting('autovacuum')::boolean AND current_setting('track_counts')::boolean
            AS vacuums,
        current_setting('max_connections')::integer
            - current_setting('superuser_reserved_connections')::integer AS connections,
        r.rolname::text AS role, r.rolconnlimit AS of_role, r.rolcreaterole OR r.rolcreatedb
            OR r.rolreplication AS rules,
        (SELECT d.datconnlimit FROM pg_database d WHERE d.datname = current_database())
            AS of_database,
        coalesce(inet_server_addr() << '127.0.0.0/8' OR inet_server_addr() = '::1', true)
            OR coalesce((SELECT s.ssl FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()), false)
            AS private
    FROM pg_roles r WHERE r.rolname = current_user";

/// Examines the server as a start does, and what a start does not depend on.
///
/// # Errors
/// See [`OpenError`]: what would end a start.
pub(crate) async fn examine(
    options: &PgConnectOptions,
    wanted: u32,
) -> Result<Vec<Examined>, OpenError> {
    let examining = async {
        let mut connection = connect::first(options).await?;
        schema::check(&mut connection).await?;
        Session::open(&mut connection).await?;
        let rows = read(&mut connection, STATE).await.map_err(open_error)?;
        let row = rows.first().ok_or(sqlx::Error::RowNotFound);
        row.and_then(|row| judged(row, wanted)).map_err(open_error)
    };
    timeout(OPEN_TIMEOUT, examining)
        .await
        .map_err(|elapsed| OpenError::Unreachable(Box::new(elapsed)))?
}

fn judged(row: &PgRow, wanted: u32) -> Result<Vec<Examined>, sqlx::Error> {
    let mut all = vec![Examined::sound(
        CHECK,
        "PostgreSQL, with the schema, functions and policies of this version, commits durably",
    )];
    all.push(if row.try_get("full_pages")? {
        Examined::sound("catalog.pages", "full_page_writes is on")
    } else {
        Examined::fault(
            "catalog.pages",
            "full_page_writes is off: a power cut may leave half-written pages",
            "`ALTER SYSTEM SET full_page_writes = on` and `SELECT pg_reload_conf()`",
        )
    });
    if !row.try_get::<bool, _>("checksums")? {
        all.push(Examined::note(
            "catalog.pages",
            "data checksums are off: damage of the disk is noticed late (`pg_checksums --enable`)",
        ));
    }
    all.push(if row.try_get("vacuums")? {
        Examined::sound("catalog.vacuum", "autovacuum is on")
    } else {
        Examined::fault(
            "catalog.vacuum",
            "autovacuum or track_counts is off: tables grow, and plans go wrong",
            "`ALTER SYSTEM SET autovacuum = on`, the same for track_counts, and `SELECT pg_reload_conf()`",
        )
    });
    all.push(connections(row, wanted)?);
    let role: String = row.try_get("role")?;
    all.push(if row.try_get("rules")? {
        Examined::fault(
            "catalog.role",
            format!("{role} may create roles or databases, or replicate"),
            format!("`ALTER ROLE {role} NOCREATEROLE NOCREATEDB NOREPLICATION`"),
        )
    } else {
        Examined::sound("catalog.role", format!("{role} is a plain role"))
    });
    if !row.try_get::<bool, _>("private")? {
        all.push(Examined::note(
            "catalog.transport",
            "the last stretch to the server is not encrypted",
        ));
    }
    Ok(all)
}

/// The lowest of the limits of the server, the database and the role.
fn connections(row: &PgRow, wanted: u32) -> Result<Examined, sqlx::Error> {
    const CONNECTIONS: &str = "catalog.connections";
    let limits = ["connections", "of_database", "of_role"];
    let limits = limits.map(|name| row.try_get::<i32, _>(name));
    let mut lowest = i32::MAX;
    for limit in limits {
        // -1 is no limit
        let limit = limit?;
        lowest = lowest.min(if limit < 0 { i32::MAX } else { limit });
    }
    Ok(if i64::from(lowest) < i64::from(wanted) {
        Examined::fault(
            CONNECTIONS,
            format!("a server uses up to {wanted} connections, and {lowest} are allowed"),
            format!(
                "lower catalog.max_connections to {lowest} over all servers, or raise the limit of the server, the database or the role"
            ),
        )
    } else {
        Examined::sound(
            CONNECTIONS,
            format!("a server uses up to {wanted} of {lowest}, shared with all others"),
        )
    })
}
