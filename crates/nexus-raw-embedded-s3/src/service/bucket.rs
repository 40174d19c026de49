//! Buckets: create, HEAD and location.

use s3s::dto::{
    BucketLocationConstraint, CreateBucketInput, CreateBucketOutput, GetBucketLocationInput,
    GetBucketLocationOutput, HeadBucketInput, HeadBucketOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::{StoreService, bucket_name, errors};
use crate::store::{BucketName, StoreError};

pub(super) async fn create(
    service: &StoreService,
    request: S3Request<CreateBucketInput>,
) -> S3Result<S3Response<CreateBucketOutput>> {
    let name = bucket_name(&request.input.bucket)?;
    if let Some(configuration) = request.input.create_bucket_configuration {
        if configuration.bucket.is_some() || configuration.location.is_some() {
            return Err(s3_error!(
                NotImplemented,
                "Of a bucket's configuration only LocationConstraint is implemented"
            ));
        }
        let location = configuration.location_constraint;
        if location.is_some_and(|location| location.as_str() != service.region) {
            return Err(s3_error!(
                IllegalLocationConstraintException,
                "The specified location-constraint is not valid"
            ));
        }
    }
    let location = format!("/{}", name.as_str());
    service
        .blocking(move |store| store.create_bucket(&name))
        .await?;
    Ok(S3Response::new(CreateBucketOutput {
        location: Some(location),
    }))
}

pub(super) async fn head(
    service: &StoreService,
    request: S3Request<HeadBucketInput>,
) -> S3Result<S3Response<HeadBucketOutput>> {
    require(service, bucket_name(&request.input.bucket)?).await?;
    Ok(S3Response::new(HeadBucketOutput {
        bucket_region: Some(service.region.clone()),
        ..Default::default()
    }))
}

pub(super) async fn location(
    service: &StoreService,
    request: S3Request<GetBucketLocationInput>,
) -> S3Result<S3Response<GetBucketLocationOutput>> {
    require(service, bucket_name(&request.input.bucket)?).await?;
    // us-east-1 has no constraint, for historical reasons:
    // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html
    let constraint = (service.region != "us-east-1")
        .then(|| BucketLocationConstraint::from(service.region.clone()));
    Ok(S3Response::new(GetBucketLocationOutput {
        location_constraint: constraint,
    }))
}

/// Returns 404 unless the bucket exists.
pub(super) async fn require(service: &StoreService, bucket: BucketName) -> S3Result<()> {
    let is_there = service
        .blocking(move |store| store.has_bucket(&bucket))
        .await?;
    if is_there {
        Ok(())
    } else {
        Err(errors::of_store(&StoreError::NoSuchBucket))
    }
}
