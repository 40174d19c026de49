//! The whole adapter, against scripted stores.

mod answers;
mod canary;
mod fit_store;
mod hanging;
mod hashing;
mod objects;
mod presigning;
mod presigning_downloads;
mod probing;
mod probing_bucket;
mod raw_server;
mod renewing;
mod scripted;
mod support;
