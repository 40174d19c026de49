//! The service over HTTP: what callers may rely on is written in `docs/API.md`.

mod bearer;
mod body;
mod call;
mod cors;
mod endpoints;
mod error;
mod limits;
mod openapi;
mod pipeline;
mod reply;
mod routes;
mod scope;
mod serve;
mod server;
mod state;
mod trace;
mod trail;

pub use self::{
    cors::CorsOrigins,
    error::ProblemCode,
    limits::Limits,
    openapi::document as openapi_document,
    routes::{Access, ROUTES, Route},
    server::{ServerSettings, bind},
    state::{AppState, Core, Dependency, Phase},
};
