//! A PostgreSQL cluster for a test.

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use tempfile::TempDir;

use super::supervised::{DRAWS, Supervised, draw_port, program};

/// The user and group of the server if the tests run as root: `nobody` and `nogroup`, by their
/// fixed ids (Debian policy 9.2.2).
pub(super) const NOBODY: u32 = 65534;

/// A running cluster. It is ended and its files removed on drop, or when the starting process ends
/// for any reason. `fsync` is on, as the catalogue requires.
#[derive(Debug)]
pub struct Postgres {
    running: Mutex<Option<Supervised>>,
    port: u16,
    directory: TempDir,
    /// Removes the directory if this process cannot.
    #[cfg_attr(not(test), expect(dead_code, reason = "it acts when it is dropped"))]
    keeper: Supervised,
}

/// A test's own database.
#[derive(Debug, Clone)]
pub struct Database {
    /// The URL for its owner, which is not a superuser and has no BYPASSRLS.
    pub url: String,
    /// The URL for a superuser.
    pub admin_url: String,
    /// The role that owns only this database.
    pub role: String,
    /// Its name.
    pub name: String,
}

/// A database that others are copied from.
#[derive(Debug, Clone)]
pub struct DatabaseTemplate {
    name: String,
    role: String,
}

impl Postgres {
    /// The superuser.
    const ADMIN: &str = "admin";
    /// The password of all roles.
    pub(super) const PASSWORD: &str = "postgres-password";
    /// The password as the server stores it (SCRAM-SHA-256, RFC 5803), with one round of hashing
    /// instead of 4096, which took most of the time of each connection.
    const VERIFIER: &str = "SCRAM-SHA-256$1:c2FsdCBvZiBhIHRlc3QuLg==\
        $U8HFNGyoRAGJUmkNXCDmGQgWkGvFYwlNdge7nrA8JnE=:BbkQFLOXRZrgbaAHrCR4hUzzI2i5Y/Z7ntn2gHY7yAg=";

    /// Creates a cluster, starts its server and waits until it is ready. Blocks.
    ///
    /// # Panics
    /// If the programs are missing, with how to install them.
    #[must_use]
    pub fn start() -> Self {
        let directory = tempfile::Builder::new()
            .prefix("postgres-")
            .tempdir()
            .unwrap();
        let keeper = Supervised::keeper(directory.path());
        make_cluster(directory.path());
        for _ in 0..DRAWS {
            let port = draw_port();
            if let Some(running) = serve(directory.path(), port) {
                let server = Self {
                    running: Mutex::new(Some(running)),
                    port,
                    directory,
                    keeper,
                };
                let (admin, verifier) = (Self::ADMIN, Self::VERIFIER);
                server.psql(&[&format!("ALTER ROLE {admin} PASSWORD '{verifier}'")]);
                return server;
            }
        }
        panic!("PostgreSQL did not start on any of {DRAWS} draws of ports");
    }

    /// Returns the server that the tests of this process share. It ends with the process.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        static SHARED: OnceLock<Arc<Postgres>> = OnceLock::new();
        Arc::clone(SHARED.get_or_init(|| Arc::new(Self::start())))
    }

    /// Returns its address.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Creates an empty database with its own role.
    ///
    /// # Panics
    /// If the server fails to.
    #[must_use]
    pub fn database(&self) -> Database {
        self.made(|name| vec![format!("CREATE DATABASE {name} OWNER {name}")])
    }

    /// Makes a database a template. Its role loses the database and keeps the objects in it. No
    /// client may connect to it from now on.
    ///
    /// # Panics
    /// If the server fails to.
    #[must_use]
    pub fn template(&self, database: Database) -> DatabaseTemplate {
        let Database { name, role, .. } = database;
        // otherwise the first copy's role would also get what this role owns outside the database
        self.psql(&[&format!("ALTER DATABASE {name} OWNER TO {}", Self::ADMIN)]);
        DatabaseTemplate { name, role }
    }

    /// Copies a template of this server, and makes a new role the owner of all objects in the copy.
    ///
    /// # Panics
    /// If the server fails to.
    #[must_use]
    pub fn copy(&self, template: &DatabaseTemplate) -> Database {
        let DatabaseTemplate { name: from, role } = template;
        self.made(|name| {
            vec![
                format!("CREATE DATABASE {name} OWNER {name} TEMPLATE {from}"),
                format!("\\connect {name}"),
                format!("REASSIGN OWNED BY {role} TO {name}"),
            ]
        })
    }

    /// Creates a database by these statements, with the same name as its role.
    fn made(&self, by: impl Fn(&str) -> Vec<String>) -> Database {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("nexus_raw_{}", MADE.fetch_add(1, Ordering::Relaxed));
        let role = format!("CREATE ROLE {name} LOGIN PASSWORD '{}'", Self::VERIFIER);
        let by = by(&name);
        let statements: Vec<_> = std::iter::once(&role).chain(&by).map(|it| &**it).collect();
        self.psql(&statements);
        let url = |role: &str| {
            format!(
                "postgres://{role}:{}@127.0.0.1:{}/{name}",
                Self::PASSWORD,
                self.port
            )
        };
        Database {
            url: url(&name),
            admin_url: url(Self::ADMIN),
            role: name.clone(),
            name,
        }
    }

    /// Returns a client program (`pg_dump`, `pg_restore`, `psql`) of the same version.
    #[must_use]
    pub fn client(name: &str) -> Command {
        Command::new(program(name))
    }

    /// Stops the server as in a crash: connections are closed, nothing is finished, and the next
    /// start recovers from the log.
    pub fn stop_immediately(&self) {
        drop(self.running().take());
    }

    /// Starts it again, on the same port, after [`Self::stop_immediately`].
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_again(&self) {
        let mut running = self.running();
        assert!(running.is_none(), "the server runs");
        // another process may briefly use the port
        *running = (0..DRAWS).find_map(|_| serve(self.directory.path(), self.port));
        assert!(running.is_some(), "PostgreSQL did not start again");
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Supervised>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn psql(&self, statements: &[&str]) {
        assert!(
            psql(self.port, statements).success(),
            "psql failed: {statements:?}"
        );
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // before its directory goes
        self.stop_immediately();
    }
}

