//! The supported operations of S3. `s3s` has parsed the request and checked its signature; `access`
//! has checked its headers and parameters.

mod bucket;
mod delete;
mod errors;
mod get;
mod put;
mod stored_headers;
mod upload;

use std::sync::Arc;

use s3s::dto::{
    CreateBucketInput, CreateBucketOutput, DeleteObjectInput, DeleteObjectOutput,
    GetBucketLocationInput, GetBucketLocationOutput, GetObjectInput, GetObjectOutput,
    HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput, PutObjectInput,
    PutObjectOutput,
};
use s3s::{S3, S3Request, S3Response, S3Result};

use tokio::sync::watch;

use crate::misbehaviour::Misbehaviours;
use crate::store::{BucketName, Store, StoreError};
use crate::uploads::Uploads;

/// S3 over one store.
#[derive(Debug, Clone)]
pub(crate) struct StoreService {
    pub(crate) store: Arc<Store>,
    pub(crate) region: String,
    pub(crate) misbehaviours: Misbehaviours,
    pub(crate) uploads: Arc<Uploads>,
    /// Whether a flush to disk has failed.
    pub(crate) medium_failed: watch::Sender<bool>,
}

impl StoreService {
    /// Runs blocking work on the store off the event loop.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> S3Result<T> {
        let store = Arc::clone(&self.store);
        match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(done) => done.map_err(|error| {
                if error.is_of_the_medium() {
                    self.medium_failed.send_replace(true);
                }
                errors::of_store(&error)
            }),
            Err(defect) => Err(errors::internal(&defect)),
        }
    }
}

/// Parses a bucket name, which `s3s` has checked by the same rules.
fn bucket_name(name: &str) -> S3Result<BucketName> {
    BucketName::parse(name).ok_or_else(|| s3s::s3_error!(InvalidBucketName))
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
}
