use nexus_raw::{
    asset::{ByteSize, DeclaredPart, PartNumber, Provenance, Sha256Digest, UploadId, UploadIntent},
    event::EventBody,
    ports::{AbortedUpload, BegunUpload, IntentState, NewParts, PartsOutcome},
    tenancy::Scope,
};

use super::{
    CatalogHarness, OpenCatalog, already_registered, bodies_of, intent_state, isolation::strangers,
    presign, presign_and_register, record, register, registered,
};
use crate::sample;

pub(super) fn upload_id(name: &str) -> UploadId {
    UploadId::parse(name).unwrap()
}

/// The `number`th part, of any content.
fn part(number: u64, content: &str) -> DeclaredPart {
    DeclaredPart {
        number: PartNumber::parse(number).unwrap(),
        size_bytes: ByteSize::parse(8).unwrap(),
        sha256: Sha256Digest::of(content.as_bytes()),
    }
}

fn numbers(numbers: &[u64]) -> Vec<PartNumber> {
    let numbers = numbers.iter();
    numbers.map(|it| PartNumber::parse(*it).unwrap()).collect()
}

pub(super) async fn begin(
    open: &OpenCatalog,
    intent: &UploadIntent,
    instead_of: Option<&str>,
    id: &str,
) -> Option<UploadId> {
    let begun = BegunUpload {
        scope: intent.scope.clone(),
        asset_id: intent.asset_id,
        instead_of: instead_of.map(upload_id),
        upload_id: upload_id(id),
    };
    open.catalog.record_upload(begun).await.unwrap()
}

pub(super) async fn declare(
    open: &OpenCatalog,
    intent: &UploadIntent,
    parts: &[DeclaredPart],
) -> PartsOutcome {
    let new = NewParts {
        scope: intent.scope.clone(),
        asset_id: intent.asset_id,
        parts: parts.to_vec(),
    };
    open.catalog.declare_parts(new).await.unwrap()
}

pub(super) async fn declared(open: &OpenCatalog, intent: &UploadIntent) -> Vec<DeclaredPart> {
    let (scope, asset) = (&intent.scope, intent.asset_id);
    let parts = open
        .catalog
        .declared_parts(scope, asset, 0, PartNumber::MAX);
    parts.await.unwrap()
}

pub(super) fn aborted(intent: &UploadIntent) -> EventBody {
    let at = sample::seconds_after(90);
    EventBody::upload_aborted(intent, &sample::user(), &sample::context(), at)
}

pub(super) async fn abort(open: &OpenCatalog, intent: &UploadIntent) -> AbortedUpload {
    open.catalog.record_abort(aborted(intent)).await.unwrap()
}

/// An intent of an upload in parts under this id.
pub(super) fn with_upload(intent: &UploadIntent, id: &str) -> UploadIntent {
    let mut intent = intent.clone();
    if let Some(multipart) = &mut intent.multipart {
        multipart.upload_id = Some(upload_id(id));
    }
    intent
}

/// Records uploads in parts that take nothing any more, and an upload by one request: of a
/// registered asset, an aborted one, a single one, and one of which there is no intent.
async fn closed(open: &OpenCatalog, scope: &Scope) -> [UploadIntent; 4] {
    let [done, gone, unknown] =
        [101, 102, 103].map(|n| sample::intent_in_parts(scope, sample::asset_id(n)));
    let single = sample::intent(scope, sample::asset_id(104));
    for begun in [&done, &gone] {
        presign(open, begun).await;
        begin(open, begun, None, "one").await;
    }
    register(open, &sample::new_asset(&done, Provenance::default())).await;
    assert_eq!(abort(open, &gone).await, AbortedUpload::Recorded);
    presign(open, &single).await;
    [done, gone, single, unknown]
}

