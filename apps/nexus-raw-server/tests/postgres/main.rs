//! The program on PostgreSQL and SeaweedFS.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support: where an expectation breaks, the test must end"
)]

#[path = "../blackbox/mod.rs"]
mod blackbox;
#[path = "../common/caller.rs"]
mod caller;
#[path = "../common/house.rs"]
mod house;
#[path = "../common/http.rs"]
mod http;
mod ipv6;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../common/machine.rs"]
mod machine;
mod watching;

use house::{Catalogue, Parts, Store};

const HOUSE: Parts = Parts {
    store: Store::SeaweedFs,
    catalogue: Catalogue::Postgres,
};
