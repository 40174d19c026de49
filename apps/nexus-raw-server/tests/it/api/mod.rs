//! The service from outside: over TCP, on stores and catalogues in memory.

mod answers;
mod asset;
mod batch;
mod bodies;
mod consent;
mod cors;
mod docs;
mod download;
mod fact_bodies;
mod facts;
mod feed;
mod heads;
mod idempotency;
mod limits;
mod lineage;
mod listing;
mod logs;
mod metrics;
mod order;
mod part_faults;
mod parts;
mod presign;
mod probes;
mod proof;
mod register;
mod rights;
pub(crate) mod support;
mod texts;
mod tokens;
mod trouble;
mod verification;

use crate::wire;
