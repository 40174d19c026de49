use std::{future::pending, time::Duration};

use actix_web::HttpResponse;
use futures_util::future::Either;
use nexus_raw::tenancy::ReadAccess;
use tokio::time::Instant;

use super::asset_events::EventsReply;
use crate::{
    feed::Wanted,
    http::{
        body::Faults, call::Call, connection::Connection, error::ApiError, query::Query, reply,
    },
};

/// How many events an answer has unless the caller says otherwise, and at most.
const LIMIT: u64 = 100;
const MOST: u64 = 1000;
/// How long a caller may have the service wait.
const LONGEST_WAIT_SECONDS: u64 = 20;
/// What a wait leaves of a request's time for reading and answering.
const MARGIN: Duration = Duration::from_secs(1);

/// The events of the tenant and environment, from a place in their sequence on.
///
/// Whoever goes on with the `sequence` of the last event that it was given misses none.
#[utoipa::path(
    get,
    path = "/nexus/raw/events",
    operation_id = "getEvents",
    tag = "events",
    params(
        ("after" = Option<u64>, Query, minimum = 0, maximum = 9_223_372_036_854_775_807_u64, example = 0,
            description = "Give the events of a higher `sequence` than this; 0 unless given."),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 1000, example = 100,
            description = "Give so many at most; 100 unless given."),
        ("wait_seconds" = Option<u64>, Query, minimum = 0, maximum = 20, example = 0,
            description = "Where there is none, wait so long for one; 0 unless given. The answer \
                           may come sooner and be empty."),
    ),
    responses((status = 200, description = "The events in order of sequence, without a gap.", body = crate::http::openapi::Events)),
)]
pub(crate) async fn events(call: Call<'_>, access: ReadAccess) -> Result<HttpResponse, ApiError> {
    let began = Instant::now();
    let Asked { wanted, wait } =
        Asked::parse(call.request.query_string()).map_err(ApiError::InvalidQuery)?;
    let service = &call.core.service;
    let mut events = service
        .events_after(&access, wanted.after, wanted.limit)
        .await?;
    let wait = wait.min(longest_wait(call.app.request_timeout));
    if events.is_empty() && !wait.is_zero() {
        let gone = match call.request.conn_data::<Connection>() {
            Some(connection) => Either::Left(connection.left()),
            None => Either::Right(pending()),
        };
        events = call
            .core
            .feed
            .wait(&access, wanted, began + wait, gone)
            .await?;
    }
    reply::json(HttpResponse::Ok(), &EventsReply { events })
}

/// What the query says.
struct Asked {
    wanted: Wanted,
    wait: Duration,
}

impl Asked {
    fn parse(query: &str) -> Result<Self, Faults> {
        let mut query = Query::of(query);
        let after = query.integer("after", 0, 0, i64::MAX.unsigned_abs());
        let limit = query.integer("limit", LIMIT, 1, MOST);
        let wait = query.integer("wait_seconds", 0, 0, LONGEST_WAIT_SECONDS);
        query.finish(|| {
            Some(Self {
                wanted: Wanted {
                    after: after?,
                    limit: u32::try_from(limit?).ok()?,
                },
                wait: Duration::from_secs(wait?),
            })
        })
    }
}

/// A wait ends before the time of its request does.
fn longest_wait(request_timeout: Duration) -> Duration {
    request_timeout.saturating_sub(MARGIN.min(request_timeout / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_leaves_time_to_answer() {
        for (timeout, longest) in [
            (1000, 500),
            (2000, 1000),
            (10_000, 9000),
            (300_000, 299_000),
        ] {
            let timeout = Duration::from_millis(timeout);
            assert_eq!(longest_wait(timeout), Duration::from_millis(longest));
        }
    }
}
