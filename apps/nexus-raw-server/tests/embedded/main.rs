//! The program itself, in embedded mode, with real photographs.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support: where an expectation breaks, the test must end"
)]

mod api_document;
mod caller;
mod ends;
#[path = "../common/http.rs"]
mod http;
mod jwks;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../common/machine.rs"]
mod machine;
mod main_job;
mod refusals;
mod unfit_stores;
