//! The `healthcheck` command, for containers, whose image has no other program to ask with.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use nexus_raw_config::Settings;

use crate::app::Failure;

/// Longer than any probe takes, and shorter than what runs the command waits.
const PATIENCE: Duration = Duration::from_secs(4);

/// A status line has some 30 bytes.
const MAX_STATUS_LINE: u64 = 256;

/// Asks a running server of this configuration, on this machine.
pub(super) fn run(settings: &Settings, live: bool) -> Result<(), Failure> {
    let path = if live { "/healthz" } else { "/readyz" };
    let address = reachable(settings.http.bind);
    if address.port() == 0 {
        return Err(Failure::Config(vec![
            "http.bind: has port 0, so the server's port is not known".to_owned(),
        ]));
    }
    let status = status_line(address, path).map_err(|source| Failure::Unhealthy {
        address,
        path,
        source,
    })?;
    match status.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(Failure::Unhealthy {
            address,
            path,
            source: io::Error::other(status),
        }),
    }
}

/// Returns an address to connect to: a server that listens on all is on loopback too.
fn reachable(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bind.port())
}

fn status_line(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut line = String::new();
    if BufReader::new(stream.take(MAX_STATUS_LINE)).read_line(&mut line)? == 0 {
        return Err(io::Error::other("the connection was closed"));
    }
    // another program's answer must not control the terminal
    Ok(line.trim_end().escape_debug().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_all_addresses_is_asked_on_loopback() {
        for (bind, asked) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("10.1.2.3:8080", "10.1.2.3:8080"),
        ] {
            assert_eq!(reachable(bind.parse().unwrap()).to_string(), asked);
        }
    }
}
