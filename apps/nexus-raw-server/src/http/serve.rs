use std::{panic::AssertUnwindSafe, time::Instant};

use actix_gated_stream::Connection;
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, HeaderValue, X_CONTENT_TYPE_OPTIONS},
    web::Payload,
};
use futures_util::FutureExt;
use tokio::time::timeout;

use super::{
    error::ApiError,
    pipeline::Pipeline,
    state::AppState,
    trace::{TRACEPARENT, Trace, X_REQUEST_ID},
    trail::Trail,
};
use crate::metrics::{PREFLIGHT, UNMATCHED};

/// Answers every request whose head could be read: under one deadline, whatever panics, with the
/// headers that all answers have, and with one line in the log.
pub(super) async fn answer(
    request: &HttpRequest,
    payload: &mut Payload,
    app: &AppState,
) -> HttpResponse {
    let began = Instant::now();
    let _in_flight = app.metrics.requests().begin();
    let trace = Trace::of(request.headers());
    let (mut response, route) = match app.cors.preflight(request) {
        Some(allowed) => {
            Trail::preflight(&app.log, &trace.context, allowed.status(), began.elapsed());
            (allowed, PREFLIGHT)
        }
        None => serve(request, payload, app, &trace, began).await,
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
    request: &HttpRequest,
    payload: &mut Payload,
    app: &AppState,
    trace: &Trace,
    began: Instant,
) -> (HttpResponse, &'static str) {
    let mut trail = Trail::default();
    let pipeline = Pipeline {
        app,
        request,
        context: &trace.context,
    };
    let work = AssertUnwindSafe(pipeline.run(payload, &mut trail)).catch_unwind();
    let outcome = match timeout(app.request_timeout, work).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(ApiError::Panicked),
        Err(_) => Err(ApiError::Timeout),
    };
    let route = trail.route.map_or(UNMATCHED, |route| route.pattern);
    let reserved = trail.reserved.take();
    let admit = |response, reserved| {
        let connection = request.conn_data::<Connection>();
        let tenant = trail.member_of.as_ref();
        app.answers.admit(response, tenant, reserved, connection)
    };
    let error = match outcome.and_then(|response| admit(response, reserved)) {
        Ok(response) => {
            trail.served(&app.log, &trace.context, response.status(), began.elapsed());
            return (response, route);
        }
        Err(error) => error,
    };
    let told = |error: &ApiError| {
        let problem = error.problem();
        let response = problem.respond(request.path(), trace.context.trace_id);
        (response, problem.code)
    };
    let (response, code) = told(&error);
    // one that names every fault of a long body, or a long path, may be long itself
    let (response, error, code) = match admit(response, None) {
        Ok(response) => (response, error, code),
        Err(error) => {
            let (response, code) = told(&error);
            let response = admit(response, None);
            let mut bare = HttpResponse::build(code.status());
            (response.unwrap_or_else(|_| bare.finish()), error, code)
        }
    };
    trail.refused(&app.log, &trace.context, &error, code, began.elapsed());
    (response, route)
}

/// Adds what all answers have. Nothing may be kept by a cache unless its handler says so.
fn complete(response: &mut HttpResponse, trace: &Trace) {
    let headers = response.headers_mut();
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // both are made of characters that every header may have
    if let Ok(value) = HeaderValue::from_str(&trace.traceparent()) {
        headers.insert(TRACEPARENT, value);
    }
    if let Ok(value) = HeaderValue::from_str(trace.context.request_id.as_str()) {
        headers.insert(X_REQUEST_ID, value);
    }
}
