use std::{collections::BTreeSet, future::pending, time::Duration};

use actix_gated_stream::Connection;
use actix_web::{HttpResponse, http::Method};
use futures_util::future::Either;
use nexus_raw::{event, ports::EventQuery, tenancy::ReadAccess};
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::{fact, record, text, verification};
use crate::http::{
    request::Query,
    respond::{self, ApiError, Faults, ProblemCode},
    route::{Call, Handler, Route, described},
};

/// The default and maximum number of events in a response.
const LIMIT: u64 = 100;
pub(super) const MOST: u64 = 1000;
/// The maximum size of a page of events. One event is less than 8 KiB, unless it has labels: then it
/// is less than 64 KiB, as the request that stated them.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// The longest wait that a caller may request.
const LONGEST_WAIT_SECONDS: u64 = 20;
/// The part of a request's timeout that is reserved for the read and the response.
const MARGIN: Duration = Duration::from_secs(1);

pub(super) const ROUTE: Route = Route {
    pattern: "/nexus/raw/events",
    method: Method::GET,
    handler: Handler::Read(|call, access| Box::pin(events(call, access))),
    problems: &[ProblemCode::ValidationFailed],
    takes_idempotency_key: false,
    described: described!(events),
};

/// Lists the events of the tenant and environment after a sequence.
///
/// To miss none, repeat with `after` set to the `sequence` of the last event.
#[utoipa::path(
    get,
    path = ROUTE.pattern,
    operation_id = "getEvents",
    tag = "events",
    params(
        ("after" = Option<u64>, Query, minimum = 0, maximum = 9_223_372_036_854_775_807_u64, example = 0,
            description = "Returns events with a higher `sequence` (default 0)."),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 1000, example = 100,
            description = "Maximum number of events (default 100)."),
        ("wait_seconds" = Option<u64>, Query, minimum = 0, maximum = 20, example = 0,
            description = "Seconds to wait for an event if there is none (default 0). The answer \
                           may come sooner and be empty."),
        ("event_type" = Option<Vec<EventType>>, Query,
            description = "Returns events of these types only (default: of every type). The sequences \
                           may then have gaps."),
    ),
    responses((status = 200, description = "The events in order of sequence, without a gap unless `event_type` is given.", body = Events)),
)]
async fn events(call: Call<'_>, access: ReadAccess) -> Result<HttpResponse, ApiError> {
    let began = Instant::now();
    let FeedQuery { query, wait } =
        FeedQuery::parse(call.request.query_string()).map_err(ApiError::InvalidQuery)?;
    let service = &call.core.service;
    let turn = call.app.answers.page_permit(&access.scope().tenant).await?;
    let mut events = service.events(&access, &query).await?;
    if !events.is_empty() {
        return events_reply(&events);
    }
    drop(turn);
    let wait = wait.min(longest_wait(call.app.request_timeout));
    if !wait.is_zero() {
        let gone = match call.request.conn_data::<Connection>() {
            Some(connection) => Either::Left(connection.disconnected()),
            None => Either::Right(pending()),
        };
        events = call
            .core
            .feed
            .wait(&access, &query, began + wait, gone)
            .await?;
    }
    events_reply(&events)
}

/// A page of events.
#[expect(dead_code, reason = "a description: the domain writes its own types")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Events {
    /// In order of sequence.
    events: Vec<DatasetEvent>,
}

/// An event of an asset, delivered at least once.
#[expect(dead_code, reason = "a description: the domain writes its own types")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DatasetEvent {
    /// The same for every delivery.
    #[schema(format = "uuid")]
    event_id: String,
    #[schema(pattern = "^1$")]
    schema_version: String,
    event_type: EventType,
    /// Counts from 1 per tenant and environment, without gaps.
    #[schema(minimum = 1)]
    sequence: u64,
    occurred_at: text::Time,
    tenant_id: String,
    env: String,
    user_id: String,
    #[schema(pattern = "^[0-9a-f]{32}$")]
    trace_id: String,
    #[schema(pattern = "^[A-Za-z0-9._-]{1,128}$")]
    request_id: String,
    asset_id: text::AssetId,
    uri: String,
    /// `null` while an upload in parts has not stated it.
    #[schema(required = true)]
    sha256: Option<text::Sha256>,
    #[schema(minimum = 0)]
    size_bytes: u64,
    content_type: String,
    lineage: record::Lineage,
    /// `null` before registration: not yet stated.
    #[schema(required = true)]
    pii_flags: Option<BTreeSet<record::PiiFlag>>,
    /// `null` before registration: not yet stated.
    #[schema(required = true)]
    train_ok: Option<bool>,
    /// Only of `raw_asset_registered`.
    #[schema(nullable = false)]
    integrity: Option<EventIntegrity>,
    /// Only of `raw_asset_fact_stated`.
    #[schema(nullable = false)]
    fact: Option<fact::EventFact>,
    /// Only of `raw_asset_verified` and `raw_asset_corrupt`.
    #[schema(nullable = false)]
    verification: Option<verification::Verification>,
    /// Only of `raw_asset_download_presigned`.
    #[schema(nullable = false)]
    download: Option<EventDownload>,
}

