use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
};

use super::{Whole, registration::Registration, short};

/// Which route was asked for how, and what was answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRequest {
    method: &'static str,
    route: &'static str,
    status: u16,
}

/// The requests that were answered.
pub(crate) struct Requests {
    total: Family<OfRequest, Counter>,
    seconds: Family<OfRequest, Histogram, fn() -> Histogram>,
    in_flight: Whole,
}

/// The route of a request that none serves.
pub(crate) const UNMATCHED: &str = "unmatched";
/// The route of a browser's question what a page may send.
pub(crate) const PREFLIGHT: &str = "preflight";

impl Requests {
    pub(super) fn register(of: &mut Registration) -> Self {
        Self {
            total: of.counters("http_requests", "Requests that were answered"),
            seconds: of.histograms(
                "http_request_duration_seconds",
                "Duration of requests, from head to response",
                short,
            ),
            in_flight: of.gauge("http_requests_in_flight", "Requests in progress"),
        }
    }

    /// Counts a request that is being answered until what this gives is dropped.
    pub(crate) fn begin(&self) -> InFlight<'_> {
        self.in_flight.inc();
        InFlight(&self.in_flight)
    }

    /// Counts an answer to a request for `route`, which is a pattern of the table of routes, or one
    /// of the names here.
    pub(crate) fn answered(
        &self,
        method: &Method,
        route: &'static str,
        status: StatusCode,
        took: Duration,
    ) {
        let of = OfRequest {
            method: name(method),
            route,
            status: status.as_u16(),
        };
        self.total.get_or_create(&of).inc();
        let seconds = self.seconds.get_or_create(&of);
        seconds.observe(took.as_secs_f64());
    }
}

pub(crate) struct InFlight<'a>(&'a Whole);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A method's name; one for all that callers may make up.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
