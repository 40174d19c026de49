use super::address;
use crate::faults::Faults;
use crate::raw;
use std::net::SocketAddr;

/// `metrics.*`: the listener of `/metrics`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MetricsSettings {
    /// Where it listens; port 0 takes a free one.
    pub bind: SocketAddr,
}

impl MetricsSettings {
    pub(super) fn assemble(raw: &raw::Metrics, faults: &mut Faults) -> Option<Self> {
        Some(Self {
            bind: address("metrics.bind", raw.bind.as_deref(), faults)?,
        })
    }
}

/// `log.*`: how the log is written.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogSettings {
    /// `log.format`.
    pub format: LogFormat,
    /// `log.level`: the least level that is written.
    pub level: LogLevel,
}

/// A form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a person.
    Terminal,
    /// `Terminal` on a terminal, else `Json`.
    Auto,
}

impl LogFormat {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "terminal" => Some(Self::Terminal),
            "auto" => Some(Self::Auto),
            _ => None,
        }
    }
}

/// How much something matters; the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Each step.
    Trace,
    /// What helps to find a fault.
    Debug,
    /// What happens in good order.
    Info,
    /// What someone should look at.
    Warn,
    /// What failed.
    Error,
}

impl LogLevel {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "trace" => Some(Self::Trace),
            "debug" => Some(Self::Debug),
            "info" => Some(Self::Info),
            "warn" => Some(Self::Warn),
            "error" => Some(Self::Error),
            _ => None,
        }
    }
}

impl LogSettings {
    pub(super) fn assemble(raw: &raw::Log, faults: &mut Faults) -> Option<Self> {
        let format = faults.need(
            "log.format",
            raw.format.as_deref().and_then(LogFormat::parse),
        );
        let level = faults.need("log.level", raw.level.as_deref().and_then(LogLevel::parse));
        Some(Self {
            format: format?,
            level: level?,
        })
    }
}
