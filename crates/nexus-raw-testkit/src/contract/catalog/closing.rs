use nexus_raw::{
    asset::{Provenance, UploadIntent},
    ports::{AbortedUpload, IntentState, PartsOutcome, RegisterOutcome, RepeatOutcome},
    tenancy::Scope,
};
use tokio::task::JoinSet;

use super::{
    CatalogHarness, OpenCatalog,
    aborts::{count_of, open_intents},
    bodies_of, intent_state,
    parts::{abort, aborted, begin, declare, with_upload},
    presign, presign_again, register, registered, strangers,
};
use crate::sample;

/// When the intents here end, in seconds after [`sample::now`].
const END: i64 = 100;

fn ending(intent: UploadIntent) -> UploadIntent {
    UploadIntent {
        ends_at: sample::seconds_after(END),
        ..intent
    }
}

fn single(scope: &Scope, number: u64) -> UploadIntent {
    ending(sample::intent(scope, sample::asset_id(number)))
}

fn in_parts(scope: &Scope, number: u64) -> UploadIntent {
    ending(sample::intent_in_parts(scope, sample::asset_id(number)))
}

/// Closes at `seconds` after [`sample::now`].
async fn close(open: &OpenCatalog, scope: &Scope, intents: &[&UploadIntent], seconds: i64) -> u32 {
    let assets: Vec<_> = intents.iter().map(|it| it.asset_id).collect();
    let now = sample::seconds_after(seconds);
    let closed = open.closing.close_intents(scope, &assets, now);
    closed.await.unwrap()
}

/// From their end on, once, without an event; registered, aborted and unknown ones are not.
pub async fn ended_intents_are_closed_and_no_longer_open(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let [ended, other, done, unknown] = [1, 2, 3, 4].map(|n| single(&scope, n));
    let [gone, upload] = [5, 6].map(|n| in_parts(&scope, n));
    let all = [&ended, &other, &done, &unknown, &gone, &upload];
    assert_eq!(close(&open, &scope, &all, END).await, 0);
    for intent in [&ended, &other, &done, &gone, &upload] {
        presign(&open, intent).await;
    }
    let new = sample::new_asset(&done, Provenance::default());
    register(&open, &new).await;
    abort(&open, &gone).await;
    assert_eq!(close(&open, &scope, &all, END - 1).await, 0);
    let pending = [&ended, &other, &upload];
    assert_eq!(open_intents(&open).await, count_of(&pending));

    assert_eq!(close(&open, &scope, &[&ended], END).await, 1);
    assert_eq!(open_intents(&open).await, count_of(&[&other, &upload]));
    assert_eq!(close(&open, &scope, &all, END).await, 2);
    assert_eq!(open_intents(&open).await, count_of(&[]));
    assert_eq!(close(&open, &scope, &all, END).await, 0);
    for intent in pending {
        let state = intent_state(&open, &scope, intent.asset_id).await;
        assert_eq!(state, Some(IntentState::Pending(intent.clone())));
        assert_eq!(bodies_of(&open, &scope, intent.asset_id).await.len(), 1);
    }
    let state = intent_state(&open, &scope, done.asset_id).await;
    assert_eq!(state, Some(registered(&done, &new)));
    let state = intent_state(&open, &scope, gone.asset_id).await;
    assert_eq!(state, Some(IntentState::Aborted(gone.clone())));
}

/// Since its object may have arrived in time; it is presigned no more.
pub async fn a_closed_intent_is_registered_all_the_same(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let [closed, kept] = [1, 2].map(|n| single(&scope, n));
    for intent in [&closed, &kept] {
        presign(&open, intent).await;
    }
    close(&open, &scope, &[&closed], END).await;
    assert_eq!(
        presign_again(&open, &closed).await,
        RepeatOutcome::NotPending
    );
    let new = sample::new_asset(&closed, Provenance::default());
    assert_eq!(register(&open, &new).await, RegisterOutcome::Registered);
    assert_eq!(
        intent_state(&open, &scope, closed.asset_id).await,
        Some(registered(&closed, &new))
    );
    assert_eq!(open_intents(&open).await, count_of(&[&kept]));
    assert_eq!(bodies_of(&open, &scope, closed.asset_id).await.len(), 2);
}

/// Neither an id nor parts; an abort of it is an event, once.
pub async fn a_closed_upload_in_parts_takes_nothing_and_is_aborted(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let [closed, kept] = [1, 2].map(|n| in_parts(&scope, n));
    for intent in [&closed, &kept] {
        presign(&open, intent).await;
        begin(&open, intent, None, "one").await;
    }
    close(&open, &scope, &[&closed], END).await;
    assert_eq!(begin(&open, &closed, Some("one"), "two").await, None);
    assert_eq!(
        declare(&open, &closed, &sample::parts()).await,
        PartsOutcome::NotPending
    );
    for _ in 0..2 {
        assert_eq!(abort(&open, &closed).await, AbortedUpload::Recorded);
        assert_eq!(
            intent_state(&open, &scope, closed.asset_id).await,
            Some(IntentState::Aborted(with_upload(&closed, "one")))
        );
        assert_eq!(
            bodies_of(&open, &scope, closed.asset_id).await,
            [(1, sample::presigned(&closed)), (3, aborted(&closed))]
        );
        assert_eq!(open_intents(&open).await, count_of(&[&kept]));
    }
    let new = sample::new_asset(&closed, Provenance::default());
    assert_eq!(register(&open, &new).await, RegisterOutcome::Aborted);
}

/// An id that another scope has too is closed in the scope that was asked for.
pub async fn closed_intents_of_other_scopes_do_not_meet(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let home = sample::scope("t_a", "dev");
    let own = single(&home, 1);
    presign(&open, &own).await;
    for other in strangers() {
        assert_eq!(close(&open, &other, &[&own], END).await, 0);
        let same = single(&other, 1);
        presign(&open, &same).await;
        assert_eq!(open_intents(&open).await, count_of(&[&own, &same]));
        assert_eq!(close(&open, &other, &[&same], END).await, 1);
        assert_eq!(open_intents(&open).await, count_of(&[&own]));
    }
}

/// Under any race, so that none is left over and none is taken off twice.
pub async fn of_racing_closings_and_registrations_each_intent_counts_once(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intents: Vec<_> = (1..=16).map(|n| single(&scope, n)).collect();
    for intent in &intents {
        presign(&open, intent).await;
    }
    let mut calls = JoinSet::new();
    for intent in &intents {
        let (caller, registered) = (open.clone(), intent.clone());
        calls.spawn(async move {
            let new = sample::new_asset(&registered, Provenance::default());
            let outcome = register(&caller, &new).await;
            assert_eq!(outcome, RegisterOutcome::Registered);
        });
        let (caller, scope, intent) = (open.clone(), scope.clone(), intent.clone());
        calls.spawn(async move {
            close(&caller, &scope, &[&intent], END).await;
        });
        tokio::task::yield_now().await;
    }
    calls.join_all().await;
    assert_eq!(open_intents(&open).await, count_of(&[]));
}

/// And are registered then.
pub async fn closed_intents_are_closed_after_reopening(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let [closed, kept] = [1, 2].map(|n| single(&scope, n));
    for intent in [&closed, &kept] {
        presign(&open, intent).await;
    }
    close(&open, &scope, &[&closed], END).await;
    let open = harness.reopen(open).await;
    assert_eq!(open_intents(&open).await, count_of(&[&kept]));
    let new = sample::new_asset(&closed, Provenance::default());
    assert_eq!(register(&open, &new).await, RegisterOutcome::Registered);
    assert_eq!(open_intents(&open).await, count_of(&[&kept]));
}
