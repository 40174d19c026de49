//! Parsing of PostgreSQL URLs.

use std::str::FromStr;

use nexus_raw::net::is_loopback_host;
use sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgSslMode},
};

use crate::error::OpenError;

/// The parameters that a URL may have. Others are refused, since sqlx would ignore them silently,
/// or since they would repeat another part of the URL.
const PARAMETERS: [&str; 6] = [
    "application_name",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
];

/// Parses `postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?PARAMETERS]`.
///
/// Over a network the connection is encrypted and the server's certificate verified: `sslmode` is
/// `verify-full` by default and may be `verify-ca`. For the local machine every mode of libpq is
/// allowed.
pub(crate) fn parse(url: &str) -> Result<PgConnectOptions, OpenError> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut tls_is_said = false;
    for parameter in query.split('&').filter(|it| !it.is_empty()) {
        let name = parameter.split('=').next().unwrap_or_default();
        if !PARAMETERS.contains(&name) {
            return Err(OpenError::incompatible(format!(
                "the URL of PostgreSQL may have the parameters {}, and no others",
                PARAMETERS.join(", ")
            )));
        }
        tls_is_said |= name == "sslmode";
    }
    let authority = base.split_once("://").map_or("", |(_, rest)| rest);
    let (authority, database) = authority.split_once('/').unwrap_or((authority, ""));
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    if user.is_empty() || host.is_empty() || database.is_empty() || database.contains('#') {
        return Err(OpenError::incompatible(
            "the URL of PostgreSQL must be `postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE`",
        ));
    }
    // the error is dropped, since it may repeat the URL and so a password
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| OpenError::incompatible("the URL of PostgreSQL is invalid"))?;
    // only a URL has brackets around an IPv6 address (RFC 3986, section 3.2.2)
    let address = options.get_host().strip_prefix('[');
    let address = address.and_then(|it| it.strip_suffix(']'));
    let options = match address.map(str::to_owned) {
        Some(address) => options.host(&address),
        None => options,
    };
    let options = secured(options, tls_is_said)?;
    let options = match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("nexus-raw"),
    };
    // PostgreSQL 12 and later print a float to its last digit by default, and a pooler refuses
    // startup parameters that it does not know
    let options = options.extra_float_digits(None);
    Ok(options.disable_statement_logging())
}

fn secured(options: PgConnectOptions, tls_is_said: bool) -> Result<PgConnectOptions, OpenError> {
    if is_this_machine(options.get_host()) {
        return Ok(options);
    }
    match options.get_ssl_mode() {
        PgSslMode::VerifyFull | PgSslMode::VerifyCa => Ok(options),
        _ if !tls_is_said => Ok(options.ssl_mode(PgSslMode::VerifyFull)),
        _ => Err(OpenError::incompatible(
            "the connection to PostgreSQL over a network must be verified: leave `sslmode` out, \
             or set it to `verify-full` or `verify-ca`, with `sslrootcert` for your own authority",
        )),
    }
}

fn is_this_machine(host: &str) -> bool {
    host.starts_with('/') || is_loopback_host(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> String {
        match parse(url) {
            Ok(options) => format!("{:?}", options.get_ssl_mode()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn over_a_network_the_server_is_verified_also_with_an_incomplete_url() {
        for url in [
            "postgres://u:p@db.example.com/nexus",
            "postgresql://u@10.0.0.7:6432/nexus",
            "postgres://u:p@[2001:db8::1]/nexus?application_name=x",
        ] {
            assert_eq!(mode(url), "VerifyFull", "{url}");
        }
        let own = "postgres://u:p@db/nexus?sslmode=verify-ca&sslrootcert=/etc/ca.pem";
        assert_eq!(mode(own), "VerifyCa");
        for weak in ["disable", "allow", "prefer", "require"] {
            let mode_or_error = mode(&format!("postgres://u:p@db/nexus?sslmode={weak}"));
            assert!(
                mode_or_error.contains("must be verified"),
                "{weak}: {mode_or_error}"
            );
        }
    }

    #[test]
    fn an_ipv6_address_is_connected_to_without_its_brackets() {
        for (url, host, port) in [
            ("postgres://u@[::1]/nexus", "::1", 5432),
            (
                "postgres://u:p@[2001:db8::1]:6432/nexus",
                "2001:db8::1",
                6432,
            ),
            ("postgres://u@127.0.0.1/nexus", "127.0.0.1", 5432),
        ] {
            let options = parse(url).unwrap();
            assert_eq!((options.get_host(), options.get_port()), (host, port));
        }
    }

    #[test]
    fn to_this_machine_the_modes_are_free() {
        for host in [
            "127.0.0.1:5432",
            "[::1]",
            "localhost",
            "%2Frun%2Fpostgresql",
        ] {
            assert_eq!(
                mode(&format!("postgres://u@{host}/nexus")),
                "Prefer",
                "{host}"
            );
            let disabled = format!("postgres://u@{host}/nexus?sslmode=disable");
            assert_eq!(mode(&disabled), "Disable", "{host}");
        }
    }

    #[test]
    fn what_a_url_must_not_say_is_refused_without_repeating_it() {
        for url in [
            "postgres://secret@db/nexus?options=-csynchronous_commit%3Doff",
            "postgres://u@db/nexus?password=secret",
            "postgres://u@db/nexus?sslmod=secret",
            "postgres://u@db/nexus?sslmode=secret",
            "postgres://db/secret",
            "postgres://u:secret@db",
            "postgres://u:secret@db/",
            "postgres://u:secret@/nexus",
            "postgres://u:secret@db:port/nexus",
        ] {
            let error = parse(url).unwrap_err();
            assert!(matches!(error, OpenError::Incompatible { .. }), "{url}");
            assert!(!error.to_string().contains("secret"), "{url}: {error}");
        }
    }
}