/// With and without a digest of the whole, and so do their events.
pub async fn an_upload_in_parts_reads_back_as_it_was_written(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let unstated = sample::intent_in_parts(&scope, sample::asset_id(1));
    let stated = UploadIntent {
        facts: sample::facts().into(),
        ..sample::intent_in_parts(&scope, sample::asset_id(2))
    };
    let begun = with_upload(
        &sample::intent_in_parts(&scope, sample::asset_id(3)),
        "an id'\\\"%é",
    );
    for (sequence, intent) in (1..).zip([&unstated, &stated, &begun]) {
        presign(&open, intent).await;
        assert_eq!(
            intent_state(&open, &scope, intent.asset_id).await,
            Some(IntentState::Pending(intent.clone()))
        );
        assert_eq!(
            bodies_of(&open, &scope, intent.asset_id).await,
            [(sequence, sample::presigned(intent))]
        );
        assert_eq!(declared(&open, intent).await, []);
    }
    let event = &bodies_of(&open, &scope, unstated.asset_id).await[0].1;
    assert_eq!(event.sha256, None);
}

/// An id takes the place of the one that the caller knows, and of no other one.
pub async fn an_upload_has_one_id_at_a_time(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent_in_parts(&scope, sample::asset_id(1));
    presign(&open, &intent).await;
    for (instead_of, id, in_force) in [
        (None, "one", "one"),
        (None, "two", "one"),
        (None, "one", "one"),
        (Some("one"), "three", "three"),
        (Some("one"), "four", "three"),
        (None, "five", "three"),
    ] {
        assert_eq!(
            begin(&open, &intent, instead_of, id).await,
            Some(upload_id(in_force)),
            "{id}"
        );
        assert_eq!(
            intent_state(&open, &scope, intent.asset_id).await,
            Some(IntentState::Pending(with_upload(&intent, in_force)))
        );
    }
    let longest = "u".repeat(UploadId::MAX_BYTES);
    let last = begin(&open, &intent, Some("three"), &longest).await;
    assert_eq!(last, Some(upload_id(&longest)));
}

/// Nor an upload by one request.
pub async fn what_is_closed_is_not_begun(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    for intent in closed(&open, &scope).await {
        let before = intent_state(&open, &scope, intent.asset_id).await;
        for instead_of in [None, Some("one")] {
            assert_eq!(begin(&open, &intent, instead_of, "two").await, None);
        }
        let after = intent_state(&open, &scope, intent.asset_id).await;
        assert_eq!(after, before);
    }
}

/// The same digest may be declared any number of times. Of a call with another one nothing is
/// written.
pub async fn a_declared_part_keeps_its_digest(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent_in_parts(&scope, sample::asset_id(1));
    presign(&open, &intent).await;
    let [one, two, three, four] = [1, 2, 3, 4].map(|n| part(n, "content"));
    let other = |number| part(number, "other");
    for parts in [&[three, one][..], &[three, one], &[one, two], &[]] {
        assert_eq!(
            declare(&open, &intent, parts).await,
            PartsOutcome::Declared,
            "{parts:?}"
        );
    }
    assert_eq!(declared(&open, &intent).await, [one, two, three]);
    for (parts, differing) in [
        (&[other(2)][..], &[2][..]),
        (&[four, other(3), two, other(1)], &[1, 3]),
    ] {
        assert_eq!(
            declare(&open, &intent, parts).await,
            PartsOutcome::Differ(numbers(differing))
        );
    }
    assert_eq!(declared(&open, &intent).await, [one, two, three]);
    assert_eq!(
        declare(&open, &intent, &[four]).await,
        PartsOutcome::Declared
    );
    // parts are no events, and the id of the upload does not matter to them
    begin(&open, &intent, None, "one").await;
    begin(&open, &intent, Some("one"), "two").await;
    assert_eq!(declared(&open, &intent).await, [one, two, three, four]);
    assert_eq!(bodies_of(&open, &scope, intent.asset_id).await.len(), 1);
}

/// What was declared stays readable.
pub async fn what_is_closed_takes_no_parts(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let before = sample::intent_in_parts(&scope, sample::asset_id(1));
    presign(&open, &before).await;
    declare(&open, &before, &sample::parts()).await;
    let new = sample::new_asset(&before, Provenance::default());
    register(&open, &new).await;
    let closed = closed(&open, &scope).await;
    for intent in closed.iter().chain([&before]) {
        assert_eq!(
            declare(&open, intent, &[part(1, "content")]).await,
            PartsOutcome::NotPending,
            "{}",
            intent.asset_id
        );
    }
    for intent in &closed {
        assert_eq!(declared(&open, intent).await, []);
    }
    assert_eq!(declared(&open, &before).await, sample::parts());
}

