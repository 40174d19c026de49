//! The service over HTTP: what callers may rely on is written in `docs/API.md`.
//!
//! A request goes from `listen` (sockets) through `route` (the table, and every check in its order)
//! to its handler in `api`; `request` reads what it says, `respond` writes what it is answered, and
//! `openapi` describes the table. Each may use those named after it here, and no other:
//! `listen`, `api`, `openapi`, `route`, `request`, `respond`.

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
