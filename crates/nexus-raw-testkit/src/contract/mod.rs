//! The contract of each port, as test suites for any implementation.
//!
//! A suite has a trait, the harness of an implementation, and a macro that generates one `#[test]`
//! per rule. The tests start their own runtime (tokio, two threads).

#[macro_use]
mod asserting;
pub mod catalog;
pub mod digests;
pub mod identity;
pub mod outbox;
pub mod s3;
pub mod sink;
pub mod storage;

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

/// The time limit of one rule.
const DEADLINE: Duration = Duration::from_mins(2);

/// Runs one rule on its own runtime, so that no task outlives the test.
pub fn run(rule: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let outcome = runtime.block_on(async { tokio::time::timeout(DEADLINE, rule).await });
    assert!(outcome.is_ok(), "the rule did not end within {DEADLINE:?}");
}

/// Runs one rule of a suite like [`run`]. If it fails, the last panic has the rule's name, the
/// expected and the actual value.
pub fn run_rule(name: &str, rule: impl Future<Output = ()>) {
    // the rule's resources are dropped with it
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(rule))) {
        panic!("the rule {name} is broken\n{}", text(&*panic));
    }
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked")
}

/// One `#[test]` for each rule of a suite, each on a fresh harness.
#[doc(hidden)]
#[macro_export]
macro_rules! contract_tests {
    ($suite:ident, $harness:expr, [$($rule:ident),+ $(,)?]) => {
        $(
            #[test]
            fn $rule() {
                let name = concat!(stringify!($suite), "::", stringify!($rule));
                $crate::contract::run_rule(name, async {
                    let harness = $harness;
                    $crate::contract::$suite::$rule(&harness).await;
                });
            }
        )+
    };
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;
    use nexus_raw::ports::DatasetEventSink;
    use serde_json::{Value, json};

    use super::{sink::SinkHarness, *};
    use crate::{RecordingSink, sample};

    /// A harness whose receiver has an event that was not delivered.
    struct Haunted;

    #[async_trait]
    impl SinkHarness for Haunted {
        async fn open(&self) -> Arc<dyn DatasetEventSink> {
            Arc::new(RecordingSink::new(sample::sink_name()))
        }

        async fn received(&self) -> Vec<Value> {
            vec![json!(7)]
        }

        async fn set_broken(&self, _broken: bool) {}
    }

    fn panicked(name: &str, rule: impl Future<Output = ()>) -> String {
        let panic = catch_unwind(AssertUnwindSafe(|| run_rule(name, rule)));
        text(&*panic.unwrap_err()).to_owned()
    }

    #[test]
    fn a_broken_rule_is_reported_with_expected_and_actual_value() {
        let rule = sink::an_empty_batch_has_no_effect(&Haunted);
        ::std::assert_eq!(
            panicked("sink::an_empty_batch_has_no_effect", rule),
            "the rule sink::an_empty_batch_has_no_effect is broken\n\
             expected: []\n    came: [Number(7)]\n      of: harness.received().await"
        );
    }

    #[test]
    fn every_assertion_of_a_rule_reports_expected_and_actual_value() {
        let lent = 3;
        for (rule, expected) in [
            (
                panicked("a", async { assert!(lent > 4) }),
                "expected: lent > 4\n    came: false",
            ),
            (
                panicked("a", async { assert!(lent > 4, "{lent}") }),
                "expected: lent > 4\n    came: 3",
            ),
            (
                panicked("a", async { assert_eq!(lent, 4, "a loan of {lent}") }),
                "expected: 4\n    came: 3\n      of: a loan of 3",
            ),
            (
                panicked("a", async { assert_ne!(lent, 3) }),
                "expected: another than 3\n    came: 3\n      of: lent",
            ),
        ] {
            ::std::assert_eq!(rule, format!("the rule a is broken\n{expected}"));
        }
    }
}