/// As many as may be declared at once, and up to the highest number.
pub async fn pages_of_declared_parts_join(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent_in_parts(&scope, sample::asset_id(1));
    presign(&open, &intent).await;
    let mut parts: Vec<_> = (1..=1000).map(|n| part(n * 10, &n.to_string())).collect();
    parts.reverse();
    assert_eq!(
        declare(&open, &intent, &parts).await,
        PartsOutcome::Declared
    );
    parts.reverse();
    let page = async |after, limit| {
        let page = open
            .catalog
            .declared_parts(&scope, intent.asset_id, after, limit);
        page.await.unwrap()
    };
    let mut read = Vec::new();
    for at in (0..1000_u16).step_by(300) {
        read.extend(page(at * 10, 300).await);
    }
    assert_eq!(read, parts);
    assert_eq!(page(0, 1).await, parts[..1]);
    assert_eq!(page(9, 2).await, parts[..2]);
    assert_eq!(page(10, 2).await, parts[1..3]);
    for (after, limit) in [(10_000, 10), (u16::MAX, 10), (0, 0)] {
        assert_eq!(page(after, limit).await, []);
    }
}

/// Its upload is neither begun, nor declared, nor aborted, nor read by another scope.
pub async fn uploads_of_other_scopes_do_not_meet(harness: &impl CatalogHarness) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent_in_parts(&scope, sample::asset_id(1));
    presign(&open, &intent).await;
    begin(&open, &intent, None, "one").await;
    declare(&open, &intent, &sample::parts()).await;
    for stranger in strangers() {
        let theirs = sample::intent_in_parts(&stranger, intent.asset_id);
        assert_eq!(declared(&open, &theirs).await, []);
        assert_eq!(begin(&open, &theirs, Some("one"), "two").await, None);
        let outcome = declare(&open, &theirs, &[part(1, "theirs")]).await;
        assert_eq!(outcome, PartsOutcome::NotPending);
        assert_eq!(abort(&open, &theirs).await, AbortedUpload::NotPending);
        // an upload of the same id is another one
        presign(&open, &theirs).await;
        assert_eq!(declared(&open, &theirs).await, []);
        let theirs_id = begin(&open, &theirs, None, "theirs").await;
        assert_eq!(theirs_id, Some(upload_id("theirs")));
        let outcome = declare(&open, &theirs, &[part(1, "theirs")]).await;
        assert_eq!(outcome, PartsOutcome::Declared);
        assert_eq!(abort(&open, &theirs).await, AbortedUpload::Recorded);
        assert_eq!(declared(&open, &theirs).await, [part(1, "theirs")]);
    }
    assert_eq!(declared(&open, &intent).await, sample::parts());
    assert_eq!(
        intent_state(&open, &scope, intent.asset_id).await,
        Some(IntentState::Pending(with_upload(&intent, "one")))
    );
    assert_eq!(bodies_of(&open, &scope, intent.asset_id).await.len(), 1);
}

/// With the digest that its registration stated first, which is not a proof of the content.
pub async fn an_upload_in_parts_is_registered_with_a_digest_that_was_stated_late(
    harness: &impl CatalogHarness,
) {
    let open = harness.open().await;
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent_in_parts(&scope, sample::asset_id(1));
    let new = presign_and_register(&open, &intent, sample::provenance()).await;
    assert_eq!(new.asset.integrity().parts, Some(3));
    assert_eq!(
        record(&open, &scope, intent.asset_id).await.as_ref(),
        Some(&new.asset)
    );
    assert_eq!(
        intent_state(&open, &scope, intent.asset_id).await,
        Some(registered(&intent, &new))
    );
    assert_eq!(register(&open, &new).await, already_registered(&new));
    assert_eq!(
        bodies_of(&open, &scope, intent.asset_id).await,
        [(1, sample::presigned(&intent)), (2, new.event.clone())]
    );
    let (sha256, size) = (sample::facts().sha256, sample::facts().size_bytes);
    let found = open.catalog.find_content(&scope, sha256, size);
    assert_eq!(found.await.unwrap(), None);
    let proved = sample::intent(&scope, sample::asset_id(2));
    let proved = presign_and_register(&open, &proved, sample::provenance()).await;
    let found = open.catalog.find_content(&scope, sha256, size);
    assert_eq!(found.await.unwrap(), Some(proved.asset));
}
