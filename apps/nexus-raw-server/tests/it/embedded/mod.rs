//! The program itself, in embedded mode, with real photographs.

mod alarms;
mod api_document;
mod beside_a_server;
mod browsers;
mod careless_stores;
mod docs_flow;
mod empty_files;
mod ends;
mod feed_document;
mod healthcheck;
mod http_sink;
mod jwks;
mod kept_form;
mod log_lines;
mod metrics;
mod nats_sink;
mod older_rows;
mod openapi_document;
mod parked_events;
mod printed_setup;
mod proxy;
// its deadlines are shortened
#[cfg(feature = "fail-points")]
mod slowness;
mod smuggling;
mod stopping;
mod strangers;
mod unfit_stores;
mod unreadable;

mod blackbox {
    crate::blackbox::whole!(crate::house::Embedded);
}
