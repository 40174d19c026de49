use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
};

use super::{IntGauge, registration::Registration, short};

/// The labels of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: &'static str,
    status: u16,
}

/// The metrics of requests.
pub(crate) struct Requests {
    total: Family<RequestLabels, Counter>,
    seconds: Family<RequestLabels, Histogram, fn() -> Histogram>,
    in_flight: IntGauge,
}

/// The label of a request without a route.
pub(crate) const UNMATCHED: &str = "unmatched";
/// The label of a CORS preflight.
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

    /// Counts a request in flight until the returned guard is dropped.
    pub(crate) fn begin(&self) -> InFlight<'_> {
        self.in_flight.inc();
        InFlight(&self.in_flight)
    }

    /// Counts a response. `route` is a pattern of the route table or one of the constants here.
    pub(crate) fn answered(
        &self,
        method: &Method,
        route: &'static str,
        status: StatusCode,
        took: Duration,
    ) {
        let of = RequestLabels {
            method: name(method),
            route,
            status: status.as_u16(),
        };
        self.total.get_or_create(&of).inc();
        let seconds = self.seconds.get_or_create(&of);
        seconds.observe(took.as_secs_f64());
    }
}

pub(crate) struct InFlight<'a>(&'a IntGauge);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Returns the label of a method; all unknown ones share one.
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
