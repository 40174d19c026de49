//! Takes changes of consent to the descendants, on every replica.

use std::time::Duration;

use nexus_raw::{ErrorChain, ports::CatalogError, system::random_bytes};
use slog::{Logger, info, warn};
use tokio::time::{Instant, sleep};

/// The shortest pause between steps while there is more to do.
const SHORTEST: Duration = Duration::from_millis(1);

/// Calls `advance` until `stopped` resolves: it takes the next steps, and returns whether there are
/// more.
///
/// If there are, the pause is as long as the last call, so that other writers have at least half of
/// the time. The log has one line when failures begin, and one when they end.
pub(super) async fn propagate<F>(
    advance: impl Fn() -> F,
    log: Logger,
    stopped: impl Future<Output = ()>,
) where
    F: Future<Output = Result<bool, CatalogError>>,
{
    let advancing = async {
        let mut failures = 0_u64;
        loop {
            let began = Instant::now();
            let advanced = advance().await;
            let took = began.elapsed();
            note(&advanced, &mut failures, &log);
            let pause = match advanced {
                Ok(true) => took.max(SHORTEST),
                Ok(false) | Err(_) => about_a_second(),
            };
            sleep(pause).await;
        }
    };
    tokio::select! {
        () = stopped => {}
        () = advancing => {}
    }
}

fn note(advanced: &Result<bool, CatalogError>, failures: &mut u64, log: &Logger) {
    if let Err(error) = advanced {
        if *failures == 0 {
            let reason = ErrorChain(error).to_string();
            warn!(log, "consent propagation stalled"; "reason" => reason);
        }
        *failures = failures.saturating_add(1);
    } else {
        if *failures > 0 {
            info!(log, "consent propagation resumed"; "failures" => *failures);
        }
        *failures = 0;
    }
}

/// Returns 0.75 to 1.26 s, so that replicas do not look at the same time.
fn about_a_second() -> Duration {
    let [byte] = random_bytes();
    Duration::from_millis(750 + 2 * u64::from(byte))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use slog::{Discard, Drain, KV, OwnedKVList, Record, Serializer, o};

    use super::*;

    /// Advances as the test says, and remembers when each call began. After the last outcome there
    /// is nothing to do.
    async fn calls(
        outcomes: &[(u64, Result<bool, ()>)],
        log: Logger,
        seconds: u64,
    ) -> Vec<Duration> {
        let start = Instant::now();
        let begun = Mutex::new(Vec::new());
        let advance = || {
            let at = {
                let mut begun = begun.lock().unwrap();
                begun.push(start.elapsed());
                begun.len() - 1
            };
            let (millis, outcome) = outcomes.get(at).copied().unwrap_or((0, Ok(false)));
            async move {
                sleep(Duration::from_millis(millis)).await;
                outcome.map_err(|()| CatalogError::Unavailable("it is down".into()))
            }
        };
        propagate(advance, log, sleep(Duration::from_secs(seconds))).await;
        begun.into_inner().unwrap()
    }

    fn silent() -> Logger {
        Logger::root(Discard, o!())
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_between_steps_is_as_long_as_the_last_step() {
        let more = [
            (200, Ok(true)),
            (0, Ok(true)),
            (50, Ok(true)),
            (0, Ok(false)),
        ];
        let begun = calls(&more, silent(), 1).await;
        assert_eq!(begun[..4], [0, 400, 401, 501].map(Duration::from_millis));
        // and then there is nothing to do for about a second
        assert!(
            begun.len() == 4 || begun[4] > Duration::from_millis(1250),
            "{begun:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn it_looks_about_once_a_second_and_not_in_step_with_others() {
        let begun = calls(&[], silent(), 100).await;
        assert!((80..=134).contains(&begun.len()), "{}", begun.len());
        let pauses = begun.windows(2).map(|pair| pair[1].abs_diff(pair[0]));
        let pauses: std::collections::BTreeSet<_> = pauses.collect();
        assert!(pauses.len() > 20, "{pauses:?}");
    }

    /// The lines of a log.
    #[derive(Clone, Default)]
    struct PropagationLog(Arc<Mutex<Vec<String>>>);

    struct LogText(String);

    impl Serializer for LogText {
        fn emit_arguments(
            &mut self,
            key: slog::Key,
            value: &std::fmt::Arguments<'_>,
        ) -> slog::Result {
            use std::fmt::Write as _;
            let _ = write!(self.0, " {key}={value}");
            Ok(())
        }
    }

    impl Drain for PropagationLog {
        type Ok = ();
        type Err = slog::Never;

        fn log(&self, record: &Record<'_>, _: &OwnedKVList) -> Result<(), slog::Never> {
            let mut fields = LogText(format!("{} {}", record.level().as_str(), record.msg()));
            record.kv().serialize(record, &mut fields).unwrap();
            self.0.lock().unwrap().push(fields.0);
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_logged_when_they_begin_and_when_they_end() {
        let lines = PropagationLog::default();
        let log = Logger::root(lines.clone().fuse(), o!());
        let outcomes = [Ok(false), Err(()), Err(()), Err(()), Ok(true), Err(())];
        let begun = calls(&outcomes.map(|it| (0, it)), log, 60).await;
        // a failure is not retried at once
        assert!(begun[3].abs_diff(begun[2]) >= Duration::from_millis(750));
        let stalled =
            "WARNING consent propagation stalled reason=the catalogue is unavailable: it is down";
        assert_eq!(
            *lines.0.lock().unwrap(),
            [
                stalled,
                "INFO consent propagation resumed failures=3",
                stalled,
                "INFO consent propagation resumed failures=1",
            ]
        );
    }
}
