//! `PgBouncer` in front of a test's database.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::fs::chown,
    path::Path,
};

use tempfile::TempDir;

use super::{
    postgres::{Database, NOBODY, Postgres, is_root, unprivileged},
    supervised::{DRAWS, Supervised, draw_port, program},
};

/// A running pooler. It is ended and its files removed on drop, or when the starting process ends
/// for any reason. It has Debian's configuration: no startup parameter is ignored, and prepared
/// statements are not supported.
#[derive(Debug)]
pub struct PgBouncer {
    /// It ends before its directory goes.
    #[expect(dead_code, reason = "it acts when it is dropped")]
    running: Supervised,
    address: SocketAddr,
    #[expect(dead_code, reason = "it acts when it is dropped")]
    directory: TempDir,
}

/// How long a client keeps a server session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolMode {
    /// As long as it is connected.
    Session,
    /// For a transaction.
    Transaction,
}

impl PgBouncer {
    /// Starts a pooler with up to `sessions` connections to the database, and waits until it is
    /// ready. Blocks.
    ///
    /// # Panics
    /// If the program is missing, with how to install it.
    #[must_use]
    pub fn before(database: &Database, mode: PoolMode, sessions: u32) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("pgbouncer-")
            .tempdir()
            .unwrap();
        for _ in 0..DRAWS {
            let port = draw_port();
            write_settings(directory.path(), database, mode, sessions, port);
            let mut pooler = unprivileged(&program("pgbouncer"));
            pooler.arg("-q").arg(directory.path().join("pgbouncer.ini"));
            // after INT it would wait for its clients
            let leftovers = [directory.path().to_owned()];
            let mut running = Supervised::start(&pooler, "TERM", &leftovers);
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            if running.is_there(|| TcpStream::connect(address).is_ok()) {
                return Self {
                    running,
                    address,
                    directory,
                };
            }
        }
        panic!("PgBouncer did not start on any of {DRAWS} draws of ports");
    }

    /// Returns its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn write_settings(directory: &Path, database: &Database, mode: PoolMode, sessions: u32, port: u16) {
    let (_, server) = database.url.rsplit_once('@').unwrap();
    let (server, name) = server.split_once('/').unwrap();
    let server: SocketAddr = server.parse().unwrap();
    let users = directory.join("users");
    let mode = match mode {
        PoolMode::Session => "session",
        PoolMode::Transaction => "transaction",
    };
    let settings = format!(
        "[databases]\n{name} = host=127.0.0.1 port={}\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = scram-sha-256\nauth_file = {}\n\
         pool_mode = {mode}\ndefault_pool_size = {sessions}\n",
        server.port(),
        users.display()
    );
    let user = format!("\"{}\" \"{}\"\n", database.role, Postgres::PASSWORD);
    let settings_file = directory.join("pgbouncer.ini");
    fs::write(&settings_file, settings).unwrap();
    fs::write(&users, user).unwrap();
    if is_root() {
        for path in [directory, &settings_file, &users] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
}
