//! The adapter as a whole, against stores that answer as they are told.

mod answers;
mod canary;
mod fit_store;
mod hanging;
mod hashing;
mod objects;
mod presigning;
mod probing;
mod probing_bucket;
mod raw_server;
mod renewing;
mod scripted;
mod support;
