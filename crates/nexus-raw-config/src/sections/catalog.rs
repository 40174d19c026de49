use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use crate::faults::Faults;
use crate::form::{integer, text};
use crate::section::section;

section! {
    /// `catalog.*`: the database of metadata and events.
    #[derive(Debug, Clone)]
    pub struct CatalogSettings from Catalog of "catalog" {
        /// The database of metadata and events: SQLite for one server, PostgreSQL for any number,
        /// with its schema created by `nexus-raw-server migrate`. Connections to PostgreSQL over a
        /// network require TLS with a verified certificate. Required.
        url: CatalogLocation = text("sqlite:PATH to a file, or a postgres:// URL", CatalogLocation::parse)
            .secret()
            .example("sqlite:/var/lib/nexus-raw/catalog.sqlite");
        /// Maximum number of connections to PostgreSQL per server; if it is above 1, one of them is
        /// reserved for writes.
        max_connections in 1..=1000 as pub max_connections: u32 = integer("10").example("20");

        /// `catalog.url`.
        pub location: CatalogLocation => location;
    }
}

/// The location of a catalogue.
#[derive(Debug, Clone)]
pub enum CatalogLocation {
    /// `sqlite:PATH`: a file of this machine.
    Sqlite(PathBuf),
    /// `postgres://…`: the whole URL, which may contain a password.
    Postgres(SecretString),
}

impl CatalogLocation {
    /// Reads `sqlite:PATH`, `sqlite://PATH`, `postgres://…` or `postgresql://…`.
    ///
    /// A catalogue in memory is refused, since it is not durable, and so are parameters of SQLite,
    /// since they could turn durability off.
    fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            let is_file = !path.is_empty()
                && !path.starts_with(':')
                && !path.starts_with("file:")
                && !path.ends_with('/')
                && !path
                    .chars()
                    .any(|character| character == '?' || character.is_control());
            return is_file.then(|| Self::Sqlite(path.into()));
        }
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        let is_postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
        (plain && is_postgres && Url::parse(text).is_ok()).then(|| Self::Postgres(text.into()))
    }
}

fn location(catalog: &Catalog, faults: &mut Faults) -> Option<CatalogLocation> {
    faults.need("catalog.url", catalog.url.clone())
}

/// Redacts a catalogue's URL for output: of PostgreSQL only user, host, port and database remain.
pub(crate) fn shown(url: &str) -> String {
    const REDACTED: &str = "[redacted]";
    let location = CatalogLocation::parse(url);
    if matches!(location, Some(CatalogLocation::Sqlite(_))) {
        return url.to_owned();
    }
    let Ok(parsed) = Url::parse(url) else {
        return REDACTED.to_owned();
    };
    let user = match (parsed.username(), parsed.password()) {
        ("", None) => String::new(),
        (user, None) => format!("{user}@"),
        (user, Some(_)) => format!("{user}:{REDACTED}@"),
    };
    let host = parsed.host_str().unwrap_or_default();
    let port = parsed.port().map(|port| format!(":{port}"));
    let port = port.unwrap_or_default();
    // parameters can contain passwords as well, of the database and of keys
    let parameters = parsed.query().map_or("", |_| "?[redacted]");
    let (scheme, path) = (parsed.scheme(), parsed.path());
    format!("{scheme}://{user}{host}{port}{path}{parameters}")
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn sqlite_takes_the_rest_as_a_path() {
        for (url, path) in [
            ("sqlite:catalog.sqlite", "catalog.sqlite"),
            ("sqlite:/var/lib/x.sqlite", "/var/lib/x.sqlite"),
            ("sqlite:///var/lib/x.sqlite", "/var/lib/x.sqlite"),
            ("sqlite://a b/100%.sqlite", "a b/100%.sqlite"),
        ] {
            let Some(CatalogLocation::Sqlite(found)) = CatalogLocation::parse(url) else {
                panic!("{url}")
            };
            assert_eq!(found, PathBuf::from(path));
        }
    }

    #[test]
    fn a_catalogue_that_forgets_or_takes_parameters_is_refused() {
        for bad in [
            "sqlite:",
            "sqlite://",
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite:file:x",
            "sqlite:x?mode=memory",
            "sqlite:x\n",
            "sqlite:dir/",
            "sqlite",
            "mysql://h/d",
            "Postgres://h/d",
            "postgres:h",
            "postgres://h:x/d",
            "",
        ] {
            assert!(CatalogLocation::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_postgres_url_is_kept_whole_and_shown_without_its_secrets() {
        let url = "postgresql://app:pass%20word@db.example.com:6432/nexus?sslpassword=other&sslmode=require";
        let Some(CatalogLocation::Postgres(kept)) = CatalogLocation::parse(url) else {
            panic!()
        };
        assert_eq!(kept.expose_secret(), url);
        assert_eq!(
            shown(url),
            "postgresql://app:[redacted]@db.example.com:6432/nexus?[redacted]"
        );
        assert_eq!(
            shown("postgres:///nexus?password=x"),
            "postgres:///nexus?[redacted]"
        );
        assert_eq!(
            shown("postgres://app@[::1]/nexus#x"),
            "postgres://app@[::1]/nexus"
        );
        assert_eq!(shown("sqlite:a.sqlite"), "sqlite:a.sqlite");
    }
}
