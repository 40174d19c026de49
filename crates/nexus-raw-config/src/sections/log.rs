use super::forms::named;
use crate::form::text;
use crate::section::section;

section! {
    /// `log.*`: how the log is written.
    #[derive(Debug, Clone)]
    pub struct LogSettings from Log of "log" {
        /// How the log is written; `auto` is `terminal` on a terminal, else `json`.
        pub format: LogFormat = text("json, terminal or auto", |text| {
            named(text, &[
                ("json", LogFormat::Json),
                ("terminal", LogFormat::Terminal),
                ("auto", LogFormat::Auto),
            ])
        })
        .default("auto")
        .example("json");
        /// The least level that is written.
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
