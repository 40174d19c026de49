//! The program itself, in embedded mode, with real photographs.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support: where an expectation breaks, the test must end"
)]

mod alarms;
mod api_document;
#[path = "../blackbox/mod.rs"]
mod blackbox;
#[path = "../browsers/mod.rs"]
mod browsers;
#[path = "../common/caller.rs"]
mod caller;
mod careless_stores;
mod docs_flow;
mod embedding;
mod empty_files;
mod ends;
mod feed_document;
#[path = "../common/house.rs"]
mod house;
#[path = "../common/http.rs"]
mod http;
mod http_sink;
mod jwks;
mod kept_form;
mod log_lines;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../common/machine.rs"]
mod machine;
mod metrics;
mod nats_sink;
mod older_rows;
mod openapi_document;
mod parked_events;
mod proxy;
mod slowness;
mod smuggling;
mod stopping;
mod strangers;
mod unfit_stores;
mod unreadable;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../common/wire.rs"]
mod wire;

use house::{Catalogue, Parts, Store};

const HOUSE: Parts = Parts {
    store: Store::Embedded,
    catalogue: Catalogue::Sqlite,
};
