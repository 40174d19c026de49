//! The contract of [`RawStorageRepository`] and its store.
//!
//! A store other than S3 passes too, if an upload looks as it does on S3:
//!
//! - The query of the URL has `X-Amz-Expires` in whole seconds (neither its first nor its last
//!   parameter), `X-Amz-SignedHeaders` (sorted names, with `host` and `content-length`, joined by
//!   `%3B`) and, at its end, `X-Amz-Signature` (64 hexadecimal digits). The algorithm is up to the
//!   store. The path has the asset id unescaped.
//! - The statuses are 200 for an upload, 403 after the end of the URL, 412 for a second write to a key
//!   (or 409 while the first is running), and 4xx or 501 for any other refusal.
//! - An unsigned `content-disposition`, `content-encoding` or `content-language` is refused, or
//!   stored and named in `foreign_headers`.

mod downloading;
mod hashing;
mod looking;
mod multipart;
mod signing;
mod uploading;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use nexus_raw::{
    asset::{ContentFacts, ObjectAddress, ObjectKey, Sha256Digest, UploadIntent},
    ports::{PinnedObject, PresignedUpload, RawStorageRepository, UploadTerms},
    time::Timestamp,
};

pub use self::{downloading::*, hashing::*, looking::*, multipart::*, signing::*, uploading::*};
use crate::{HttpRequest, s3::Answer, sample};

/// The harness of an implementation and its store.
#[async_trait]
pub trait StorageHarness: Send + Sync {
    /// Returns the repository on a running store. Rules may share one bucket, also concurrently, as
    /// each uses its own keys. No object with such a key may exist yet.
    async fn open(&self) -> Arc<dyn RawStorageRepository>;

    /// Returns the store's time.
    fn now(&self) -> Timestamp;

    /// Sends the request unchanged, with only `host` and `content-length` added (also for an empty
    /// body), and returns the status of the response. Follows no redirect and uses no proxy.
    async fn send(&self, request: HttpRequest) -> u16;

    /// Returns the size of parts, which the store takes also where they are not the last.
    fn part_bytes(&self) -> u64 {
        64 * 1024
    }

    /// Sends a GET of the URL as it is, adding `host` alone; follows no redirect and uses no
    /// proxy.
    async fn get(&self, url: &str) -> Answer;
}

/// Runs the contract suite of `RawStorageRepository` and its store. Takes an expression that
/// returns a new [`StorageHarness`](crate::contract::storage::StorageHarness).
#[macro_export]
macro_rules! storage_contract {
    ($harness:expr) => {
        $crate::contract_tests!(
            storage,
            $harness,
            [
                the_promised_bytes_are_stored_once,
                one_of_many_racing_uploads_to_a_key_is_stored,
                other_bytes_are_refused_if_and_only_if_the_store_is_said_to_check,
                another_length_is_refused,
                another_media_type_is_refused,
                other_metadata_is_refused,
                a_removed_header_is_refused,
                an_added_amz_header_is_refused,
                an_added_content_header_is_refused_or_reported,
                headers_that_browsers_add_are_accepted_and_not_reported,
                another_method_is_refused,
                another_key_is_refused,
                a_changed_query_is_refused,
                a_url_is_refused_after_its_end,
                a_refused_upload_does_not_use_up_the_url,
                odd_names_and_media_types_are_uploaded_and_found,
                an_empty_object_is_stored_once_and_hashed,
                the_headers_are_the_signed_ones_in_order,
                the_url_lists_the_signed_headers,
                an_upload_ends_with_its_time_to_live_or_its_intent,
                a_signed_url_is_not_printed,
                an_absent_object_is_none,
                a_stored_object_is_reported_as_uploaded,
                an_object_in_an_unserved_bucket_is_not_looked_up,
                an_object_hashes_to_the_digest_of_its_bytes,
                an_object_of_many_pieces_hashes_to_the_digest_of_its_bytes,
                an_object_with_another_entity_tag_is_reported_as_replaced,
                an_absent_object_is_reported_as_gone,
                an_object_in_an_unserved_bucket_is_not_hashed,
                a_download_has_the_bytes_and_the_name_and_type_of_the_record,
                a_download_of_a_changed_url_is_refused,
                a_download_is_refused_after_its_end,
                a_download_ends_with_its_time_to_live_or_earlier,
                a_download_from_a_bucket_that_is_not_served_is_not_signed,
                a_running_store_is_ready,
            ]
        );
    };
}

