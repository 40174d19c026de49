//! How the server implements S3, rule by rule.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene has failed"
)]

#[expect(dead_code, reason = "the other tests use more of it")]
#[path = "s3/support.rs"]
mod support;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use nexus_raw_embedded_s3::Settings;
use nexus_raw_testkit::{
    contract::s3::{Bench, Server as Which},
    s3_contract,
};
use support::{BUCKET, Server};

/// The server that rules use at this moment, or a new one: each keeps to keys of its own.
fn shared() -> Arc<Server> {
    static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let start = |settings: Settings| settings.with_cors_origin("https://app.example.com");
        let server = Arc::new(Server::start_with(start));
        *shared = Arc::downgrade(&server);
        server
    })
}

fn on_embedded(rule: &str) -> (Which, Bench, Arc<Server>) {
    let server = shared();
    let endpoint = support::endpoint(server.handle.addr());
    (Which::Embedded, Bench::new(&endpoint, BUCKET, rule), server)
}

s3_contract!(on_embedded);
