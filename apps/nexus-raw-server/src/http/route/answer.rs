use std::{panic::AssertUnwindSafe, time::Instant};

use actix_gated_stream::Connection;
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, HeaderValue, X_CONTENT_TYPE_OPTIONS},
    web::Payload,
};
use futures_util::FutureExt;
use tokio::time::timeout;

use super::{Route, log_entry::LogEntry, methods, pipeline::Pipeline};
use crate::{
    http::{
        request::{AppState, TRACEPARENT, Trace, X_REQUEST_ID},
        respond::ApiError,
    },
    metrics::{PREFLIGHT, UNMATCHED},
};

/// Serves a request: with a timeout, panics caught, the common headers added, and one line logged.
pub(crate) async fn answer(
    request: &HttpRequest,
    payload: &mut Payload,
    app: &AppState,
    routes: &'static [Route],
) -> HttpResponse {
    let began = Instant::now();
    let _in_flight = app.metrics.requests().begin();
    let trace = Trace::of(request.headers());
    let preflight = app.cors.preflight(request, || methods(routes));
    let (mut response, route) = if let Some(allowed) = preflight {
        LogEntry::preflight(&app.log, &trace.context, allowed.status(), began.elapsed());
        (allowed, PREFLIGHT)
    } else {
        let pipeline = Pipeline {
            app,
            request,
            context: &trace.context,
            routes,
            began,
        };
        serve(&pipeline, payload, began).await
    };
    let status = response.status();
    app.metrics
        .requests()
        .answered(request.method(), route, status, began.elapsed());
    complete(&mut response, &trace);
    app.cors.complete(request.headers(), response.headers_mut());
    response
}

async fn serve(
    pipeline: &Pipeline<'_>,
    payload: &mut Payload,
    began: Instant,
) -> (HttpResponse, &'static str) {
    let (app, request, context) = (pipeline.app, pipeline.request, pipeline.context);
    let mut entry = LogEntry::default();
    let work = AssertUnwindSafe(pipeline.run(payload, &mut entry)).catch_unwind();
    let outcome = match timeout(app.request_timeout, work).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(ApiError::Panicked),
        Err(_) => Err(ApiError::Timeout),
    };
    let route = entry.route.map_or(UNMATCHED, |route| route.pattern);
    let reserved = entry.reserved.take();
    let admit = |response, reserved| {
        let connection = request.conn_data::<Connection>();
        let tenant = entry.member_of.as_ref();
        app.answers.admit(response, tenant, reserved, connection)
    };
    let error = match outcome.and_then(|response| Ok(admit(response, reserved)?)) {
        Ok(response) => {
            entry.served(&app.log, context, response.status(), began.elapsed());
            return (response, route);
        }
        Err(error) => error,
    };
    let respond = |error: &ApiError| {
        let problem = error.problem();
        let response = problem.respond(request.path(), context.trace_id);
        (response, problem.code)
    };
    let (response, code) = respond(&error);
    // a problem with many faults or a long path may be long
    let (response, error, code) = match admit(response, None) {
        Ok(response) => (response, error, code),
        Err(error) => {
            let error = ApiError::from(error);
            let (response, code) = respond(&error);
            let response = admit(response, None);
            let mut bare = HttpResponse::build(code.status());
            (response.unwrap_or_else(|_| bare.finish()), error, code)
        }
    };
    entry.refused(&app.log, context, &error, code, began.elapsed());
    (response, route)
}

/// Adds the common headers, and `no-store` unless the handler set `Cache-Control`.
fn complete(response: &mut HttpResponse, trace: &Trace) {
    let headers = response.headers_mut();
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // both have only valid characters
    if let Ok(value) = HeaderValue::try_from(trace.traceparent()) {
        headers.insert(TRACEPARENT, value);
    }
    if let Ok(value) = HeaderValue::from_str(trace.context.request_id.as_str()) {
        headers.insert(X_REQUEST_ID, value);
    }
}
