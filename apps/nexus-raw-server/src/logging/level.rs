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
        for (configured, expected) in [
            (LogLevel::Error, "ERROR"),
            (LogLevel::Warn, "WARN"),
            (LogLevel::Info, "INFO"),
            (LogLevel::Debug, "DEBUG"),
            (LogLevel::Trace, "TRACE"),
        ] {
            assert_eq!(word(super::super::drain::level(configured)), expected);
        }
        assert_eq!(word(Level::Critical), "ERROR");
    }
}
