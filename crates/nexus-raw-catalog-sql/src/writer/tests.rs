//! The writer on a scripted database.

use std::{
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Wake},
};

use async_trait::async_trait;
use nexus_raw::{asset::AssetId, ports::CatalogError, tenancy::Scope};
use nexus_raw_testkit::sample;
use tokio::sync::Notify;

use super::*;
use crate::{backend::WriteError, error::Failure, sealed::SealedEvent};

/// The scripted result of the group writes.
#[derive(Clone, Copy)]
enum ScriptedResult {
    Written,
    Unavailable,
    /// Unavailable for two groups, then written.
    FailsTwice,
    Fatal,
}

/// Records the asset ids of each group, refuses groups with the poisoned one, and starts each group
/// on a notification.
struct ScriptedWriter {
    groups: Arc<Mutex<Vec<Vec<AssetId>>>>,
    poison: Option<AssetId>,
    ending: ScriptedResult,
    begin: Arc<Notify>,
}

#[async_trait]
impl GroupWriter for ScriptedWriter {
    async fn write(
        &mut self,
        group: &[&Write],
    ) -> Result<Vec<Result<Written, Failure>>, WriteError> {
        self.begin.notified().await;
        let intents: Members<'_, NewIntent> = Members::of(group);
        let ids: Vec<_> = intents
            .requests
            .iter()
            .map(|it| it.intent.asset_id)
            .collect();
        let poisoned = self.poison.is_some_and(|id| ids.contains(&id));
        let before = self.groups.lock().unwrap().len();
        self.groups.lock().unwrap().push(ids);
        if poisoned {
            return Err(WriteError::Refused(Failure::corrupt("poison")));
        }
        match self.ending {
            ScriptedResult::FailsTwice if before < 2 => {
                Err(WriteError::Unavailable(Failure::unavailable("busy")))
            }
            ScriptedResult::Written | ScriptedResult::FailsTwice => {
                let recorded = |_: &_| Ok(Written::Intent(IntentOutcome::Recorded));
                Ok(group.iter().map(recorded).collect())
            }
            ScriptedResult::Unavailable => {
                Err(WriteError::Unavailable(Failure::unavailable("busy")))
            }
            ScriptedResult::Fatal => Err(WriteError::Fatal(Failure::unavailable("fsync"))),
        }
    }

    async fn close(self: Box<Self>) {
        self.groups.lock().unwrap().push(Vec::new());
    }
}

struct Setup {
    writer: Arc<Writer>,
    groups: Arc<Mutex<Vec<Vec<AssetId>>>>,
    begin: Arc<Notify>,
}

fn start(poison: Option<AssetId>, ending: ScriptedResult) -> Setup {
    let groups = Arc::new(Mutex::new(Vec::new()));
    let begin = Arc::new(Notify::new());
    let writer = Box::new(ScriptedWriter {
        groups: groups.clone(),
        poison,
        ending,
        begin: begin.clone(),
    });
    let writer = Writer::start(writer, false).unwrap();
    Setup {
        writer: Arc::new(writer),
        groups,
        begin,
    }
}

fn new_intent(number: u64) -> NewIntent {
    let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(number));
    NewIntent {
        event: SealedEvent::of(sample::presigned(&intent)).unwrap(),
        intent,
        key: None,
    }
}

/// Queues an intent and returns its call.
fn queue(
    writer: &Arc<Writer>,
    number: u64,
) -> tokio::task::JoinHandle<Result<IntentOutcome, CatalogError>> {
    let writer = writer.clone();
    let request = new_intent(number);
    tokio::spawn(async move { writer.call(request).await })
}

/// Runs every other task until it waits.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<AssetId> {
    numbers.into_iter().map(sample::asset_id).collect()
}

#[tokio::test]
async fn a_caller_that_comes_alone_waits_for_nobody_and_those_who_wait_share_a_group() {
    let setup = start(None, ScriptedResult::Written);
    let first = queue(&setup.writer, 1);
    settle().await;
    let others: Vec<_> = (2..=5).map(|n| queue(&setup.writer, n)).collect();
    settle().await;
    setup.begin.notify_one();
    assert_eq!(first.await.unwrap().unwrap(), IntentOutcome::Recorded);
    setup.begin.notify_one();
    for other in others {
        assert_eq!(other.await.unwrap().unwrap(), IntentOutcome::Recorded);
    }
    assert_eq!(*setup.groups.lock().unwrap(), [ids([1]), ids(2..=5)]);
}

