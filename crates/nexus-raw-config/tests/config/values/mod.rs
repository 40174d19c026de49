//! The rule of each key by itself.

mod absent;
mod identity;
mod numbers;
mod service;
mod storage;

use nexus_raw_config::load;

use crate::support::{errors_in, fault, sources};

/// Each of `good` is taken; each of `bad` is refused by this key with `rule`, and nothing else is
/// shown.
fn holds(key: &str, rule: &str, good: &[&str], bad: &[&str]) {
    for value in good {
        if let Err(errors) = load(&sources(&[key], &[(key, value)])) {
            panic!("{value:?}: {errors}");
        }
    }
    for value in bad {
        assert_eq!(
            errors_in(&sources(&[key], &[(key, value)])),
            fault(key, &format!("must be {rule}")),
            "{value:?}"
        );
    }
}
