//! Batches: many items by one request, each answered as the route for one answers.

use std::{cell::Cell, collections::BTreeMap, time::Duration};

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{LOCATION, RETRY_AFTER},
    },
};
use futures_util::{StreamExt, stream};
use nexus_raw::{
    ErrorChain,
    tenancy::{TenantId, UserId},
};
use serde::{Deserialize, Serialize};
use strict_json::Json;
use tokio::time::{Instant, timeout_at};
use utoipa::{
    ToSchema,
    openapi::{
        Ref, RefOr, Schema,
        schema::{AdditionalProperties, AnyOfBuilder, ArrayBuilder, ObjectBuilder},
    },
};

use crate::http::{
    request::Node,
    respond::{self, ApiError, Faults},
    route::Call,
};

/// How many items a batch may have.
const MOST_ITEMS: usize = 1000;

/// How many items are worked on at once: as many as the catalogue writes in a group.
pub(super) const AT_ONCE: usize = 256;

/// The same of items that call the store.
pub(super) const AT_ONCE_IN_STORE: usize = 64;

/// How long the responses may be before another item is begun.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The room for a response, which grows beyond it.
const USUAL_BYTES: usize = 1024;

/// How long a problem of an item may be. A longer one is of an item with more faults than a body of
/// the route for one could have.
const MOST_OF_A_PROBLEM: usize = 1024 * 1024;

/// What is left of a request's time, at most, for writing its response.
const MARGIN: Duration = Duration::from_millis(500);

/// A response before it is sent, by itself or as a part of another.
pub(super) struct Reply {
    status: StatusCode,
    location: Option<String>,
    body: Vec<u8>,
}

impl Reply {
    pub(super) fn new(status: StatusCode, body: &impl Serialize) -> Result<Self, ApiError> {
        let mut text = Vec::with_capacity(USUAL_BYTES);
        serde_json::to_writer(&mut text, body)?;
        Ok(Self {
            status,
            location: None,
            body: text,
        })
    }

    pub(super) fn with_location(self, location: String) -> Self {
        Self {
            location: Some(location),
            ..self
        }
    }

    /// The response of a route for one.
    pub(super) fn respond(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(location) = self.location {
            response.insert_header((LOCATION, location));
        }
        respond::json_bytes(response, self.body)
    }
}

/// Returns the items of a batch, and takes their price from the caller's rate.
pub(super) fn items<'b>(
    call: &Call<'_>,
    body: &'b Json,
    (tenant, user): (&TenantId, &UserId),
) -> Result<&'b [Json], ApiError> {
    let items = read_items(body)?;
    call.app.limits.admit_items(tenant, user, items.len())?;
    Ok(items)
}

fn read_items(body: &Json) -> Result<&[Json], Faults> {
    let body = Node::root(body);
    let mut fields = body.fields()?;
    let items = fields.required("items", |it| it.items(MOST_ITEMS));
    fields.finish(|| items)
}

/// Works on the items that are requests, several at once, and answers all in order.
///
/// An item is begun only while there is time, and while the responses before it are short enough.
/// One that does not end in time is answered with `unfinished`.
pub(super) async fn answer<T>(
    call: &Call<'_>,
    items: Vec<Result<T, ApiError>>,
    at_once: usize,
    unfinished: impl Fn() -> ApiError,
    work: impl AsyncFn(usize, T) -> Result<Reply, ApiError>,
) -> Result<HttpResponse, ApiError> {
    let start = Instant::from_std(call.began);
    let time = call.app.request_timeout;
    let last_begin = start + time / 2;
    let end = start + time.saturating_sub(MARGIN.min(time / 4));
    let bytes = Cell::new(0);
    let work_on = async |(place, item): (usize, Result<T, ApiError>)| {
        let request = item?;
        if bytes.get() > MOST_BYTES {
            return Err(ApiError::BatchFull);
        }
        if Instant::now() >= last_begin {
            return Err(ApiError::NotBegun);
        }
        let done = timeout_at(end, work(place, request)).await;
        done.unwrap_or_else(|_| Err(unfinished()))
    };
    let mut results = Results::new(call);
    let answers = stream::iter(items.into_iter().enumerate()).map(&work_on);
    let mut answers = std::pin::pin!(answers.buffered(at_once));
    while let Some(outcome) = answers.next().await {
        results.add(outcome)?;
        bytes.set(results.text.len());
    }
    Ok(respond::json_bytes(HttpResponse::Ok(), results.finish()))
}

/// The body of the response, as it grows.
struct Results<'c, 'a> {
    call: &'c Call<'a>,
    text: Vec<u8>,
    /// Of each code of a failure how many items have it, and the causes of the first.
    failures: BTreeMap<&'static str, (usize, String)>,
}

impl<'c, 'a> Results<'c, 'a> {
    fn new(call: &'c Call<'a>) -> Self {
        Self {
            call,
            text: b"{\"results\":[".to_vec(),
            failures: BTreeMap::new(),
        }
    }

