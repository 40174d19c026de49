#![doc = include_str!("../README.md")]

mod backend;
mod catalog;
mod commitment;
mod error;
mod location;
mod registration;
mod settings;
mod sqlite;
mod writer;

pub use self::{
    catalog::SqlAssetCatalog,
    error::OpenError,
    settings::{ObjectStoreIdentity, SqlCatalogSettings},
};
