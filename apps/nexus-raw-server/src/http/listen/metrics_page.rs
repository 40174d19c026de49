use actix_gated_stream::{Answer, Connection};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method,
        header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS},
    },
    web::Payload,
};

use crate::{
    http::{request::check_host, respond::Answers},
    metrics::{self, Metrics},
};

/// The page of the metrics listener. It needs no token, since the address is for operators.
const PATH: &str = "/metrics";

/// The page and the budget of its responses in flight.
#[derive(Clone)]
pub(super) struct MetricsPage {
    pub(super) metrics: Metrics,
    pub(super) answers: Answers,
}

impl Answer for MetricsPage {
    async fn answer(&self, request: &HttpRequest, _: &mut Payload) -> HttpResponse {
        let page = page(&self.metrics, request);
        let connection = request.conn_data::<Connection>();
        let mut response = self
            .answers
            .admit(page, None, None, connection)
            .unwrap_or_else(|_| HttpResponse::TooManyRequests().finish());
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

fn page(metrics: &Metrics, request: &HttpRequest) -> HttpResponse {
    if check_host(request.headers()).is_err() {
        return HttpResponse::BadRequest().finish();
    }
    if request.path() != PATH {
        return HttpResponse::NotFound().finish();
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return HttpResponse::MethodNotAllowed()
            .insert_header((ALLOW, "GET, HEAD"))
            .finish();
    }
    match metrics.render() {
        Ok(text) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, metrics::CONTENT_TYPE))
            .body(text),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}
