use nexus_raw::{
    asset::{AssetId, ByteSize, Provenance, Sha256Digest, UploadId},
    event::EventBody,
    ports::{
        BegunUpload, CatalogInventory as _, CompositeDigest, HashOutcome, IntentState,
        MockRawStorageRepository, RegisterOutcome, StorageError, StoreCapabilities,
    },
    service::UploadPolicy,
    tenancy::{Environments, Scope},
};
use nexus_raw_testkit::ListManner;

use super::*;
use DifferenceKind as Kind;

impl BothSides {
    /// Runs to the end, and adopts.
    async fn adopt(
        &self,
        storage: &MockRawStorageRepository,
    ) -> Result<ReadReport, ReconcileError> {
        let mut file = self.work_file();
        let reconciliation = Reconciliation {
            adoption: Some(Adoption {
                catalog: &*self.catalog,
                closing: &*self.catalog,
                storage,
                environments: Environments::new(vec![sample::scope("t_a", "dev").environment])
                    .unwrap(),
                user: sample::user(),
                context: sample::context(),
                policy: UploadPolicy::default()
                    .with_intent_ttl(Duration::from_mins(10))
                    .with_max_object_bytes(size(1000))
                    .with_part_size_bytes(size(8)),
            }),
            ..self.reconciliation()
        };
        assert_eq!(reconciliation.run(&mut file).await?, RunOutcome::Finished);
        Ok(ReadReport::of(&file))
    }

    /// Uploads an object of which the catalogue knows nothing.
    fn lose(&self, n: u64) -> UploadIntent {
        let intent = sample::intent(&sample::scope("t_a", "dev"), sample::asset_id(n));
        self.bucket.upload(&intent, sample::CONTENT);
        intent
    }

    fn set_time(&self, seconds: i64) {
        self.clock.set(sample::seconds_after(seconds));
    }

    async fn state(&self, scope: &Scope, asset: AssetId) -> Option<IntentState> {
        self.catalog.find_intent(scope, asset).await.unwrap()
    }
}

/// A store whose digests are proofs.
const CAPABLE: StoreCapabilities = StoreCapabilities {
    enforces_sha256: true,
    keeps_octet_stream: true,
    honours_response_headers: true,
    proves_parts: true,
};

fn size(bytes: u64) -> ByteSize {
    ByteSize::parse(bytes).unwrap()
}

fn unasked() -> MockRawStorageRepository {
    MockRawStorageRepository::new()
}

/// A store that answers this to the reading of an object.
fn reading(outcome: fn() -> Result<HashOutcome, StorageError>) -> MockRawStorageRepository {
    let mut storage = MockRawStorageRepository::new();
    storage.expect_hash().returning(move |_| outcome());
    storage
        .expect_capabilities()
        .return_const(StoreCapabilities {
            enforces_sha256: false,
            ..CAPABLE
        });
    storage
}

/// By who ran it, with its event, and until the end of a new intent; then it can be registered.
#[tokio::test]
async fn an_object_without_an_intent_gets_one() {
    let house = BothSides::new();
    let (known, _) = house.register(1).await;
    let lost = house.lose(2);
    house.set_time(50);
    let report = house.adopt(&unasked()).await.unwrap();
    assert_eq!(report.kinds(), [Kind::Unregistered]);
    assert_eq!(report.summary.counts.adopted, 1);
    assert!(!report.summary.differs());
    assert!(
        report
            .text
            .contains("\nadopted: 1 objects, which can be registered now\n"),
        "{}",
        report.text
    );

    let expected = UploadIntent {
        requested_by: sample::user(),
        requested_at: sample::seconds_after(50),
        ends_at: sample::seconds_after(650),
        ..lost.clone()
    };
    let state = house.state(&lost.scope, lost.asset_id).await;
    assert_eq!(state, Some(IntentState::Pending(expected.clone())));
    let events = house.catalog.events_in(&lost.scope);
    let (user, context) = (sample::user(), sample::context());
    let event = EventBody::presigned(&expected, &user, &context, sample::seconds_after(50));
    assert_eq!(
        events[2..].iter().map(|it| &it.body).collect::<Vec<_>>(),
        [&event]
    );
    let new = sample::new_asset(&expected, Provenance::default());
    let outcome = house.catalog.register(new).await.unwrap();
    assert_eq!(outcome, RegisterOutcome::Registered);

    // once
    house.work_file().remove().unwrap();
    let report = house.adopt(&unasked()).await.unwrap();
    assert_eq!(report.summary.counts.adopted, 0);
    assert_eq!(house.catalog.events_in(&known.scope).len(), 4);
}

