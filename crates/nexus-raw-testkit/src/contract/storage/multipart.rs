use std::time::Duration;

use nexus_raw::{
    asset::{
        BucketName, ByteSize, DeclaredPart, MultipartUpload, ObjectAddress, Sha256Digest, UploadId,
        UploadIntent,
    },
    ports::{
        CompletionOutcome, CompositeDigest, HashOutcome, OpenUpload, PartTerms, PartsListing,
        PinnedObject, PresignedUpload, StorageError,
    },
    time::Timestamp,
};

use super::{StorageBench, StorageHarness, TTL, is_refusal, request};
use crate::sample;

/// An upload of a rule in three parts, of which the last is shorter.
struct PartsBench<'a, H> {
    bench: StorageBench<'a, H>,
    intent: UploadIntent,
    content: Vec<u8>,
    parts: Vec<DeclaredPart>,
    upload: OpenUpload,
}

impl<'a, H: StorageHarness> PartsBench<'a, H> {
    async fn begin(harness: &'a H, rule: &'static str) -> Self {
        let bench = StorageBench::open(harness, rule).await;
        let part_bytes = harness.part_bytes();
        let length = 2 * part_bytes + 1;
        let content: Vec<u8> = (0..length).map(|at| (at % 251).to_le_bytes()[0]).collect();
        let mut intent = bench.intent_of(1, sample::facts_of(&content));
        intent.multipart = Some(MultipartUpload {
            part_size_bytes: ByteSize::parse(part_bytes).unwrap(),
            upload_id: None,
        });
        let layout = intent.layout().unwrap();
        let chunks = content.chunks(part_bytes.try_into().unwrap());
        let parts = layout.numbers().zip(chunks).map(|(number, bytes)| {
            let size_bytes = layout.size_of(number).unwrap();
            assert_eq!(size_bytes.get(), u64::try_from(bytes.len()).unwrap());
            DeclaredPart {
                number,
                size_bytes,
                sha256: Sha256Digest::of(bytes),
            }
        });
        let parts: Vec<_> = parts.collect();
        let upload_id = bench.repository.begin_upload(&intent).await.unwrap();
        Self {
            upload: OpenUpload::of(&intent, upload_id),
            bench,
            intent,
            content,
            parts,
        }
    }

    fn terms(&self) -> PartTerms<'_> {
        PartTerms {
            upload: &self.upload,
            now: self.bench.now,
            ttl: TTL,
            not_after: self.intent.ends_at,
        }
    }

    async fn signed(&self) -> Vec<PresignedUpload> {
        let signed = self
            .bench
            .repository
            .presign_parts(self.terms(), &self.parts);
        signed.await.unwrap()
    }

    fn bytes(&self, at: usize) -> &[u8] {
        let part_bytes = self.bench.harness.part_bytes().try_into().unwrap();
        self.content.chunks(part_bytes).nth(at).unwrap()
    }

    async fn put(&self, at: usize) {
        let signed = self.signed().await;
        let status = self.bench.send(request(&signed[at], self.bytes(at))).await;
        assert_eq!(status, 200, "part {}", at + 1);
    }

    async fn put_all(&self) {
        for at in 0..self.parts.len() {
            self.put(at).await;
        }
    }

    async fn complete(&self) -> CompletionOutcome {
        let completed = self.bench.repository.complete(&self.upload, &self.parts);
        completed.await.unwrap()
    }

    /// The numbers of the parts that the store holds, each of the declared length; `None` if it does
    /// not know the upload.
    async fn held(&self, after: u16, limit: u16) -> Option<Vec<u16>> {
        let repository = &self.bench.repository;
        match repository.stored_parts(&self.upload, after, limit).await {
            Ok(PartsListing::UnknownUpload) => None,
            Ok(PartsListing::Parts(stored)) => {
                for part in &stored {
                    let declared = &self.parts[usize::from(part.number.get()) - 1];
                    assert_eq!(part.size_bytes, declared.size_bytes.get());
                    assert!(!part.etag.is_empty() && !part.etag.contains('"'));
                }
                Some(stored.iter().map(|part| part.number.get()).collect())
            }
            Err(error) => panic!("expected: a list\n    came: {error:?}"),
        }
    }

    async fn assert_absent(&self) {
        let stat = self.bench.repository.stat(&self.intent.address).await;
        assert_eq!(stat.unwrap(), None);
    }
}

