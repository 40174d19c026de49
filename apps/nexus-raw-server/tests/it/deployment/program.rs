//! What the program says to the commands and the configurations of the files.

use std::process::Output;

use crate::machine::Machine;

/// Names and values of variables.
pub(super) type Variables = Vec<(String, String)>;

/// What is neither a path of the image nor stated in a file: it stands in for a secret.
pub(super) const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef";

/// The program knows this command line, up to its end.
#[track_caller]
pub(super) fn assert_takes(arguments: &[&str]) {
    let machine = Machine::new();
    let mut program = machine.program();
    // help is the answer only to a command line that is valid before it
    let Output { status, stderr, .. } = program.args(arguments).arg("--help").output().unwrap();
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{arguments:?}: {stderr}");
}

/// What the program prints, whole, under a configuration that has nothing else.
#[track_caller]
pub(super) fn printed(variables: &Variables, arguments: &[&str]) -> String {
    let machine = Machine::new();
    let mut program = machine.program();
    let variables = variables.iter().map(|(name, value)| (name, value));
    program.env_clear().envs(variables).args(arguments);
    let Output {
        status,
        stdout,
        stderr,
    } = program.output().unwrap();
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{arguments:?}: {stderr}");
    String::from_utf8(stdout).unwrap()
}

/// A configuration that the program accepts.
pub(super) struct Effective(String);

impl Effective {
    #[track_caller]
    pub(super) fn of(variables: &Variables, arguments: &[&str]) -> Self {
        let arguments = [&["check-config"], arguments].concat();
        Self(printed(variables, &arguments))
    }

    /// The value of a key, as TOML spells it, without quotes.
    pub(super) fn get(&self, key: &str) -> &str {
        let (section, name) = key.rsplit_once('.').unwrap();
        let (_, rest) = self.0.split_once(&format!("[{section}]\n")).unwrap();
        let line = rest.lines().take_while(|line| !line.starts_with('['));
        let mut values = line.filter_map(|line| line.strip_prefix(&format!("{name} = ")));
        let value = values.next().unwrap_or_else(|| panic!("{key} is not set"));
        let value = value.rsplit_once(" # ").unwrap().0;
        value.trim_matches('"')
    }

    pub(super) fn port(&self, key: &str) -> u16 {
        self.get(key).rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// The longest time from the signal to the end: OPERATIONS.md, "Start".
    pub(super) fn seconds_to_end(&self) -> u64 {
        let seconds = |key| -> u64 { self.get(key).parse().unwrap() };
        let deliveries_and_log = 20;
        seconds("http.drain_seconds")
            + seconds("http.shutdown_timeout_seconds")
            + deliveries_and_log
    }
}

/// Variables of a file of `NAME=VALUE` lines.
pub(super) fn variables(text: &str) -> Variables {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
