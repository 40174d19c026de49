//! What each port promises, as tests that any implementation can be put through.
//!
//! A suite is a trait, the harness, by which the tests reach one implementation, and a macro that
//! makes one `#[test]` of each rule. The tests bring their own runtime (tokio, two threads).

pub mod catalog;
pub mod digests;
pub mod identity;
pub mod outbox;
pub mod s3;
pub mod sink;
pub mod storage;

use std::{future::Future, time::Duration};

/// How long one rule may take before its implementation counts as hanging.
const DEADLINE: Duration = Duration::from_mins(2);

/// Runs one rule on a runtime of its own, so that nothing of it outlives the test.
pub fn run(rule: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let outcome = runtime.block_on(async { tokio::time::timeout(DEADLINE, rule).await });
    assert!(outcome.is_ok(), "the rule did not end within {DEADLINE:?}");
}

/// One `#[test]` for each rule of a suite, each on a fresh harness.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_tests {
    ($suite:ident, $harness:expr, [$($rule:ident),+ $(,)?]) => {
        $(
            #[test]
            fn $rule() {
                $crate::contract::run(async {
                    let harness = $harness;
                    $crate::contract::$suite::$rule(&harness).await;
                });
            }
        )+
    };
}
