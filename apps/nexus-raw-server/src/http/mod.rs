//! The service over HTTP: what callers may rely on is written in `docs/API.md`.

mod answers;
mod bearer;
mod body;
mod call;
mod cors;
mod docs_page;
mod endpoints;
mod error;
mod exchange;
mod host;
mod limits;
mod metrics_page;
mod openapi;
mod pipeline;
mod query;
mod reply;
mod routes;
mod scope;
mod serve;
mod server;
mod state;
mod trace;
mod trail;

pub(crate) use self::server::METRICS_CONNECTIONS;
pub use self::{
    answers::{AnswerSettings, Answers},
    cors::CorsOrigins,
    docs_page::render as docs_page,
    error::ProblemCode,
    limits::Limits,
    openapi::document as openapi_document,
    routes::{Access, ROUTES, Route},
    server::{ServerSettings, bind, bind_metrics, routes},
    state::AppState,
};