fn psql(port: u16, statements: &[&str]) -> std::process::ExitStatus {
    let mut psql = Command::new(program("psql"));
    psql.args(["-X", "-q", "-w", "-h", "127.0.0.1", "-d", "postgres"])
        .args(["-v", "ON_ERROR_STOP=1", "-U", Postgres::ADMIN])
        .arg(format!("--port={port}"))
        .env("PGPASSWORD", Postgres::PASSWORD)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    for statement in statements {
        psql.args(["-c", statement]);
    }
    psql.status().unwrap()
}

/// Returns a command that does not run as root, which PostgreSQL refuses.
pub(super) fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        .arg(program);
    command
}

pub(super) fn is_root() -> bool {
    // a process belongs to the user that runs the tests
    fs::metadata("/proc/self").unwrap().uid() == 0
}

fn make_cluster(directory: &Path) {
    let password = directory.join("password");
    fs::write(&password, Postgres::PASSWORD).unwrap();
    if is_root() {
        for path in [directory, &password] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    let made = unprivileged(&program("initdb"))
        .arg("--pgdata")
        .arg(data(directory))
        .args(["--username", Postgres::ADMIN, "--auth=scram-sha-256"])
        .args(["--encoding=UTF8", "--locale=C", "--no-sync"])
        .arg("--pwfile")
        .arg(password)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "no cluster was made: {printed}");
}

fn serve(directory: &Path, port: u16) -> Option<Supervised> {
    // a killed server may have left it
    let _ = fs::remove_file(data(directory).join("postmaster.pid"));
    let mut server = unprivileged(&program("postgres"));
    server
        .arg("-D")
        .arg(data(directory))
        .arg(format!("--port={port}"))
        .args(SETTINGS.into_iter().flat_map(|setting| ["-c", setting]))
        .current_dir(directory);
    let mut server = Supervised::start(&server, "QUIT", &[]);
    let is_ready = || psql(port, &["SELECT 1"]).success();
    server.is_there(is_ready).then_some(server)
}

const SETTINGS: [&str; 5] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=300",
    "shared_buffers=64MB",
    "log_min_messages=fatal",
];

fn data(directory: &Path) -> PathBuf {
    directory.join("data")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::supervised::PATIENCE;

    #[test]
    fn what_is_committed_is_there_after_a_crash_and_nothing_after_a_drop() {
        let server = Postgres::start();
        let directory = server.directory.path().to_owned();
        let database = server.database();
        server.psql(&[
            "CREATE TABLE kept (n integer)",
            "INSERT INTO kept VALUES (1)",
        ]);
        server.stop_immediately();
        assert!(!psql(server.port, &["SELECT 1"]).success());
        server.start_again();
        server.psql(&["SELECT 1 / count(*) FROM kept"]);
        let port = format!(":{}/", server.port());
        assert!(database.url.contains(&port) && database.admin_url.contains(&port));
        let port = server.port;
        drop(server);
        assert!(!psql(port, &["SELECT 1"]).success());
        assert!(!directory.exists());
    }

    #[test]
    fn tests_of_one_process_share_one_and_have_databases_of_their_own() {
        let first = Postgres::shared();
        assert!(Arc::ptr_eq(&first, &Postgres::shared()));
        assert_ne!(first.database().url, first.database().url);
    }

    #[test]
    fn a_copy_has_what_its_template_has_and_it_is_its_own_roles() {
        let server = Postgres::shared();
        let database = server.database();
        let made = Command::new(program("psql"))
            .args([
                &database.url,
                "-X",
                "-q",
                "-c",
                "CREATE TABLE kept (n integer)",
            ])
            .status();
        assert!(made.unwrap().success());
        let template = server.template(database);
        for copy in [server.copy(&template), server.copy(&template)] {
            let written = Command::new(program("psql"))
                .args([
                    &copy.url,
                    "-X",
                    "-q",
                    "-c",
                    "ALTER TABLE kept ADD m integer",
                ])
                .status();
            assert!(written.unwrap().success(), "{copy:?}");
        }
    }

    #[test]
    fn it_ends_with_the_process_that_started_it_and_leaves_nothing() {
        let mut server = Postgres::start();
        let directory = server.directory.path().to_owned();
        server.running().as_mut().unwrap().lose_its_starter();
        server.keeper.lose_its_starter();
        let server = std::mem::ManuallyDrop::new(server);
        let ended = std::time::Instant::now();
        while psql(server.port, &["SELECT 1"]).success() || directory.exists() {
            assert!(ended.elapsed() < PATIENCE, "{server:?} is still there");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}