#[tokio::test]
async fn a_member_that_spoils_its_group_fails_alone() {
    let setup = start(Some(sample::asset_id(3)), ScriptedResult::Written);
    let calls: Vec<_> = (1..=4).map(|n| queue(&setup.writer, n)).collect();
    for _ in 0..6 {
        setup.begin.notify_one();
        settle().await;
    }
    for (n, call) in (1..).zip(calls) {
        match (n, call.await.unwrap()) {
            (3, Err(CatalogError::Corrupt(source))) => assert_eq!(source.to_string(), "poison"),
            (_, outcome) => assert_eq!(outcome.unwrap(), IntentOutcome::Recorded),
        }
    }
    let groups = setup.groups.lock().unwrap();
    assert_eq!(
        *groups,
        [ids(1..=4), ids([1]), ids([2]), ids([3]), ids([4])]
    );
}

#[tokio::test]
async fn each_attempt_to_write_a_group_is_observed_with_its_size_and_whether_it_was_committed() {
    let setup = start(Some(sample::asset_id(2)), ScriptedResult::Written);
    let observer = Arc::new(Attempts::default());
    setup.writer.observe(observer.clone());
    // a later observer has no effect
    let later = Arc::new(Attempts::default());
    setup.writer.observe(later.clone());
    let calls: Vec<_> = (1..=3).map(|n| queue(&setup.writer, n)).collect();
    for _ in 0..5 {
        setup.begin.notify_one();
        settle().await;
    }
    for call in calls {
        let _ = call.await.unwrap();
    }
    let expected = [(3, false), (1, true), (1, false), (1, true)];
    assert_eq!(*observer.attempts.lock().unwrap(), expected);
    assert_eq!(*later.attempts.lock().unwrap(), []);
    // for committed groups, and not for refused ones
    let scope = sample::scope("t_a", "dev");
    assert_eq!(*observer.written.lock().unwrap(), [scope.clone(), scope]);
}

#[derive(Default)]
struct Attempts {
    attempts: Mutex<Vec<(usize, bool)>>,
    written: Mutex<Vec<Scope>>,
}

impl CatalogObserver for Attempts {
    fn attempted(&self, attempt: GroupAttempt) {
        let attempt = (attempt.calls, attempt.committed);
        self.attempts.lock().unwrap().push(attempt);
    }

    fn written(&self, scope: &Scope) {
        self.written.lock().unwrap().push(scope.clone());
    }
}

/// Waiters for a scope's events are notified even if the writing caller is gone.
#[tokio::test]
async fn a_write_whose_caller_is_gone_or_whose_result_was_lost_is_reported_to_the_observer() {
    for (ending, abort) in [
        (ScriptedResult::Written, true),
        (ScriptedResult::Unavailable, false),
    ] {
        let setup = start(None, ending);
        let observer = Arc::new(Attempts::default());
        setup.writer.observe(observer.clone());
        let call = queue(&setup.writer, 1);
        settle().await;
        if abort {
            call.abort();
        }
        setup.begin.notify_one();
        settle().await;
        let scope = sample::scope("t_a", "dev");
        assert_eq!(*observer.written.lock().unwrap(), [scope]);
    }
}

#[tokio::test]
async fn a_commit_of_unknown_outcome_is_not_tried_again() {
    let setup = start(None, ScriptedResult::Unavailable);
    let calls: Vec<_> = (1..=2).map(|n| queue(&setup.writer, n)).collect();
    settle().await;
    setup.begin.notify_one();
    for call in calls {
        let outcome = call.await.unwrap();
        let Err(CatalogError::Unavailable(source)) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(source.to_string(), "busy");
    }
    assert_eq!(*setup.groups.lock().unwrap(), [ids([1, 2])]);
    setup.writer.check_writes().unwrap();
}

/// The first failure may concern one group only; from the second on writes are reported as failing,
/// until one succeeds.
#[tokio::test]
async fn consecutive_failed_writes_are_reported_until_one_succeeds() {
    let (fails, heals) = (
        start(None, ScriptedResult::Unavailable),
        start(None, ScriptedResult::FailsTwice),
    );
    for setup in [&fails, &heals] {
        for (n, is_reported) in [(1, false), (2, true)] {
            setup.begin.notify_one();
            let failed = setup.writer.call(new_intent(n)).await;
            assert!(matches!(failed, Err(CatalogError::Unavailable(_))));
            let checked = setup.writer.check_writes();
            assert_eq!(checked.is_err(), is_reported, "{n}: {checked:?}");
        }
    }
    let Err(CatalogError::Unavailable(source)) = fails.writer.check_writes() else {
        panic!("no failure is reported");
    };
    assert_eq!(source.to_string(), "busy");
    heals.begin.notify_one();
    let written = heals.writer.call(new_intent(3)).await;
    written.unwrap();
    heals.writer.check_writes().unwrap();
}

