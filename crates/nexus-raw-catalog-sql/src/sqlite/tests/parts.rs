//! Uploads in parts in one group with other writes.

use nexus_raw::{
    asset::{UploadId, UploadIntent},
    event::EventType,
    ports::{AbortedUpload, BegunUpload, CatalogTotals, NewParts, PartsOutcome},
};

use super::*;
use crate::writer::UploadAbort;

fn upload(number: u64) -> UploadIntent {
    sample::intent_in_parts(&sample::scope("t_a", "dev"), sample::asset_id(number))
}

fn intent(intent: &UploadIntent) -> Write {
    let new = NewIntent {
        event: SealedEvent::of(sample::presigned(intent)).unwrap(),
        intent: intent.clone(),
        key: None,
    };
    new.into_write()
}

fn abort(intent: &UploadIntent) -> Write {
    let (user, context) = (sample::user(), sample::context());
    let event = EventBody::upload_aborted(intent, &user, &context, sample::now());
    let abort = UploadAbort {
        scope: intent.scope.clone(),
        event: SealedEvent::of(event).unwrap(),
    };
    abort.into_write()
}

fn parts(intent: &UploadIntent) -> Write {
    let new = NewParts {
        scope: intent.scope.clone(),
        asset_id: intent.asset_id,
        parts: sample::parts(),
    };
    new.into_write()
}

fn begin(intent: &UploadIntent, id: &str) -> Write {
    let begun = BegunUpload {
        scope: intent.scope.clone(),
        asset_id: intent.asset_id,
        instead_of: None,
        upload_id: UploadId::parse(id).unwrap(),
    };
    begun.into_write()
}

/// Of several aborts one is an event, and what the group registers is not aborted. Ids and parts
/// come last, in the order of the group.
#[tokio::test]
async fn of_a_group_registrations_come_before_aborts_and_these_before_parts() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("catalog.sqlite");
    let (reader, mut writer) = opened(&file).await;
    let [done, gone, open] = [1, 2, 3].map(upload);
    let new = sample::new_asset(&done, Provenance::default());
    let registration = Registration {
        event: SealedEvent::of(new.event.clone()).unwrap(),
        new: Box::new(new),
        intent: None,
    };
    let group = [
        begin(&open, "one"),
        parts(&gone),
        abort(&done),
        abort(&gone),
        registration.into_write(),
        abort(&gone),
        begin(&open, "two"),
        intent(&done),
        intent(&gone),
        intent(&open),
        parts(&open),
    ];
    let one = Some(UploadId::parse("one").unwrap());
    let expected = [
        Written::Begin(one.clone()),
        Written::Parts(PartsOutcome::NotPending),
        Written::Abort(AbortedUpload::NotPending),
        Written::Abort(AbortedUpload::Recorded),
        Written::Register(RegisterOutcome::Registered),
        Written::Abort(AbortedUpload::Recorded),
        Written::Begin(one),
        Written::Intent(IntentOutcome::Recorded),
        Written::Intent(IntentOutcome::Recorded),
        Written::Intent(IntentOutcome::Recorded),
        Written::Parts(PartsOutcome::Declared),
    ];
    let outcomes = write(&mut *writer, group).await.unwrap();
    assert_eq!(outcomes, expected);
    let query = EventQuery::first(10);
    let events = reader.events(&open.scope, &query).await.unwrap();
    let last: Vec<_> = events[3..]
        .iter()
        .map(|it| (it.body.event_type, it.body.asset_id))
        .collect();
    assert_eq!(
        last,
        [
            (EventType::RawAssetRegistered, done.asset_id),
            (EventType::RawAssetUploadAborted, gone.asset_id)
        ]
    );
    let left = CatalogTotals {
        open_intents: 1,
        corrupt_assets: 0,
        open_bytes: open.facts.size_bytes.get(),
    };
    assert_eq!(reader.totals().await.unwrap(), left);
}
