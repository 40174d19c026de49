#![doc = include_str!("../README.md")]

pub mod import;
pub mod reconcile;
pub mod s3_inventory;
pub mod scrub;