/// Runs the contract suite of uploads in parts, for a store that takes them. Takes an expression that
/// returns a new [`StorageHarness`](crate::contract::storage::StorageHarness).
#[macro_export]
macro_rules! storage_parts_contract {
    ($harness:expr) => {
        $crate::contract_tests!(
            storage,
            $harness,
            [
                an_upload_in_parts_becomes_one_object,
                a_part_is_signed_with_its_digest_and_ends_in_time,
                other_bytes_of_a_part_are_refused_if_the_store_proves_parts,
                a_changed_upload_of_a_part_is_refused,
                the_parts_that_are_there_are_listed,
                missing_parts_are_named,
                an_upload_that_was_completed_stays_so,
                an_upload_is_not_completed_onto_an_object,
                an_aborted_upload_is_not_known,
                an_upload_to_an_unserved_bucket_is_not_touched,
            ]
        );
    };
}

/// The lifetime of URLs in rules that do not depend on it.
const TTL: Duration = Duration::from_mins(10);

/// A harness with its repository, and the intents of one rule.
struct StorageBench<'a, H> {
    harness: &'a H,
    repository: Arc<dyn RawStorageRepository>,
    /// In whole seconds, as in signatures.
    now: Timestamp,
    rule: &'static str,
}

impl<'a, H: StorageHarness> StorageBench<'a, H> {
    async fn open(harness: &'a H, rule: &'static str) -> Self {
        let now = harness.now().as_unix_seconds() * 1_000_000;
        Self {
            harness,
            repository: harness.open().await,
            now: Timestamp::from_micros(now).unwrap(),
            rule,
        }
    }

    /// Returns the `number`th intent of the rule.
    fn intent(&self, number: u8) -> UploadIntent {
        self.intent_of(number, sample::facts())
    }

    /// Returns the `number`th intent of the rule, with this content.
    fn intent_of(&self, number: u8, facts: ContentFacts) -> UploadIntent {
        // rules that share a bucket must not use the same key
        let digest = Sha256Digest::of(format!("{} {number}", self.rule).as_bytes());
        let head = digest.as_bytes().first_chunk().unwrap();
        let id = sample::asset_id(u64::from_be_bytes(*head));
        let scope = sample::scope("t_a", "dev");
        let key = ObjectKey::for_asset(&scope, id, &facts.filename);
        UploadIntent {
            address: ObjectAddress {
                bucket: self.repository.bucket().clone(),
                key,
            },
            requested_at: self.now,
            ends_at: self.now.saturating_add(Duration::from_hours(24)),
            ..sample::intent_of(&scope, id, facts)
        }
    }

    async fn presign(&self, intent: &UploadIntent) -> PresignedUpload {
        self.presign_at(intent, self.now, TTL).await
    }

    async fn presign_at(
        &self,
        intent: &UploadIntent,
        now: Timestamp,
        ttl: Duration,
    ) -> PresignedUpload {
        let terms = UploadTerms {
            intent,
            sha256: intent.facts.sha256.unwrap(),
            now,
            ttl,
        };
        self.repository.presign_upload(terms).await.unwrap()
    }

    /// Uploads `content` as promised and returns the stored object.
    async fn uploaded(&self, intent: &UploadIntent, content: &[u8]) -> PinnedObject {
        let upload = self.presign(intent).await;
        assert_eq!(self.send(request(&upload, content)).await, 200);
        let found = self.repository.stat(&intent.address).await.unwrap();
        PinnedObject::of(intent, &found.unwrap())
    }

    async fn send(&self, request: HttpRequest) -> u16 {
        self.harness.send(request).await
    }

    /// Sends an upload that must be refused, and asserts that it stored nothing.
    async fn assert_refused(&self, request: HttpRequest, intent: &UploadIntent) {
        let shown = (request.method.clone(), request.headers.clone());
        let status = self.send(request).await;
        assert!(is_refusal(status), "{status} to {shown:?}");
        let stored = self.repository.stat(&intent.address).await.unwrap();
        assert_eq!(stored, None, "after {status} to {shown:?}");
    }
}

/// Returns whether a status is a refusal, or 501.
fn is_refusal(status: u16) -> bool {
    (400..500).contains(&status) || status == 501
}

/// Returns the request that `upload` was signed for.
fn request(upload: &PresignedUpload, body: &[u8]) -> HttpRequest {
    HttpRequest {
        method: upload.method.to_owned(),
        url: upload.url.expose().to_owned(),
        headers: upload.headers.clone(),
        body: body.to_vec(),
    }
}
