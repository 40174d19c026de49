use slog::Level;

/// The one word for each level, in whatever form the log is written: in capitals, the name that
/// `log.level` has for it. The program logs nothing that is more than an error.
pub(super) fn word(level: Level) -> &'static str {
    match level {
        Level::Critical | Level::Error => "ERROR",
        Level::Warning => "WARN",
        Level::Info => "INFO",
        Level::Debug => "DEBUG",
        Level::Trace => "TRACE",
    }
}

#[cfg(test)]
mod tests {
    use nexus_raw_config::LogLevel;

    use super::*;

    #[test]
    fn a_level_has_the_word_that_the_configuration_has_for_it() {
        for level in [
            Level::Error,
            Level::Warning,
            Level::Info,
            Level::Debug,
            Level::Trace,
        ] {
            let configured = LogLevel::parse(&word(level).to_lowercase()).unwrap();
            assert_eq!(super::super::drain::level(configured), level);
        }
    }
}
