//! The HTTP API; its contract is `docs/API.md`.
//!
//! A request goes from `listen` (sockets) through `route` (the route table and the checks in order)
//! to its handler in `api`. `request` parses requests, `respond` writes responses, and `openapi`
//! describes the table. Each module may use only those after it in this list: `listen`, `api`,
//! `openapi`, `route`, `request`, `respond`.

mod api;
mod listen;
mod openapi;
mod request;
mod respond;
mod route;

pub(crate) use self::listen::METRICS_CONNECTIONS;
pub use self::{
    api::{ROUTES, docs_page, openapi_document},
    listen::{ServerSettings, bind, bind_metrics, routes},
    request::{AppState, CorsOrigins},
    respond::{AnswerSettings, Answers, ProblemCode},
    route::{Access, Route},
};
pub use crate::admission::Limits;
