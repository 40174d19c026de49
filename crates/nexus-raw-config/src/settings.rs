//! The configuration as the application uses it: typed, complete and valid.

use figment::Figment;

use crate::effective::effective_toml;
use crate::embedded::EmbeddedMode;
use crate::faults::Faults;
use crate::sections::{
    Sections, catalog::CatalogSettings, embedded::EmbeddedSettings, events::EventsSettings,
    http::HttpSettings, identity::IdentitySettings, limits::LimitsSettings, log::LogSettings,
    metrics::MetricsSettings, storage::StorageSettings, tenancy::TenancySettings,
};

/// A complete configuration, created only by [`load`](crate::load).
///
/// Debug shows no secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The API's listener.
    pub http: HttpSettings,
    /// The bucket and its endpoint.
    pub storage: StorageSettings,
    /// The database of metadata and events.
    pub catalog: CatalogSettings,
    /// The requirements on tokens.
    pub identity: IdentitySettings,
    /// The environments served.
    pub tenancy: TenancySettings,
    /// The rate limits of callers.
    pub limits: LimitsSettings,
    /// The sinks of dataset events.
    pub events: EventsSettings,
    /// The listener of `/metrics`.
    pub metrics: MetricsSettings,
    /// The format and level of the log.
    pub log: LogSettings,
    /// Present only in embedded mode.
    pub embedded: Option<EmbeddedSettings>,
    effective: String,
}

impl Settings {
    /// Returns every key with its value as TOML, one per line with its origin, secrets as
    /// `"[redacted]"`. A key without a value is a comment.
    #[must_use]
    pub fn effective_toml(&self) -> String {
        self.effective.clone()
    }

    /// Returns the settings; `None`, with faults, if something is invalid.
    pub(crate) fn of(
        sections: Sections,
        mode: Option<&EmbeddedMode>,
        figment: &Figment,
        faults: &mut Faults,
    ) -> Option<Self> {
        let http = HttpSettings::of(sections.http, faults);
        let storage = StorageSettings::of(sections.storage, faults);
        let catalog = CatalogSettings::of(sections.catalog, faults);
        let identity = IdentitySettings::of(sections.identity, faults);
        let tenancy = TenancySettings::of(sections.tenancy, faults);
        let limits = LimitsSettings::of(sections.limits, faults);
        let (nats, receiver) = (sections.events_nats, sections.events_http);
        let events = EventsSettings::of(sections.events, nats, receiver, faults);
        let metrics = MetricsSettings::of(sections.metrics, faults);
        let log = LogSettings::of(sections.log, faults);
        let embedded = match mode {
            Some(mode) => Some(EmbeddedSettings::of(&sections.embedded, mode, faults)?),
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
            effective: effective_toml(figment),
        })
    }
}