/// All parts, in any order, are one object, as it was declared.
pub async fn an_upload_in_parts_becomes_one_object(harness: &impl StorageHarness) {
    let it = PartsBench::begin(harness, "an_upload_in_parts_becomes_one_object").await;
    for at in [2, 0, 1] {
        it.put(at).await;
    }
    it.assert_absent().await;
    assert_eq!(it.complete().await, CompletionOutcome::Completed);
    let repository = &it.bench.repository;
    let stored = repository.stat(&it.intent.address).await.unwrap().unwrap();
    assert_eq!(stored.size_bytes, it.intent.facts.size_bytes.get());
    assert_eq!(stored.content_type.as_deref(), Some("image/jpeg"));
    let metadata = it.intent.object_metadata();
    let metadata = metadata.map(|(name, value)| (name.to_owned(), value));
    assert_eq!(stored.user_metadata, metadata.into());
    assert_eq!(stored.foreign_headers, Vec::<&str>::new());
    // a composite digest is never one of the whole
    assert_eq!(stored.sha256, None);
    if repository.capabilities().proves_parts {
        let composite = CompositeDigest {
            sha256: DeclaredPart::composite_sha256(&it.parts),
            parts: 3,
        };
        assert_eq!(stored.composite, Some(composite));
    }
    let object = PinnedObject::of(&it.intent, &stored);
    let hashed = repository.hash(&object).await.unwrap();
    assert_eq!(hashed, HashOutcome::Hashed(Sha256Digest::of(&it.content)));
}

/// The client sends only these.
pub async fn a_part_is_signed_with_its_digest_and_ends_in_time(harness: &impl StorageHarness) {
    let rule = "a_part_is_signed_with_its_digest_and_ends_in_time";
    let it = PartsBench::begin(harness, rule).await;
    for (signed, part) in it.signed().await.iter().zip(&it.parts) {
        assert_eq!(signed.method, "PUT");
        let digest = ("x-amz-checksum-sha256".to_owned(), part.sha256.to_base64());
        assert_eq!(signed.headers, [digest]);
        assert_eq!(signed.expires_at, it.bench.now.saturating_add(TTL));
    }
    let earlier = PartTerms {
        not_after: it.bench.now.saturating_add(Duration::from_secs(7)),
        ..it.terms()
    };
    let signed = it.bench.repository.presign_parts(earlier, &it.parts).await;
    assert_eq!(signed.unwrap()[0].expires_at, earlier.not_after);
    let long_ago = it.bench.now.as_micros() - 120 * 1_000_000;
    let late = PartTerms {
        now: Timestamp::from_micros(long_ago).unwrap(),
        ttl: Duration::from_mins(1),
        ..it.terms()
    };
    let signed = it.bench.repository.presign_parts(late, &it.parts).await;
    let signed = &signed.unwrap()[0];
    assert_eq!(it.bench.send(request(signed, it.bytes(0))).await, 403);
    assert_eq!(it.held(0, 1000).await, Some(vec![]));
}

/// The store behaves as the probe at start reported.
pub async fn other_bytes_of_a_part_are_refused_if_the_store_proves_parts(
    harness: &impl StorageHarness,
) {
    let rule = "other_bytes_of_a_part_are_refused_if_the_store_proves_parts";
    let it = PartsBench::begin(harness, rule).await;
    let signed = it.signed().await;
    let mut other = it.bytes(0).to_vec();
    other[0] ^= 1;
    let status = it.bench.send(request(&signed[0], &other)).await;
    if it.bench.repository.capabilities().proves_parts {
        assert!(is_refusal(status), "{status}");
        assert_eq!(it.held(0, 1000).await, Some(vec![]));
        // the URL is as good as before
        it.put_all().await;
        assert_eq!(it.complete().await, CompletionOutcome::Completed);
    }
}

/// Its length, its digest, and which part of which upload it is.
pub async fn a_changed_upload_of_a_part_is_refused(harness: &impl StorageHarness) {
    let it = PartsBench::begin(harness, "a_changed_upload_of_a_part_is_refused").await;
    let signed = &it.signed().await[0];
    let bytes = it.bytes(0);
    let shorter = request(signed, &bytes[1..]);
    let longer = request(signed, &[bytes, b"!"].concat());
    let mut without = request(signed, bytes);
    without.headers.clear();
    let mut other_digest = request(signed, it.bytes(1));
    other_digest.headers[0].1 = it.parts[1].sha256.to_base64();
    let mut added = request(signed, bytes);
    let header = ("x-amz-meta-note".to_owned(), "mine".to_owned());
    added.headers.push(header);
    let mut other_part = request(signed, bytes);
    other_part.url = signed
        .url
        .expose()
        .replacen("partNumber=1", "partNumber=2", 1);
    if other_part.url == signed.url.expose() {
        // a store other than S3 names the part in its own way
        other_part.url.push('0');
    }
    for changed in [shorter, longer, without, other_digest, added, other_part] {
        let shown = (changed.headers.clone(), changed.body.len());
        let status = it.bench.send(changed).await;
        assert!(is_refusal(status), "{status} to {shown:?}");
        assert_eq!(it.held(0, 1000).await, Some(vec![]), "{shown:?}");
    }
}