/// How the content was verified.
#[expect(dead_code, reason = "a description: the domain writes its own types")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventIntegrity {
    level: record::IntegrityLevel,
    /// The number of parts; only of an upload in parts.
    #[schema(nullable = false, minimum = 1, maximum = 10_000)]
    parts: Option<u16>,
}

/// What the URL of a download is good for.
#[expect(dead_code, reason = "a description: the domain writes its own types")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventDownload {
    disposition: DispositionName,
    expires_at: text::Time,
}

/// What a browser does with a download.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum DispositionName {
    Attachment,
    Inline,
}

/// The type of an event.
#[expect(
    clippy::enum_variant_names,
    reason = "as they are named in the domain and on the wire"
)]
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum EventType {
    RawAssetPresigned,
    RawAssetRegistered,
    RawAssetDownloadPresigned,
    RawAssetFactStated,
    RawAssetUploadAborted,
    RawAssetVerified,
    RawAssetCorrupt,
}

/// Returns the response with the first events that fit a page, at least one.
pub(super) fn events_reply(events: &[event::DatasetEvent]) -> Result<HttpResponse, ApiError> {
    let page = page(events, MOST_BYTES)?;
    Ok(respond::json_bytes(HttpResponse::Ok(), page))
}

fn page(events: &[event::DatasetEvent], most: usize) -> Result<Vec<u8>, serde_json::Error> {
    let mut page = b"{\"events\":".to_vec();
    respond::write_items(&mut page, events, most, |page, event| {
        serde_json::to_writer(page, event)
    })?;
    page.push(b'}');
    Ok(page)
}

/// The parsed query.
struct FeedQuery {
    query: EventQuery,
    wait: Duration,
}

impl FeedQuery {
    fn parse(query: &str) -> Result<Self, Faults> {
        let mut query = Query::of(query);
        let after = query.integer("after", 0, 0, i64::MAX.unsigned_abs());
        let limit = query.integer("limit", LIMIT, 1, MOST);
        let wait = query.integer("wait_seconds", 0, 0, LONGEST_WAIT_SECONDS);
        let types = query.several("event_type", event::EventType::parse);
        query.finish(|| {
            let all = EventQuery::first(u32::try_from(limit?).ok()?).after(after?);
            let types = types?;
            Some(Self {
                query: if types.is_empty() {
                    all
                } else {
                    all.of_types(types)
                },
                wait: Duration::from_secs(wait?),
            })
        })
    }
}

/// Returns the longest wait, which ends before the request's timeout.
fn longest_wait(request_timeout: Duration) -> Duration {
    request_timeout.saturating_sub(MARGIN.min(request_timeout / 2))
}

#[cfg(test)]
mod tests {
    use nexus_raw_testkit::sample;

    use super::*;

    #[test]
    fn a_page_has_as_many_events_as_its_bytes_allow_and_one_at_least() {
        let scope = sample::scope("t_demo", "dev");
        let events: Vec<_> = (1..=3).map(|n| sample::event(&scope, n)).collect();
        let text = |n: usize| {
            let shown: Vec<_> = events[..n]
                .iter()
                .map(|event| serde_json::to_string(event).unwrap())
                .collect();
            format!("{{\"events\":[{}]}}", shown.join(","))
        };
        for (most, count) in [
            (0, 1),
            (text(2).len() - 3, 1),
            (text(2).len() - 2, 2),
            (text(3).len() - 3, 2),
            (text(3).len(), 3),
        ] {
            let page = page(&events, most).unwrap();
            assert_eq!(String::from_utf8(page).unwrap(), text(count), "{most}");
        }
        assert_eq!(page(&[], MOST_BYTES).unwrap(), b"{\"events\":[]}");
    }

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