    fn add(&mut self, outcome: Result<Reply, ApiError>) -> Result<(), serde_json::Error> {
        match outcome {
            Ok(reply) => {
                let headers = ItemHeaders {
                    location: reply.location.as_deref(),
                    retry_after: None,
                };
                self.push(reply.status, &headers, &reply.body)
            }
            Err(error) => self.refuse(&error),
        }
    }

    fn refuse(&mut self, error: &ApiError) -> Result<(), serde_json::Error> {
        let is_long = self.text.len() > MOST_BYTES && matches!(error, ApiError::Invalid(_));
        let error = if is_long { &ApiError::BatchFull } else { error };
        let problem = error.problem();
        let body = problem.body(self.call.request.path(), self.call.context.trace_id);
        if body.len() > MOST_OF_A_PROBLEM {
            return self.refuse(&ApiError::BatchFull);
        }
        if problem.code.status().is_server_error() {
            let first = || (0, ErrorChain(error).to_string());
            let failures = self.failures.entry(problem.code.as_str());
            failures.or_insert_with(first).0 += 1;
        }
        let headers = ItemHeaders {
            location: problem.header(&LOCATION),
            retry_after: problem.header(&RETRY_AFTER),
        };
        self.push(problem.code.status(), &headers, &body)
    }

    fn push(
        &mut self,
        status: StatusCode,
        headers: &ItemHeaders<'_>,
        body: &[u8],
    ) -> Result<(), serde_json::Error> {
        if self.text.ends_with(b"}") {
            self.text.push(b',');
        }
        self.text.extend_from_slice(b"{\"status\":");
        self.text.extend_from_slice(status.as_str().as_bytes());
        if headers.location.is_some() || headers.retry_after.is_some() {
            self.text.extend_from_slice(b",\"headers\":");
            serde_json::to_writer(&mut self.text, headers)?;
        }
        self.text.extend_from_slice(b",\"body\":");
        self.text.extend_from_slice(body);
        self.text.push(b'}');
        Ok(())
    }

    /// The line of the request says that the batch was served, so the failures have their own.
    fn finish(mut self) -> Vec<u8> {
        let (log, context) = (&self.call.app.log, self.call.context);
        for (code, (items, error)) in &self.failures {
            slog::error!(log, "items failed";
                "trace_id" => context.trace_id.to_string(),
                "request_id" => context.request_id.to_string(),
                "route" => self.call.request.path(),
                "items" => items,
                "code" => code,
                "error" => error);
        }
        self.text.extend_from_slice(b"]}");
        self.text
    }
}

/// The responses to the items of a batch, in their order.
#[expect(dead_code, reason = "a description: `Results` writes them")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BatchReply {
    #[schema(min_items = 1, max_items = 1000)]
    results: Vec<ItemReply>,
}

/// What the route for one would have answered.
#[expect(dead_code, reason = "a description: `Results` writes them")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ItemReply {
    /// The status of the response.
    #[schema(minimum = 200, maximum = 599)]
    status: u16,
    /// Its headers, if it has any of these.
    #[schema(nullable = false)]
    headers: Option<ItemHeadersReply>,
    /// Its body: as that of the route for one, or a problem.
    #[schema(value_type = Object)]
    body: serde_json::Value,
}

/// Describes the body of a batch of `$item`s as the type `$batch`.
macro_rules! described_batch {
    ($batch:ident, $item:ty, $description:literal) => {
        struct $batch;

        impl utoipa::PartialSchema for $batch {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::http::api::batch::body_of::<$item>($description)
            }
        }

        impl utoipa::ToSchema for $batch {
            fn schemas(
                schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>,
            ) {
                schemas.push((
                    <$item as utoipa::ToSchema>::name().into(),
                    <$item as utoipa::PartialSchema>::schema(),
                ));
                <$item as utoipa::ToSchema>::schemas(schemas);
            }
        }
    };
}
pub(super) use described_batch;

/// Each item should be a `T`, as the route for one takes it; otherwise only that item fails.
pub(super) fn body_of<T: ToSchema>(description: &str) -> RefOr<Schema> {
    let one = Ref::from_schema_name(T::name());
    let items = ArrayBuilder::new()
        .items(AnyOfBuilder::new().item(one).item(Schema::default()))
        .min_items(Some(1))
        .max_items(Some(MOST_ITEMS));
    let body = ObjectBuilder::new()
        .description(Some(description))
        .property("items", items)
        .required("items")
        .additional_properties(Some(AdditionalProperties::FreeForm(false)));
    RefOr::T(Schema::from(body))
}

/// The headers of a response to an item.
#[expect(dead_code, reason = "a description: `Results` writes them")]
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ItemHeadersReply {
    /// The path of the record.
    #[schema(nullable = false)]
    location: Option<String>,
    /// Whole seconds after which to retry.
    #[serde(rename = "retry-after")]
    #[schema(nullable = false, pattern = "^[1-9][0-9]*$")]
    retry_after: Option<String>,
}

#[derive(Serialize)]
struct ItemHeaders<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
    #[serde(rename = "retry-after", skip_serializing_if = "Option::is_none")]
    retry_after: Option<&'a str>,
}
