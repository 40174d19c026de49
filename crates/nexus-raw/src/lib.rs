#![doc = include_str!("../README.md")]

pub mod asset;
mod error_chain;
pub mod event;
pub mod json;
pub mod ports;
pub mod service;
pub mod tenancy;
pub mod text;
pub mod time;

pub use error_chain::ErrorChain;
