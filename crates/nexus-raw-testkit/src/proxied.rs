use std::{env, process::Command};

/// The environment variables of proxies.
const VARIABLES: [&str; 6] = [
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
];

/// Set in the second run.
const SECOND_RUN: &str = "NEXUS_RAW_TEST_BEHIND_A_PROXY";

/// Runs the test `name` of this program a second time, with all proxy variables set to a closed
/// address. Returns `true` in the second run, in which a client that uses a proxy would fail.
///
/// # Panics
/// In the first run, when the second one fails.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the environment is what this is about, and the configuration is not concerned"
)]
pub fn behind_a_dead_proxy(name: &str) -> bool {
    if env::var_os(SECOND_RUN).is_some() {
        return true;
    }
    let again = Command::new(env::current_exe().unwrap())
        .args(["--exact", name])
        .envs(VARIABLES.map(|variable| (variable, "http://127.0.0.1:1")))
        .env(SECOND_RUN, "1")
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&again.stdout);
    assert!(again.status.success(), "{printed}");
    // an unknown name runs no test
    assert!(printed.contains("1 passed"), "{name} is no test: {printed}");
    false
}
