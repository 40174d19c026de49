#![doc = include_str!("../README.md")]

mod effective;
mod embedded;
mod faults;
mod form;
mod key;
mod keys;
mod layers;
mod leaves;
mod load;
mod rules;
mod section;
mod sections;
mod settings;
mod sources;

pub use embedded::{
    EMBEDDED_AUDIENCE, EMBEDDED_BUCKET, EMBEDDED_ISSUER, EMBEDDED_REGION, EMBEDDED_S3_BIND,
    EmbeddedError, EmbeddedMode, EmbeddedSecrets,
};
pub use faults::{ConfigErrors, Fault};
pub use keys::{markdown_table, secret_keys};
pub use load::load;
pub use sections::catalog::{CatalogLocation, CatalogSettings};
pub use sections::embedded::EmbeddedSettings;
pub use sections::events::{EventEncoding, EventSink, EventsSettings, HttpReceiver, NatsServer};
pub use sections::http::HttpSettings;
pub use sections::identity::{IdentitySettings, TokenAlgorithm, TokenKeys};
pub use sections::limits::{LimitsSettings, RateLimit};
pub use sections::log::{LogFormat, LogLevel, LogSettings};
pub use sections::metrics::MetricsSettings;
pub use sections::storage::{ServerSideEncryption, StaticCredentials, StorageSettings};
pub use sections::tenancy::TenancySettings;
pub use settings::Settings;
pub use sources::Sources;
