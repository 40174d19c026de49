//! The whole adapter, against scripted stores.

mod answers;
mod bucket_setup;
mod canary;
mod completing;
mod examining;
mod fit_store;
mod hanging;
mod hashing;
mod heading;
mod importing;
mod inventory;
mod multipart;
mod objects;
mod presigning;
mod presigning_days;
mod presigning_downloads;
mod presigning_parts;
mod probing;
mod probing_bucket;
mod probing_parts;
mod raw_server;
mod renewing;
mod scripted;
mod sound_bucket;
mod support;