/// As of one in parts, or where the store keeps none of any object.
#[tokio::test]
async fn an_object_without_a_digest_is_read() {
    type Change = fn(&mut StoredObject);
    let in_parts: [Change; 2] = [
        |it| it.etag = "3858f62230ac3c915f300c664312c63f-3".to_owned(),
        |it| {
            it.composite = Some(CompositeDigest {
                sha256: Sha256Digest::of(b"of parts"),
                parts: 3,
            });
        },
    ];
    let cases = [(in_parts[0], true), (in_parts[1], true), (|_| {}, false)];
    for (change, is_in_parts) in cases {
        let house = BothSides::new();
        let lost = house.lose(1);
        house.bucket.change(lost.address.key.as_str(), |object| {
            object.sha256 = None;
            change(object);
        });
        let storage = reading(|| Ok(HashOutcome::Hashed(Sha256Digest::of(b"as it was read"))));
        let report = house.adopt(&storage).await.unwrap();
        assert_eq!(report.summary.counts.adopted, 1);
        let state = house.state(&lost.scope, lost.asset_id).await.unwrap();
        let intent = state.intent();
        let sha256 = intent.facts.sha256;
        assert_eq!(sha256, Some(Sha256Digest::of(b"as it was read")));
        let parts = intent.multipart.as_ref().map(|it| it.part_size_bytes);
        assert_eq!(parts, is_in_parts.then(|| size(8)));
    }
}

/// Registration would refuse it.
#[tokio::test]
async fn an_object_that_lacks_its_digest_is_not_adopted() {
    let house = BothSides::new();
    let lost = house.lose(1);
    let key = lost.address.key.as_str();
    house.bucket.change(key, |object| object.sha256 = None);
    let mut storage = MockRawStorageRepository::new();
    storage.expect_capabilities().return_const(CAPABLE);
    let report = house.adopt(&storage).await.unwrap();
    let reason =
        "nothing, and not adopted: it has no digest, which each upload of the service has here";
    assert_eq!(report.differences[0].expected.as_deref(), Some(reason));
}

/// It is reported, with the reason, and the run goes on.
#[tokio::test]
async fn what_is_not_as_an_upload_of_the_service_is_not_adopted() {
    type Change = fn(&mut StoredObject);
    let cases: [(Change, &str); 8] = [
        (
            |it| it.foreign_headers = vec!["content-encoding"],
            "it has headers that no upload of the service has",
        ),
        (|it| it.content_type = None, "its content type is invalid"),
        (
            |it| it.size_bytes = 1001,
            "it is larger than `storage.max_object_bytes`",
        ),
        (
            |it| drop(it.user_metadata.insert("env".to_owned(), "prod".to_owned())),
            "its metadata are not those that its key requires",
        ),
        (
            |it| drop(it.user_metadata.insert("more".to_owned(), "1".to_owned())),
            "its metadata are not those that its key requires",
        ),
        (
            |it| drop(it.user_metadata.remove("asset-id")),
            "its metadata are not those that its key requires",
        ),
        (|it| it.sha256 = None, "it changed while it was read"),
        (
            |it| {
                it.sha256 = None;
                it.etag = "3858f62230ac3c915f300c664312c63f-4".to_owned();
            },
            "it has another number of parts than an upload of the service",
        ),
    ];
    for (change, reason) in cases {
        let house = BothSides::new();
        let [odd, sound] = [1, 2].map(|n| house.lose(n));
        house.bucket.change(odd.address.key.as_str(), change);
        house.bucket.put("tenants/notes.txt", b"a note");
        let storage = reading(|| Ok(HashOutcome::Replaced));
        let report = house.adopt(&storage).await.unwrap();
        assert_eq!(
            report.kinds(),
            [Kind::Foreign, Kind::Foreign, Kind::Unregistered],
            "{reason}"
        );
        assert!(report.summary.differs());
        let expected = |at: usize| report.differences[at].expected.clone().unwrap();
        assert_eq!(
            expected(0),
            "nothing, and not adopted: its key is none of the service's"
        );
        assert_eq!(expected(1), format!("nothing, and not adopted: {reason}"));
        assert_eq!(house.state(&odd.scope, odd.asset_id).await, None);
        assert!(house.state(&sound.scope, sound.asset_id).await.is_some());
    }
}

