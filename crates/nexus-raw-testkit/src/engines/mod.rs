//! Real servers for tests, on loopback and on disk: each starts on free ports, in a temporary
//! directory, and ends with the process that started it, for any reason.

mod browser;
mod exiftool;
mod nats;
mod pgbouncer;
mod postgres;
mod seaweedfs;
mod supervised;

pub use self::{
    browser::{Browser, OpenPage},
    exiftool::ExifTool,
    nats::{Guard, Nats},
    pgbouncer::{PgBouncer, PoolMode},
    postgres::{Database, DatabaseTemplate, Postgres},
    seaweedfs::SeaweedFs,
};
