#![doc = include_str!("../README.md")]

mod asset_writer;
mod bucket_setup;
mod checkup;
mod client;
mod clock_offset;
mod connect;
mod connector;
mod credentials;
mod deadlines;
mod endpoint;
mod failure;
mod hash;
mod head;
mod import_source;
mod inventory;
mod multipart;
mod probe;
mod repository;
mod settings;
mod signing;
mod stat;
mod store;
#[cfg(test)]
mod tests;
mod time;

pub use bucket_setup::{
    CorsConfiguration, ImportSource, ImportSourceError, LifecycleConfiguration, PolicyDocument,
    RoleTasks, lifecycle_configuration,
};
pub use checkup::ExpectedBucket;
pub use clock_offset::ClockOffset;
pub use connect::{ConnectError, UnprobedS3};
pub use credentials::CredentialsFailure;
pub use import_source::S3SourceBucket;
pub use inventory::S3BucketInventory;
pub use probe::ProbeError;
pub use repository::S3RawStorageRepository;
pub use settings::{S3Settings, ServerSideEncryption, StaticCredentials};
