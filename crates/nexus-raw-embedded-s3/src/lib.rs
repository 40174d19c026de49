#![doc = include_str!("../README.md")]

mod access;
mod auth;
mod checksum;
mod clock;
mod conditions;
mod connections;
mod cors;
mod digests;
mod error;
mod front;
mod gate;
#[cfg(test)]
mod header_pairs;
mod listener;
mod misbehaviour;
mod operations;
mod request_body;
mod server;
mod service;
mod settings;
mod store;
mod uploads;

pub use error::{ShutdownError, StartError};
pub use misbehaviour::Misbehaviour;
pub use server::{EmbeddedS3, EmbeddedS3Handle};
pub use settings::{Credentials, Settings};