/// Nobody could reach its asset.
#[tokio::test]
async fn an_object_of_another_environment_is_not_adopted() {
    let house = BothSides::new();
    let scope = sample::scope("t_a", "prod");
    let intent = sample::intent(&scope, sample::asset_id(1));
    house.bucket.upload(&intent, sample::CONTENT);
    let report = house.adopt(&unasked()).await.unwrap();
    assert_eq!(report.kinds(), [Kind::Foreign]);
    let reason = "nothing, and not adopted: its environment is none of the service's";
    assert_eq!(report.differences[0].expected.as_deref(), Some(reason));
    assert_eq!(house.catalog.events_in(&scope), []);
}

/// The name in its key is another one.
#[tokio::test]
async fn an_object_of_a_known_asset_is_not_adopted() {
    let house = BothSides::new();
    let (known, stored) = house.register(1).await;
    let other = known.address.key.as_str().replace("DSCN0010", "other");
    assert_ne!(other, known.address.key.as_str());
    house.bucket.put_object(&other, stored);
    let report = house.adopt(&unasked()).await.unwrap();
    assert_eq!(report.kinds(), [Kind::Foreign]);
    let reason = "nothing, and not adopted: the catalogue knows its asset id";
    assert_eq!(report.differences[0].expected.as_deref(), Some(reason));
    assert_eq!(house.catalog.events_in(&known.scope).len(), 2);
}

/// An archived one, for instance; but a store that does not respond ends the run, which goes on later.
#[tokio::test]
async fn an_object_that_cannot_be_read_is_reported_while_the_store_responds() {
    let house = BothSides::new();
    let lost = house.lose(1);
    let key = lost.address.key.as_str();
    house.bucket.change(key, |object| object.sha256 = None);
    let down = || Err(StorageError::Unavailable("of a test".into()));
    let mut storage = reading(down);
    storage
        .expect_ready()
        .returning(|| Err(StorageError::Unavailable("of a test".into())));
    let error = house.adopt(&storage).await.unwrap_err();
    assert!(matches!(error, ReconcileError::Storage(_)), "{error:?}");

    let mut storage = reading(down);
    storage.expect_ready().returning(|| Ok(()));
    let report = house.adopt(&storage).await.unwrap();
    let reason = "nothing, and not adopted: it cannot be read";
    assert_eq!(report.differences[0].expected.as_deref(), Some(reason));
}

