use nexus_raw::{
    asset::{Provenance, UploadIntent},
    ports::{CatalogTotals, KeyedOutcome, RegisterOutcome, RepeatOutcome},
};

use super::{
    CatalogHarness, OpenCatalog, presign, presign_again, presign_keyed, register, strangers,
};
use crate::sample;

async fn assert_open(open: &OpenCatalog, intents: &[&UploadIntent]) {
    let bytes = intents.iter().map(|intent| intent.facts.size_bytes.get());
    let expected = CatalogTotals {
        open_intents: intents.len().try_into().unwrap(),
        open_bytes: bytes.sum(),
        corrupt_assets: 0,
    };
    assert_eq!(open.census.totals().await.unwrap(), expected);
}

/// Each presign adds one, with or without a key, in any scope; its registration removes it. Expired
/// intents count too.
pub async fn intents_are_open_until_registered_in_any_scope(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    assert_open(&open, &[]).await;
    let [prod, other, ..] = strangers();
    let one = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(1));
    let two = sample::intent_of(
        &prod,
        sample::asset_id(2),
        sample::facts_of(b"longer than that"),
    );
    let ended = UploadIntent {
        ends_at: sample::seconds_after(-3600),
        ..sample::intent(&other, sample::asset_id(3))
    };
    presign(&open, &one).await;
    assert_open(&open, &[&one]).await;
    let key = sample::key(&prod, "a-key");
    assert_eq!(
        presign_keyed(&open, &key, &two).await,
        KeyedOutcome::Recorded
    );
    presign(&open, &ended).await;
    assert_open(&open, &[&one, &two, &ended]).await;
    for (intent, left) in [
        (&two, &[&one, &ended][..]),
        (&one, &[&ended]),
        (&ended, &[]),
    ] {
        let new = sample::new_asset(intent, Provenance::default());
        assert_eq!(register(&open, &new).await, RegisterOutcome::Registered);
        assert_open(&open, left).await;
    }
}

/// A repeated id, a repeated presign, a key in use, and a repeated or unknown registration do not
/// change the number.
pub async fn refused_or_repeated_calls_open_no_intent(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let [kept, done, other] = [1, 2, 3].map(|n| sample::intent(&scope, sample::asset_id(n)));
    let key = sample::key(&scope, "a-key");
    assert_eq!(
        presign_keyed(&open, &key, &kept).await,
        KeyedOutcome::Recorded
    );
    presign(&open, &done).await;
    let new = sample::new_asset(&done, Provenance::default());
    register(&open, &new).await;
    assert_open(&open, &[&kept]).await;

    for known in [&kept, &done] {
        let event = sample::presigned(known);
        let again = open.catalog.record_intent(known.clone(), event).await;
        assert!(again.is_err(), "{again:?}");
    }
    assert_eq!(
        presign_keyed(&open, &key, &other).await,
        KeyedOutcome::KeyStands
    );
    assert_eq!(presign_again(&open, &kept).await, RepeatOutcome::Recorded);
    register(&open, &new).await;
    let unknown = sample::new_asset(&other, Provenance::default());
    assert_eq!(
        register(&open, &unknown).await,
        RegisterOutcome::UnknownIntent
    );
    assert_open(&open, &[&kept]).await;
}

/// The number comes from the stored state, not from this process.
pub async fn open_intents_are_counted_after_reopening(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let [one, two] = [1, 2].map(|n| sample::intent(&scope, sample::asset_id(n)));
    presign(&open, &one).await;
    let open = harness.reopen(open).await;
    assert_open(&open, &[&one]).await;
    presign(&open, &two).await;
    register(&open, &sample::new_asset(&one, Provenance::default())).await;
    assert_open(&open, &[&two]).await;
}
