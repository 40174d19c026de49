#![doc = include_str!("../README.md")]

mod admission;
pub mod app;
pub mod cli;
pub mod feed;
pub mod http;
pub mod life_cycle;
pub mod logging;
pub mod metrics;
mod random;
pub mod readiness;
pub mod records;
