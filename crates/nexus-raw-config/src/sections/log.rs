use super::forms::named;
use crate::form::text;
use crate::section::section;

section! {
    /// `log.*`: the format and level of the log.
    #[derive(Debug, Clone)]
    pub struct LogSettings from Log of "log" {
        /// Format of the log; `auto` is `terminal` on a terminal, else `json`.
        pub format: LogFormat = text("json, terminal or auto", |text| {
            named(text, &[
                ("json", LogFormat::Json),
                ("terminal", LogFormat::Terminal),
                ("auto", LogFormat::Auto),
            ])
        })
        .default("auto")
        .example("json");
        /// Lowest level that is logged.
        pub level: LogLevel = text("error, warn, info, debug or trace", |text| {
            named(text, &[
                ("error", LogLevel::Error),
                ("warn", LogLevel::Warn),
                ("info", LogLevel::Info),
                ("debug", LogLevel::Debug),
                ("trace", LogLevel::Trace),
            ])
        })
        .default("info")
        .example("warn");
    }
}

/// A format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// Text for people.
    Terminal,
    /// `Terminal` on a terminal, else `Json`.
    Auto,
}

/// A log level; the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Single steps.
    Trace,
    /// Details for debugging.
    Debug,
    /// Normal operation.
    Info,
    /// Conditions that may need attention.
    Warn,
    /// Failures.
    Error,
}
