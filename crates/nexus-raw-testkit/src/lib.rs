#![doc = include_str!("../README.md")]
#![expect(
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the crate is test support: a failed expectation must end the test"
)]

mod bucket;
mod canary;
mod catalog;
mod clock;
pub mod contract;
mod engines;
mod exposition;
pub mod graph;
mod http;
mod identity;
mod ids;
pub mod planted;
mod proxied;
mod proxy;
mod random;
pub mod s3;
pub mod sample;
mod sink;
mod source;
pub mod steps;
mod store;

pub use self::{
    bucket::{FakeBucket, ListManner},
    canary::{Canaries, Found, TELLING_BYTES},
    catalog::FakeCatalog,
    clock::FixedClock,
    engines::{
        Browser, Database, DatabaseTemplate, ExifTool, Guard, Nats, OpenPage, PgBouncer, PoolMode,
        Postgres, SeaweedFs,
    },
    exposition::{Exposition, SeriesLabels},
    http::HttpRequest,
    identity::FakeIdentity,
    ids::SequentialIds,
    proxied::behind_a_dead_proxy,
    proxy::{Fault, FaultRule, FaultyProxy, ProxyEntry, SwallowingProxy},
    random::{Random, env_number},
    sink::RecordingSink,
    source::FakeSource,
    store::{FakeStore, PutOutcome, StoreCalls},
};
