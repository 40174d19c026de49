//! The limit of open files, and the share of it for callers' connections.

use nexus_raw_config::{CatalogLocation, Settings};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Failure;
use crate::http::METRICS_CONNECTIONS;

/// Descriptors besides connections: standard streams, listeners, event queues of threads, sinks,
/// JWKS fetches, objects being hashed. About 50 were measured; a child process for credentials
/// takes a few.
const FIXED: usize = 96;
/// Descriptors of one worker thread's event queue.
const OF_A_WORKER: usize = 4;
/// A connection to SQLite opens the database, the log and its shared memory.
const OF_SQLITE: usize = 6 * 3;
/// The embedded store takes 256 connections, each with a file for its upload; its 16 disk threads
/// briefly open one more each.
const OF_EMBEDDED_STORE: usize = 256 * 2 + 16;
/// A request may open a connection to the store.
const OF_A_CONNECTION: usize = 2;

/// The minimum of connections: fewer are soon taken by strangers.
const FEWEST_CONNECTIONS: usize = 64;
/// The maximum of connections per worker, since each also takes memory.
const MOST_CONNECTIONS_OF_A_WORKER: usize = 10_000;

/// Raises the soft limit of open files to the hard one and returns the new limit.
pub(super) fn raised_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // some systems have a lower system-wide limit and refuse
    let _ = setrlimit(Resource::Nofile, raised);
    let limit = getrlimit(Resource::Nofile).current;
    limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    })
}

/// Returns the number of callers' connections that the limit allows.
pub(super) fn connections(
    limit: usize,
    settings: &Settings,
    workers: usize,
) -> Result<usize, Failure> {
    let catalog = match &settings.catalog.location {
        CatalogLocation::Sqlite(_) => OF_SQLITE,
        CatalogLocation::Postgres(_) => settings.catalog.max_connections as usize,
    };
    let store = settings.embedded.as_ref().map_or(0, |_| OF_EMBEDDED_STORE);
    shared(limit, catalog + store, workers)
}

fn shared(limit: usize, of_parts: usize, workers: usize) -> Result<usize, Failure> {
    let reserve = FIXED + METRICS_CONNECTIONS + OF_A_WORKER * workers + of_parts;
    let connections = limit.saturating_sub(reserve) / OF_A_CONNECTION;
    if connections < FEWEST_CONNECTIONS {
        return Err(Failure::Descriptors {
            limit,
            needed: reserve + FEWEST_CONNECTIONS * OF_A_CONNECTION,
        });
    }
    Ok(connections.min(MOST_CONNECTIONS_OF_A_WORKER * workers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_get_what_the_reserve_leaves_and_no_fewer_than_serve() {
        let needed = |outcome| match outcome {
            Err(Failure::Descriptors { limit, needed }) => (limit, needed),
            other => panic!("{other:?}"),
        };
        assert_eq!(shared(1024, OF_SQLITE, 2).unwrap(), 435);
        assert_eq!(shared(1024, OF_SQLITE + OF_EMBEDDED_STORE, 2).unwrap(), 171);
        assert_eq!(shared(524_288, 10, 2).unwrap(), 20_000);
        assert_eq!(shared(usize::MAX, 10, 64).unwrap(), 640_000);
        let least = needed(shared(0, OF_SQLITE, 2)).1;
        assert_eq!(shared(least, OF_SQLITE, 2).unwrap(), FEWEST_CONNECTIONS);
        let short = shared(least - 1, OF_SQLITE, 2);
        assert_eq!(needed(short), (least - 1, least));
    }
}