/// A corrupt row does not make the whole server unavailable.
#[tokio::test]
async fn a_corrupt_row_does_not_stop_writes() {
    let setup = start(Some(sample::asset_id(1)), ScriptedResult::Written);
    for _ in 0..3 {
        setup.begin.notify_one();
        let corrupt = setup.writer.call(new_intent(1)).await;
        assert!(matches!(corrupt, Err(CatalogError::Corrupt(_))));
        setup.writer.check_writes().unwrap();
    }
}

#[tokio::test]
async fn after_a_failure_of_the_medium_nothing_is_written_any_more() {
    let setup = start(None, ScriptedResult::Fatal);
    let failed = setup.writer.failed();
    let calls = [queue(&setup.writer, 1), queue(&setup.writer, 2)];
    settle().await;
    let late = queue(&setup.writer, 3);
    settle().await;
    setup.begin.notify_one();
    failed.await;
    for call in calls {
        assert!(matches!(
            call.await.unwrap(),
            Err(CatalogError::Unavailable(_))
        ));
    }
    assert!(matches!(
        late.await.unwrap(),
        Err(CatalogError::Unavailable(_))
    ));
    let next = setup.writer.call(new_intent(4)).await;
    assert!(matches!(next, Err(CatalogError::Unavailable(_))));
    assert!(setup.writer.check_writes().is_err());
    assert_eq!(*setup.groups.lock().unwrap(), [ids([1, 2])]);
    // later calls fail too
    setup.writer.failed().await;
}

/// Looks whether writes are refused when it is woken.
struct Woken {
    writer: Arc<Writer>,
    refused: Mutex<Option<bool>>,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        *self.refused.lock().unwrap() = Some(self.writer.check_writes().is_err());
    }
}

#[tokio::test]
async fn whoever_is_notified_of_a_failed_medium_finds_that_writes_are_refused() {
    let setup = start(None, ScriptedResult::Fatal);
    let woken = Arc::new(Woken {
        writer: setup.writer.clone(),
        refused: Mutex::default(),
    });
    let mut failed = pin!(setup.writer.failed());
    let waker = woken.clone().into();
    let polled = failed.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    let call = queue(&setup.writer, 1);
    setup.begin.notify_one();
    call.await.unwrap().unwrap_err();
    settle().await;
    assert_eq!(*woken.refused.lock().unwrap(), Some(true));
}

#[tokio::test]
async fn what_was_not_begun_when_its_caller_went_is_not_written() {
    let setup = start(None, ScriptedResult::Written);
    let first = queue(&setup.writer, 1);
    settle().await;
    let gone = queue(&setup.writer, 2);
    let stays = queue(&setup.writer, 3);
    settle().await;
    gone.abort();
    settle().await;
    for _ in 0..2 {
        setup.begin.notify_one();
        settle().await;
    }
    first.await.unwrap().unwrap();
    stays.await.unwrap().unwrap();
    assert_eq!(*setup.groups.lock().unwrap(), [ids([1]), ids([3])]);
}

#[tokio::test]
async fn what_was_begun_when_its_caller_went_is_written() {
    let setup = start(None, ScriptedResult::Written);
    let gone = queue(&setup.writer, 1);
    settle().await;
    gone.abort();
    setup.begin.notify_one();
    settle().await;
    let next = queue(&setup.writer, 2);
    settle().await;
    setup.begin.notify_one();
    next.await.unwrap().unwrap();
    assert_eq!(*setup.groups.lock().unwrap(), [ids([1]), ids([2])]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_is_answered_within_the_deadline_also_by_a_disk_that_hangs() {
    let setup = start(None, ScriptedResult::Written);
    let began = tokio::time::Instant::now();
    let outcome = setup.writer.call(new_intent(1)).await;
    let Err(CatalogError::Unavailable(source)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(source.to_string(), "no answer within 3 s");
    assert!(began.elapsed() < DEADLINE + Duration::from_millis(10));
}

#[tokio::test]
async fn closing_writes_what_is_queued_before_it_and_no_more() {
    let setup = start(None, ScriptedResult::Written);
    let first = queue(&setup.writer, 1);
    settle().await;
    let before = queue(&setup.writer, 2);
    settle().await;
    let writer = setup.writer.clone();
    let closing = tokio::spawn(async move { writer.close().await });
    settle().await;
    let after = queue(&setup.writer, 3);
    settle().await;
    for _ in 0..2 {
        setup.begin.notify_one();
        settle().await;
    }
    closing.await.unwrap();
    first.await.unwrap().unwrap();
    before.await.unwrap().unwrap();
    assert!(matches!(
        after.await.unwrap(),
        Err(CatalogError::Unavailable(_))
    ));
    // the empty one is the close
    assert_eq!(*setup.groups.lock().unwrap(), [ids([1]), ids([2]), vec![]]);
}
