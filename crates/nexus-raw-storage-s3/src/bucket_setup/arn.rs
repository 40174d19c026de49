//! Amazon resource names (AWS General Reference, "Amazon Resource Names").

use nexus_raw::asset::ObjectKey;

use crate::{probe, settings::S3Settings};

/// The partition of regions whose name begins so; all others are in `aws`.
const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
];

/// Returns the partition of a region. Other stores name theirs freely and use that of `aws`.
pub(super) fn partition(region: &str) -> &'static str {
    let named = PARTITIONS
        .into_iter()
        .find(|(start, _)| region.starts_with(start));
    named.map_or("aws", |(_, partition)| partition)
}

/// Returns the name of a bucket.
pub(super) fn bucket(settings: &S3Settings, bucket: &str) -> String {
    format!("arn:{}:s3:::{bucket}", partition(&settings.region))
}

/// Returns the names of all objects that the service writes.
pub(super) fn own_objects(settings: &S3Settings) -> Vec<String> {
    let bucket = bucket(settings, settings.bucket.as_str());
    let under = |prefix| format!("{bucket}/{prefix}*");
    [ObjectKey::ROOT, probe::PREFIX].map(under).into()
}
