//! The configuration as the application uses it: typed, whole, and true to every rule.

mod catalog;
mod effective;
mod events;
mod identity;
mod service;
mod storage;
mod telemetry;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use figment::Figment;

use crate::embedded::EmbeddedMode;
use crate::faults::Faults;
use crate::raw::{self, Raw};

pub use catalog::{CatalogLocation, CatalogSettings};
use effective::Effective;
pub use events::{EventEncoding, EventSink, EventsSettings, HttpReceiver, NatsServer};
pub use identity::{IdentitySettings, TokenAlgorithm, TokenKeys};
pub(crate) use service::environments_of;
pub use service::{HttpSettings, LimitsSettings, RateLimit, TenancySettings};
pub use storage::{ServerSideEncryption, StaticCredentials, StorageSettings};
pub use telemetry::{LogFormat, LogLevel, LogSettings, MetricsSettings};

/// A whole configuration. Comes only out of [`load`](crate::load).
///
/// Debug shows no secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The API's listener.
    pub http: HttpSettings,
    /// The bucket and how to reach it.
    pub storage: StorageSettings,
    /// Where metadata and events are kept.
    pub catalog: CatalogSettings,
    /// What a token must be.
    pub identity: IdentitySettings,
    /// The environments served.
    pub tenancy: TenancySettings,
    /// How much a caller may ask.
    pub limits: LimitsSettings,
    /// Where dataset events go.
    pub events: EventsSettings,
    /// The listener of `/metrics`.
    pub metrics: MetricsSettings,
    /// How the log is written.
    pub log: LogSettings,
    /// In embedded mode only.
    pub embedded: Option<EmbeddedSettings>,
    effective: Effective,
}

/// A text as its type. Where it is none, the rule of its key has said so.
fn parsed<T: FromStr>(text: Option<String>) -> Option<T> {
    text?.parse().ok()
}

/// Embedded mode: the S3 server in the process.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EmbeddedSettings {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where the S3 server listens: a loopback address. `storage.endpoint` names the same; with
    /// port 0 the application puts the port it got into both.
    pub s3_bind: SocketAddr,
}

impl Settings {
    /// Every key with its value as TOML, one a line with where it came from, secrets as
    /// `"[redacted]"`. A key without a value is a comment.
    #[must_use]
    pub fn effective_toml(&self) -> String {
        self.effective.to_string()
    }

    /// None where something is faulty; then `faults` says what.
    pub(crate) fn assemble(
        raw: Raw,
        mode: Option<&EmbeddedMode>,
        figment: &Figment,
        faults: &mut Faults,
    ) -> Option<Self> {
        let http = HttpSettings::assemble(&raw.http, faults);
        let storage = StorageSettings::assemble(raw.storage, faults);
        let catalog = CatalogSettings::assemble(&raw.catalog, faults);
        let identity = IdentitySettings::assemble(raw.identity, faults);
        let tenancy = TenancySettings::assemble(&raw.tenancy, faults);
        let limits = LimitsSettings::assemble(&raw.limits, faults);
        let events = EventsSettings::assemble(raw.events, faults);
        let metrics = MetricsSettings::assemble(&raw.metrics, faults);
        let log = LogSettings::assemble(&raw.log, faults);
        let embedded = match mode {
            Some(mode) => Some(EmbeddedSettings::assemble(&raw.embedded, mode, faults)?),
            None => None,
        };
        Some(Self {
            http: http?,
            storage: storage?,
            catalog: catalog?,
            identity: identity?,
            tenancy: tenancy?,
            limits: limits?,
            events: events?,
            metrics: metrics?,
            log: log?,
            embedded,
            effective: Effective::of(figment),
        })
    }
}

impl EmbeddedSettings {
    fn assemble(raw: &raw::Embedded, mode: &EmbeddedMode, faults: &mut Faults) -> Option<Self> {
        let s3_bind = address("embedded.s3_bind", raw.s3_bind.as_deref(), faults)?;
        Some(Self {
            data_dir: mode.data_dir().to_owned(),
            s3_bind,
        })
    }
}

fn address(name: &str, text: Option<&str>, faults: &mut Faults) -> Option<SocketAddr> {
    faults.need(name, text.and_then(|text| text.parse().ok()))
}

fn seconds(name: &str, count: Option<i64>, faults: &mut Faults) -> Option<Duration> {
    faults
        .need(name, count)
        .map(|count| Duration::from_secs(count.unsigned_abs()))
}
