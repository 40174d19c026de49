#![doc = include_str!("../README.md")]

mod embedded;
mod faults;
mod keys;
mod layers;
mod load;
mod origins;
mod raw;
mod rules;
mod settings;
mod sources;

pub use embedded::{
    EMBEDDED_AUDIENCE, EMBEDDED_BUCKET, EMBEDDED_ISSUER, EMBEDDED_REGION, EMBEDDED_S3_BIND,
    EmbeddedError, EmbeddedMode, EmbeddedSecrets,
};
pub use faults::{ConfigErrors, Fault};
pub use keys::{markdown_table, secret_keys};
pub use load::load;
pub use settings::{
    CatalogLocation, CatalogSettings, EmbeddedSettings, EventEncoding, EventSink, EventsSettings,
    HttpReceiver, HttpSettings, IdentitySettings, LimitsSettings, LogFormat, LogLevel, LogSettings,
    MetricsSettings, NatsServer, RateLimit, ServerSideEncryption, Settings, StaticCredentials,
    StorageSettings, TenancySettings, TokenAlgorithm, TokenKeys,
};
pub use sources::Sources;
