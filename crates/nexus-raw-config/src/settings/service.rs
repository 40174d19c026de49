use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use nexus_raw::tenancy::{Environment, Environments};

use super::{address, seconds};
use crate::faults::Faults;
use crate::raw;

/// `http.*`: the API's listener.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpSettings {
    /// Where the API listens; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Origins as browsers send them, compared byte for byte. Empty: no CORS.
    pub cors_origins: Vec<String>,
    /// Names of headers that their pages may send besides those that the API reads.
    pub cors_headers: Vec<String>,
    /// How long the API is still served after a request to stop, while it says that it is not
    /// ready. Zero: not at all.
    pub drain: Duration,
    /// How long a request may take, its body included.
    pub request_timeout: Duration,
    /// How long running requests may go on after a request to stop.
    pub shutdown_timeout: Duration,
}

impl HttpSettings {
    pub(super) fn assemble(raw: &raw::Http, faults: &mut Faults) -> Option<Self> {
        let bind = address("http.bind", raw.bind.as_deref(), faults);
        let cors_origins = faults.need("http.cors_origins", raw.cors_origins.clone());
        let cors_headers = faults.need("http.cors_headers", raw.cors_headers.clone());
        let drain = seconds("http.drain_seconds", raw.drain_seconds, faults);
        let request_timeout = seconds(
            "http.request_timeout_seconds",
            raw.request_timeout_seconds,
            faults,
        );
        let shutdown_timeout = seconds(
            "http.shutdown_timeout_seconds",
            raw.shutdown_timeout_seconds,
            faults,
        );
        Some(Self {
            bind: bind?,
            cors_origins: cors_origins?,
            cors_headers: cors_headers?,
            drain: drain?,
            request_timeout: request_timeout?,
            shutdown_timeout: shutdown_timeout?,
        })
    }
}

/// `tenancy.*`: which environments there are.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TenancySettings {
    /// The values of `X-Env`.
    pub environments: Environments,
}

impl TenancySettings {
    pub(super) fn assemble(raw: &raw::Tenancy, faults: &mut Faults) -> Option<Self> {
        let environments = raw.environments.as_deref().and_then(environments_of);
        Some(Self {
            environments: faults.need("tenancy.environments", environments)?,
        })
    }
}

/// The domain's own reading of the list.
pub(crate) fn environments_of(names: &[String]) -> Option<Environments> {
    let parsed: Option<Vec<Environment>> = names
        .iter()
        .map(|name| Environment::parse(name).ok())
        .collect();
    Environments::new(parsed?).ok()
}

/// `limits.*`: how much a caller may ask.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LimitsSettings {
    /// Per tenant and user. None: no limit.
    pub rate: Option<RateLimit>,
}

/// A rate with a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// `limits.requests_per_second`.
    pub requests_per_second: NonZeroU32,
    /// `limits.burst`: how many may come at once; as many as a second allows unless configured.
    pub burst: NonZeroU32,
}

impl LimitsSettings {
    pub(super) fn assemble(raw: &raw::Limits, faults: &mut Faults) -> Option<Self> {
        let requests_per_second =
            faults.need("limits.requests_per_second", raw.requests_per_second);
        let burst = faults.need("limits.burst", raw.burst);
        let (requests_per_second, burst) = (positive(requests_per_second?), positive(burst?));
        let rate = requests_per_second.map(|rate| RateLimit {
            requests_per_second: rate,
            burst: burst.unwrap_or(rate),
        });
        Some(Self { rate })
    }
}

fn positive(count: i64) -> Option<NonZeroU32> {
    u32::try_from(count).ok().and_then(NonZeroU32::new)
}
