#![doc = include_str!("../README.md")]

pub mod asset;
pub mod checkup;
mod error_chain;
pub mod event;
pub mod net;
pub mod ports;
pub mod service;
#[cfg(feature = "system")]
pub mod system;
pub mod tenancy;
pub mod text;
pub mod time;

pub use error_chain::ErrorChain;