/// Ascending, from after a number, and no more than asked for.
pub async fn the_parts_that_are_there_are_listed(harness: &impl StorageHarness) {
    let it = PartsBench::begin(harness, "the_parts_that_are_there_are_listed").await;
    assert_eq!(it.held(0, 1000).await, Some(vec![]));
    for at in [2, 0] {
        it.put(at).await;
    }
    for (after, limit, expected) in [
        (0, 1000, &[1, 3][..]),
        (0, 1, &[1]),
        (1, 1, &[3]),
        (2, 1000, &[3]),
        (3, 1000, &[]),
    ] {
        let held = it.held(after, limit).await;
        assert_eq!(held.as_deref(), Some(expected), "{limit} after {after}");
    }
}

/// Then nothing is completed; and with them, it is.
pub async fn missing_parts_are_named(harness: &impl StorageHarness) {
    let it = PartsBench::begin(harness, "missing_parts_are_named").await;
    it.put(1).await;
    let missing = vec![it.parts[0].number, it.parts[2].number];
    let outcome = it.complete().await;
    assert_eq!(outcome, CompletionOutcome::MissingParts(missing));
    it.assert_absent().await;
    for at in [0, 2] {
        it.put(at).await;
    }
    assert_eq!(it.complete().await, CompletionOutcome::Completed);
}

/// It changes nothing.
pub async fn an_upload_that_was_completed_stays_so(harness: &impl StorageHarness) {
    let it = PartsBench::begin(harness, "an_upload_that_was_completed_stays_so").await;
    it.put_all().await;
    assert_eq!(it.complete().await, CompletionOutcome::Completed);
    let repository = &it.bench.repository;
    let stored = repository.stat(&it.intent.address).await.unwrap();
    assert!(stored.is_some());
    assert_eq!(it.complete().await, CompletionOutcome::Completed);
    assert_eq!(it.held(0, 1000).await, None);
    repository.abort(&it.upload).await.unwrap();
    assert_eq!(it.complete().await, CompletionOutcome::Completed);
    let again = repository.stat(&it.intent.address).await.unwrap();
    assert_eq!(again, stored);
}

/// It is create-once, as an upload by one request is.
pub async fn an_upload_is_not_completed_onto_an_object(harness: &impl StorageHarness) {
    let rule = "an_upload_is_not_completed_onto_an_object";
    let it = PartsBench::begin(harness, rule).await;
    it.put_all().await;
    let first = it.bench.uploaded(&it.intent, &it.content).await;
    assert_eq!(it.complete().await, CompletionOutcome::Completed);
    let repository = &it.bench.repository;
    let stored = repository.stat(&it.intent.address).await.unwrap().unwrap();
    assert_eq!(PinnedObject::of(&it.intent, &stored), first);
    repository.abort(&it.upload).await.unwrap();
}

/// Its parts are gone, and no part is taken any more.
pub async fn an_aborted_upload_is_not_known(harness: &impl StorageHarness) {
    let it = PartsBench::begin(harness, "an_aborted_upload_is_not_known").await;
    it.put_all().await;
    for _ in 0..2 {
        it.bench.repository.abort(&it.upload).await.unwrap();
    }
    assert_eq!(it.complete().await, CompletionOutcome::UnknownUpload);
    assert_eq!(it.held(0, 1000).await, None);
    let signed = &it.signed().await[0];
    let status = it.bench.send(request(signed, it.bytes(0))).await;
    assert!(is_refusal(status), "{status}");
    it.assert_absent().await;
}

/// A bucket that was not probed is not trusted, so nothing is asked of it.
pub async fn an_upload_to_an_unserved_bucket_is_not_touched(harness: &impl StorageHarness) {
    let rule = "an_upload_to_an_unserved_bucket_is_not_touched";
    let bench = StorageBench::open(harness, rule).await;
    let intent = bench.intent(1);
    let intent = UploadIntent {
        address: ObjectAddress {
            bucket: BucketName::parse("somebody-elses-bucket").unwrap(),
            ..intent.address.clone()
        },
        ..intent
    };
    let upload = OpenUpload::of(&intent, UploadId::parse("an-upload").unwrap());
    let terms = PartTerms {
        upload: &upload,
        now: bench.now,
        ttl: TTL,
        not_after: intent.ends_at,
    };
    let repository = &bench.repository;
    let outcomes = [
        repository.begin_upload(&intent).await.err(),
        repository.presign_parts(terms, &[]).await.err(),
        repository.stored_parts(&upload, 0, 1).await.err(),
        repository.complete(&upload, &[]).await.err(),
        repository.abort(&upload).await.err(),
    ];
    for outcome in outcomes {
        assert!(
            matches!(outcome, Some(StorageError::ForeignBucket)),
            "{outcome:?}"
        );
    }
}
