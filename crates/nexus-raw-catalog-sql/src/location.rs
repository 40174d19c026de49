use std::path::PathBuf;

use crate::error::OpenError;

/// Which database a URL names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// A file of this machine.
    Sqlite(PathBuf),
}

impl Location {
    /// Reads `sqlite:PATH` or `sqlite://PATH`; the path is taken as it is, nothing is decoded.
    ///
    /// A database in memory is refused, since it would forget what it promised, and so are
    /// SQLite's own URIs, whose parameters could turn durability off.
    pub(crate) fn parse(url: &str) -> Result<Self, OpenError> {
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            return Err(OpenError::unfit(
                "a catalogue on PostgreSQL is not available in this version",
            ));
        }
        let path = url
            .strip_prefix("sqlite:")
            .map(|rest| rest.strip_prefix("//").unwrap_or(rest))
            .filter(|path| {
                !path.is_empty()
                    && !path.starts_with(':')
                    && !path.starts_with("file:")
                    && !path.ends_with('/')
                    && !path.contains(['?', '\0'])
            });
        path.map(|path| Self::Sqlite(path.into()))
            .ok_or_else(|| OpenError::unfit("the URL must be `sqlite:PATH`, of a file"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_as_it_is() {
        for (url, path) in [
            ("sqlite:catalog.sqlite", "catalog.sqlite"),
            (
                "sqlite:/var/lib/a b/100%25.sqlite",
                "/var/lib/a b/100%25.sqlite",
            ),
            ("sqlite:///var/lib/x.sqlite", "/var/lib/x.sqlite"),
        ] {
            assert_eq!(Location::parse(url).unwrap(), Location::Sqlite(path.into()));
        }
    }

    #[test]
    fn what_is_no_file_of_sqlite_is_unfit() {
        for (url, finding) in [
            (
                "postgres://h/d",
                "a catalogue on PostgreSQL is not available in this version",
            ),
            (
                "postgresql://h/d",
                "a catalogue on PostgreSQL is not available in this version",
            ),
            ("sqlite:", "the URL must be `sqlite:PATH`, of a file"),
            (
                "sqlite::memory:",
                "the URL must be `sqlite:PATH`, of a file",
            ),
            ("sqlite:file:x", "the URL must be `sqlite:PATH`, of a file"),
            (
                "sqlite:x?mode=memory",
                "the URL must be `sqlite:PATH`, of a file",
            ),
            ("sqlite:dir/", "the URL must be `sqlite:PATH`, of a file"),
            ("mysql://h/d", "the URL must be `sqlite:PATH`, of a file"),
            ("", "the URL must be `sqlite:PATH`, of a file"),
        ] {
            let error = Location::parse(url).unwrap_err();
            assert!(matches!(error, OpenError::Unfit { .. }), "{url}");
            assert_eq!(error.to_string(), finding, "{url}");
        }
    }
}
