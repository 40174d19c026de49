use slog::Level;

/// Returns the name of a level in both formats: the upper-case value of `log.level`. The program
/// does not log `Critical`.
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
