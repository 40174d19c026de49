//! Programs that end with the test's process.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The directory of the servers that `make tools` installs.
pub(super) const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.tools/bin");

/// The time limit of a start, which usually takes seconds.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// Another process may take a port between its being drawn and its being bound.
pub(super) const DRAWS: u32 = 5;

/// Runs a program, given as arguments, until standard input is closed, which happens at any end of
/// the test's process. Then it sends the signal `$1` to the program and to the process group that
/// it may lead, waits for its end, and removes the paths in `$2`. A signal of the terminal reaches
/// the whole group and must not interrupt this. A browser's children may outlive it for a moment,
/// or have left its group, and write while its files are removed: whatever still works in a path
/// is killed and the path removed again, until both are gone.
const SUPERVISOR: &str = r#"
trap '' INT HUP
signal=$1 leftovers=$2
shift 2
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
cd /
{ cat >/dev/null; kill -"$signal" -- "-$server" || kill -"$signal" "$server"; } <&3 2>/dev/null &
exec 3<&-
wait "$server"
for path in $leftovers; do
    for attempt in $(seq 100); do
        users=$(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$path*" -printf '%h ' 2>/dev/null)
        for user in $users; do kill -KILL "${user#/proc/}"; done
        rm -rf "$path" && [ -z "$users" ] && break
        sleep 0.1
    done
done
"#;

/// A running program, by its supervisor.
#[derive(Debug)]
pub(super) struct Supervised(Child);

impl Supervised {
    /// Starts `program`, which is to be ended by `signal`. Then the `leftovers` are removed: paths
    /// without a space.
    pub(super) fn start(program: &Command, signal: &str, leftovers: &[PathBuf]) -> Self {
        let leftovers: Vec<_> = leftovers
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let mut supervisor = Command::new("/bin/sh");
        supervisor
            .args(["-c", SUPERVISOR, "supervisor", signal])
            .arg(leftovers.join(" "))
            .arg(program.get_program())
            .args(program.get_args())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for (name, value) in program.get_envs() {
            if let Some(value) = value {
                supervisor.env(name, value);
            }
        }
        if let Some(directory) = program.get_current_dir() {
            supervisor.current_dir(directory);
        }
        Self(supervisor.spawn().unwrap())
    }

    /// Supervises only a directory, which is removed when the test's process ends: for a server
    /// that is started in it more than once.
    pub(super) fn keeper(directory: &Path) -> Self {
        Self::start(
            Command::new("tail").args(["-f", "/dev/null"]),
            "KILL",
            &[directory.to_owned()],
        )
    }

    /// Returns whether the program has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// Waits until `is_ready`. Returns `false` if the program ended first, or the time limit did: a
    /// server was seen to hang at its start, and the next one comes up.
    pub(super) fn is_there(&mut self, is_ready: impl Fn() -> bool) -> bool {
        let started = Instant::now();
        while !is_ready() {
            if self.has_ended() || started.elapsed() >= PATIENCE {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// Simulates a kill: pipes are closed, and no destructor runs.
    #[cfg(test)]
    pub(super) fn lose_its_starter(&mut self) {
        drop(self.0.stdin.take());
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        // its input ends, and with it the server
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Returns the path of a program.
///
/// # Panics
/// If it is missing, with how to install it.
pub(super) fn program(name: &str) -> PathBuf {
    let path = Path::new(PROGRAMS).join(name);
    assert!(
        path.exists(),
        "{name} is not in .tools/bin: run `make tools`"
    );
    path
}

/// Returns a port that is currently free.
pub(super) fn draw_port() -> u16 {
    let [port] = draw_ports();
    port
}

/// Returns distinct ports that are currently free.
pub(super) fn draw_ports<const N: usize>() -> [u16; N] {
    let listeners: [TcpListener; N] =
        std::array::from_fn(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_left_the_group_is_ended_too_and_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().to_owned();
        let left = place.join("left");
        // it goes on in a session of its own, and brings the directory back when it is removed
        let stray = format!("while :; do mkdir -p {}; done", left.display());
        let mut program = Command::new("setsid");
        program
            .args(["sh", "-c", &format!("setsid sh -c '{stray}' & wait")])
            .current_dir(&place);
        let mut supervised = Supervised::start(&program, "KILL", std::slice::from_ref(&place));
        assert!(supervised.is_there(|| left.exists()));
        drop(supervised);
        assert!(!place.exists());
        let users = fs::read_dir("/proc").unwrap().flatten();
        let mut places = users.filter_map(|it| fs::read_link(it.path().join("cwd")).ok());
        assert!(!places.any(|it| it.starts_with(&place)));
    }
}
