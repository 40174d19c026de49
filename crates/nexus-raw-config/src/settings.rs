//! The configuration as the application uses it: typed, whole, and true to every rule.

use figment::Figment;

use crate::effective::effective_toml;
use crate::embedded::EmbeddedMode;
use crate::faults::Faults;
use crate::sections::{
    Sections, catalog::CatalogSettings, embedded::EmbeddedSettings, events::EventsSettings,
    http::HttpSettings, identity::IdentitySettings, limits::LimitsSettings, log::LogSettings,
    metrics::MetricsSettings, storage::StorageSettings, tenancy::TenancySettings,
};

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
    effective: String,
}

impl Settings {
    /// Every key with its value as TOML, one a line with where it came from, secrets as
    /// `"[redacted]"`. A key without a value is a comment.
    #[must_use]
    pub fn effective_toml(&self) -> String {
        self.effective.clone()
    }

    /// None where something is faulty; then `faults` says what.
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
