//! The supported operations of S3. `s3s` has parsed the request and checked its signature; `access`
//! has checked its headers and parameters.

mod bucket;
mod delete;
mod errors;
mod get;
mod list;
mod multipart;
mod put;
mod stored_headers;
mod upload;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CreateBucketInput, CreateBucketOutput,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput,
    GetBucketLocationInput, GetBucketLocationOutput, GetObjectInput, GetObjectOutput,
    HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput,
    ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectVersionsInput,
    ListObjectVersionsOutput, ListPartsInput, ListPartsOutput, PutObjectInput, PutObjectOutput,
    Timestamp, UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

use tokio::sync::{Semaphore, watch};

use crate::misbehaviour::Misbehaviours;
use crate::store::{BucketName, Store};
use crate::uploads::Uploads;
use errors::WorkError;

/// How many completions of multipart uploads copy parts at once; others wait.
pub(crate) const MAX_COMPLETIONS: usize = 4;

/// The maximum number of entries of a list.
const MAX_ENTRIES: i32 = 1000;

/// S3 over one store.
#[derive(Debug, Clone)]
pub(crate) struct StoreService {
    pub(crate) store: Arc<Store>,
    pub(crate) region: String,
    pub(crate) misbehaviours: Misbehaviours,
    pub(crate) uploads: Arc<Uploads>,
    pub(crate) completions: Arc<Semaphore>,
    /// The minimum size of a part, except the last one.
    pub(crate) min_part_bytes: u64,
    /// Whether a flush to disk has failed.
    pub(crate) medium_failed: watch::Sender<bool>,
}

impl StoreService {
    /// Runs blocking work on the store off the event loop.
    async fn blocking<T: Send + 'static, E: Into<WorkError> + Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, E> + Send + 'static,
    ) -> S3Result<T> {
        let store = Arc::clone(&self.store);
        match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(done) => done.map_err(|error| match error.into() {
                WorkError::Refusal(refusal) => refusal,
                WorkError::Store(error) => {
                    if error.is_of_the_medium() {
                        self.medium_failed.send_replace(true);
                    }
                    errors::of_store(&error)
                }
            }),
            Err(defect) => Err(errors::internal(&defect)),
        }
    }
}

/// Parses a bucket name, which `s3s` has checked by the same rules.
fn bucket_name(name: &str) -> S3Result<BucketName> {
    BucketName::parse(name).ok_or_else(|| s3s::s3_error!(InvalidBucketName))
}

/// Returns the size of a page, which is at most 1000.
fn page(name: &str, requested: Option<i32>) -> S3Result<(i32, usize)> {
    let limit = requested.unwrap_or(MAX_ENTRIES).min(MAX_ENTRIES);
    match usize::try_from(limit) {
        Ok(entries) if entries > 0 => Ok((limit, entries)),
        _ => Err(s3_error!(
            InvalidArgument,
            "Argument {name} must be an integer between 1 and 2147483647"
        )),
    }
}

fn length(bytes: u64) -> S3Result<i64> {
    i64::try_from(bytes).map_err(|error| errors::internal(&error))
}

fn timestamp(unix_ms: u64) -> Timestamp {
    Timestamp::from(UNIX_EPOCH + Duration::from_millis(unix_ms))
}

#[async_trait::async_trait]
impl S3 for StoreService {
    async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        bucket::create(self, request).await
    }

    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        bucket::head(self, request).await
    }

    async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        bucket::location(self, request).await
    }

    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        put::put(self, request).await
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        get::get(self, request).await
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        get::head(self, request).await
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        delete::delete(self, request).await
    }

    async fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        list::list_versions(self, request).await
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        multipart::create(self, request).await
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        multipart::upload_part(self, request).await
    }

    async fn list_parts(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        multipart::list_parts(self, request).await
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        multipart::list_uploads(self, request).await
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        multipart::abort(self, request).await
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        multipart::complete(self, request).await
    }
}
