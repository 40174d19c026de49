//! Parsing of requests: headers, query and body; and the state that requests share.

mod bearer;
mod body;
mod cors;
mod host;
mod query;
mod scope;
mod state;
mod trace;

pub(crate) use self::{
    bearer::authenticate,
    body::{BodyRule, Fields, Node, read},
    host::check_host,
    query::Query,
    scope::{NamedScope, idempotency_key},
    trace::{TRACEPARENT, Trace, X_REQUEST_ID},
};
pub use self::{cors::CorsOrigins, state::AppState};
