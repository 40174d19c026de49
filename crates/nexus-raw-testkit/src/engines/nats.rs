//! A NATS server with `JetStream` for a test.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    process::Command,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use tempfile::TempDir;

use super::supervised::{DRAWS, Supervised, draw_port, program};

/// A running server. It is ended and its files removed on drop, or when the starting process ends
/// for any reason.
#[derive(Debug)]
pub struct Nats {
    running: Mutex<Option<Supervised>>,
    guard: Guard,
    port: u16,
    directory: TempDir,
    /// Removes the directory if this process cannot.
    #[cfg_attr(not(test), expect(dead_code, reason = "it acts when it is dropped"))]
    keeper: Supervised,
}

/// The authentication of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// None.
    Nobody,
    /// By [`Nats::USER`] and [`Nats::PASSWORD`].
    Password,
    /// By [`Nats::PASSWORD`] as a token.
    Token,
    /// By [`Nats::USER`] with the permissions of [`Nats::with_rights`], or [`Nats::ADMIN`] with
    /// all.
    Rights,
}

impl Nats {
    /// The user of a guarded server.
    pub const USER: &str = "nexus raw";
    /// The user with all permissions on a server [with rights](Self::with_rights).
    pub const ADMIN: &str = "admin";
    /// Their password, or the token; in a URL it is encoded.
    pub const PASSWORD: &str = "p@ss:w/rd";

    /// Starts a server without authentication, and waits until it is ready. Blocks.
    ///
    /// # Panics
    /// If the program is missing, with how to install it.
    #[must_use]
    pub fn start() -> Self {
        Self::guarded(Guard::Nobody)
    }

    /// The same with authentication. With rights, [`Self::USER`] has all permissions.
    #[must_use]
    pub fn guarded(guard: Guard) -> Self {
        Self::open(guard, "{}")
    }

    /// The same with `permissions` of [`Self::USER`], in the format of the server's configuration.
    #[must_use]
    pub fn with_rights(permissions: &str) -> Self {
        Self::open(Guard::Rights, permissions)
    }

    /// Sets the permissions of [`Self::USER`] from the next start on.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub fn set_rights(&self, permissions: &str) {
        write_rights(self.directory.path(), permissions);
    }

    fn open(guard: Guard, permissions: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("nats-").tempdir().unwrap();
        write_rights(directory.path(), permissions);
        let keeper = Supervised::keeper(directory.path());
        for _ in 0..DRAWS {
            let port = draw_port();
            if let Some(running) = serve(directory.path(), port, guard) {
                return Self {
                    running: Mutex::new(Some(running)),
                    guard,
                    port,
                    directory,
                    keeper,
                };
            }
        }
        panic!("NATS did not start on any of {DRAWS} draws of ports");
    }

    /// Returns the server that the tests of this process share. It ends with the process.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        static SHARED: OnceLock<Arc<Nats>> = OnceLock::new();
        Arc::clone(SHARED.get_or_init(|| Arc::new(Self::start())))
    }

    /// Returns the URL for clients, with credentials.
    #[must_use]
    pub fn url(&self) -> String {
        let (user, password) = ("nexus%20raw", "p%40ss%3Aw%2Frd");
        let credentials = match self.guard {
            Guard::Nobody => String::new(),
            Guard::Password | Guard::Rights => format!("{user}:{password}@"),
            Guard::Token => format!("{password}@"),
        };
        format!("nats://{credentials}127.0.0.1:{}", self.port)
    }

    /// Kills the server. Acknowledged messages stay in its store.
    pub fn stop(&self) {
        drop(self.running().take());
    }

    /// Starts it again on the same port and store, after [`Self::stop`].
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_again(&self) {
        let mut running = self.running();
        assert!(running.is_none(), "the server runs");
        // another process may briefly use the port
        *running = (0..DRAWS).find_map(|_| serve(self.directory.path(), self.port, self.guard));
        assert!(running.is_some(), "NATS did not start again");
    }

    fn running(&self) -> MutexGuard<'_, Option<Supervised>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        // before its directory goes
        self.stop();
    }
}

/// The part of a server's configuration without a command-line option.
const CONFIGURATION: &str = "rights.conf";

fn write_rights(directory: &Path, permissions: &str) {
    let (user, admin, password) = (Nats::USER, Nats::ADMIN, Nats::PASSWORD);
    let users = format!(
        "authorization {{ users = [\n\
         {{ user: \"{user}\", password: \"{password}\", permissions: {permissions} }}\n\
         {{ user: \"{admin}\", password: \"{password}\" }}\n\
         ] }}\n"
    );
    std::fs::write(directory.join(CONFIGURATION), users).unwrap();
}

fn serve(directory: &Path, port: u16, guard: Guard) -> Option<Supervised> {
    let mut server = Command::new(program("nats-server"));
    server
        .args(["--addr", "127.0.0.1", "--jetstream", "--store_dir"])
        .arg(directory)
        .arg(format!("--port={port}"))
        .current_dir(directory);
    match guard {
        Guard::Nobody => {}
        Guard::Password => {
            server.args(["--user", Nats::USER, "--pass", Nats::PASSWORD]);
        }
        Guard::Token => {
            server.args(["--auth", Nats::PASSWORD]);
        }
        Guard::Rights => {
            server.arg("--config").arg(directory.join(CONFIGURATION));
        }
    }
    let mut server = Supervised::start(&server, "KILL", &[]);
    server.is_there(|| answers(port)).then_some(server)
}

/// Returns whether a server responds to a client, even by refusing it.
fn answers(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let patience = Duration::from_secs(1);
    let Ok(mut stream) = TcpStream::connect_timeout(&address, patience) else {
        return false;
    };
    let greeted = stream
        .set_read_timeout(Some(patience))
        .and_then(|()| stream.write_all(b"CONNECT {\"verbose\":false}\r\nPING\r\n"));
    if greeted.is_err() {
        return false;
    }
    let mut lines = BufReader::new(stream).lines();
    let hello = lines.next().and_then(Result::ok).unwrap_or_default();
    let pong = lines.next().and_then(Result::ok).unwrap_or_default();
    let is_heard = pong == "PONG" || pong.starts_with("-ERR 'Authorization");
    hello.starts_with("INFO ") && hello.contains("\"jetstream\":true") && is_heard
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::supervised::PATIENCE;

    #[test]
    fn it_answers_may_be_stopped_and_started_and_is_gone_when_dropped() {
        let server = Nats::start();
        let (port, directory) = (server.port, server.directory.path().to_owned());
        server.stop();
        assert!(!answers(port));
        server.start_again();
        assert!(answers(port));
        assert_eq!(server.url(), format!("nats://127.0.0.1:{port}"));
        drop(server);
        assert!(!answers(port) && !directory.exists());
    }

    #[test]
    fn tests_of_one_process_share_one() {
        assert!(Arc::ptr_eq(&Nats::shared(), &Nats::shared()));
    }

    #[test]
    fn it_ends_with_the_process_that_started_it_and_leaves_nothing() {
        let mut server = Nats::start();
        let (port, directory) = (server.port, server.directory.path().to_owned());
        server.running().as_mut().unwrap().lose_its_starter();
        server.keeper.lose_its_starter();
        let server = std::mem::ManuallyDrop::new(server);
        let ended = std::time::Instant::now();
        while answers(port) || directory.exists() {
            assert!(ended.elapsed() < PATIENCE, "{server:?} is still there");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