/// By what the bucket says, and not by time alone; without `--adopt` nothing is closed.
#[tokio::test]
async fn an_intent_that_came_to_nothing_is_closed() {
    let house = BothSides::new();
    let scope = sample::scope("t_a", "dev");
    let mut intents = Vec::new();
    for n in 1..=3 {
        let intent = sample::intent(&scope, sample::asset_id(n));
        steps::presign(&*house.catalog, &intent).await;
        intents.push(intent);
    }
    let [empty, late, kept] = intents.try_into().unwrap();
    house.bucket.upload(&late, sample::CONTENT);
    let open = async || {
        let open = house.catalog.intents(&scope, None, 9).await.unwrap();
        open.iter()
            .map(|it| it.intent().asset_id)
            .collect::<Vec<_>>()
    };
    let all = [empty.asset_id, late.asset_id, kept.asset_id];

    // within what clocks may differ
    house
        .clock
        .set(empty.ends_at.saturating_add(Duration::from_secs(299)));
    let report = house.adopt(&unasked()).await.unwrap();
    assert_eq!(report.summary.counts.closed, 0);
    assert_eq!(open().await, all);

    house
        .clock
        .set(empty.ends_at.saturating_add(Duration::from_mins(5)));
    house.work_file().remove().unwrap();
    house.report().await;
    assert_eq!(open().await, all);

    // of one the object arrives after the list
    house.bucket.set_page(1);
    house.bucket.set_manner(ListManner::Cut(1));
    house.bucket.upload(&kept, sample::CONTENT);
    house.work_file().remove().unwrap();
    let report = house.adopt(&unasked()).await.unwrap();
    assert_eq!(report.summary.counts.closed, 1);
    assert!(report.text.contains("\nclosed: 1 intents that had ended"));
    assert_eq!(open().await, [late.asset_id, kept.asset_id]);

    // an object that is there all the same is found
    house.bucket.upload(&empty, sample::CONTENT);
    house.bucket.set_manner(ListManner::Sound);
    house.work_file().remove().unwrap();
    let report = house.report().await;
    assert_eq!(report.kinds(), [Kind::UploadedNeverRegistered; 3]);
}

/// Parts that are there may still be aborted, by the server.
#[tokio::test]
async fn an_intent_of_an_open_upload_is_not_closed() {
    let house = BothSides::new();
    let scope = sample::scope("t_a", "dev");
    let intent = sample::intent_in_parts(&scope, sample::asset_id(1));
    steps::presign(&*house.catalog, &intent).await;
    let begun = BegunUpload {
        scope: scope.clone(),
        asset_id: intent.asset_id,
        instead_of: None,
        upload_id: UploadId::parse("one").unwrap(),
    };
    house.catalog.record_upload(begun).await.unwrap();
    house
        .clock
        .set(intent.ends_at.saturating_add(Duration::from_mins(5)));
    let key = intent.address.key.as_str();
    house.bucket.begin(key, "one");
    let report = house.adopt(&unasked()).await.unwrap();
    assert_eq!(report.summary.counts.closed, 0);

    house.bucket.end(key, "one");
    house.work_file().remove().unwrap();
    let report = house.adopt(&unasked()).await.unwrap();
    assert_eq!(report.summary.counts.closed, 1);
}

/// The digests of its parts are lost with its intent, so the store's composite digest says nothing.
#[tokio::test]
async fn a_record_of_an_adopted_object_in_parts_is_no_difference() {
    let house = BothSides::new();
    let intent = sample::intent_in_parts(&sample::scope("t_a", "dev"), sample::asset_id(1));
    steps::presign(&*house.catalog, &intent).await;
    let stored = house.bucket.upload(&intent, sample::CONTENT);
    house.bucket.change(intent.address.key.as_str(), |it| {
        it.sha256 = None;
        it.composite = Some(CompositeDigest {
            sha256: Sha256Digest::of(b"of parts"),
            parts: 3,
        });
    });
    let integrity = Integrity {
        level: IntegrityLevel::StreamSha256,
        version_id: stored.version_id,
        etag: stored.etag,
        parts: Some(3),
    };
    let new = registration(&intent, integrity);
    house.catalog.register(new).await.unwrap();
    let report = house.report().await;
    assert_eq!(report.kinds(), []);
    assert_eq!(report.summary.counts.without_digest, 1);
}
