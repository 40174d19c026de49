use std::path::PathBuf;

use sqlx::postgres::PgConnectOptions;

use crate::{error::OpenError, postgres};

/// The database that a URL names. Without `Debug`, since sqlx's options would print the password.
pub(crate) enum Location {
    /// A local file.
    Sqlite(PathBuf),
    /// A database on a server.
    Postgres(Box<PgConnectOptions>),
}

impl Location {
    /// Parses `sqlite:PATH` or `sqlite://PATH`, whose path is not percent-decoded, or a URL of
    /// PostgreSQL.
    ///
    /// In-memory databases are refused, since they are not durable, and so are SQLite's own URIs,
    /// whose parameters could turn durability off.
    pub(crate) fn parse(url: &str) -> Result<Self, OpenError> {
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            return Ok(Self::Postgres(Box::new(postgres::parse_url(url)?)));
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
        path.map(|path| Self::Sqlite(path.into())).ok_or_else(|| {
            OpenError::incompatible("the URL must be `sqlite:PATH`, of a file, or `postgres://…`")
        })
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
            let Location::Sqlite(found) = Location::parse(url).unwrap() else {
                panic!("{url}");
            };
            assert_eq!(found, PathBuf::from(path));
        }
    }

    #[test]
    fn what_is_no_file_of_sqlite_and_no_server_is_unfit() {
        for url in [
            "sqlite:",
            "sqlite::memory:",
            "sqlite:file:x",
            "sqlite:x?mode=memory",
            "sqlite:dir/",
            "mysql://h/d",
            "",
        ] {
            let error = Location::parse(url).err().unwrap();
            assert!(matches!(error, OpenError::Incompatible { .. }), "{url}");
            assert_eq!(
                error.to_string(),
                "the URL must be `sqlite:PATH`, of a file, or `postgres://…`",
                "{url}"
            );
        }
    }
}
