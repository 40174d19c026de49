//! Versioning and Object Lock.

use aws_sdk_s3::types::{BucketVersioningStatus, ObjectLockEnabled};
use nexus_raw::checkup::Examined;

use super::{Configured, configured, unreadable};
use crate::{failure::RequestFailure, store::Store};

pub(super) async fn versioning(store: &Store) -> Examined {
    const CHECK: &str = "bucket.versioning";
    let request = store
        .client
        .get_bucket_versioning()
        .bucket(store.bucket().as_str())
        .set_expected_bucket_owner(store.settings.expected_bucket_owner.clone());
    let answer = request.send().await;
    let answer = answer.map_err(|error| RequestFailure::sdk("GetBucketVersioning", &error));
    let status = match configured(answer, "") {
        Err(failure) => return unreadable(CHECK, &failure, "s3:GetBucketVersioning"),
        Ok(Configured::As(versioning)) => versioning.status,
        Ok(Configured::Absent | Configured::Unsupported) => None,
    };
    let bucket = store.bucket();
    let mend = format!(
        "`aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled`"
    );
    match status {
        Some(BucketVersioningStatus::Enabled) => Examined::sound(CHECK, "enabled"),
        Some(_) => Examined::fault(
            CHECK,
            "suspended: records of before name versions that a deletion now removes for good",
            mend,
        ),
        // the probe has said what is wrong where it is required
        None if store.settings.require_versioning => {
            Examined::fault(CHECK, "off, and storage.require_versioning is on", mend)
        }
        None => Examined::note(
            CHECK,
            "off: whoever may delete an object removes it for good",
        ),
    }
}

pub(super) async fn object_lock(store: &Store) -> Examined {
    const CHECK: &str = "bucket.object_lock";
    let request = store
        .client
        .get_object_lock_configuration()
        .bucket(store.bucket().as_str())
        .set_expected_bucket_owner(store.settings.expected_bucket_owner.clone());
    let answer = request.send().await;
    let answer = answer.map_err(|error| RequestFailure::sdk("GetObjectLockConfiguration", &error));
    match configured(answer, "ObjectLockConfigurationNotFoundError") {
        Err(failure) => unreadable(CHECK, &failure, "s3:GetBucketObjectLockConfiguration"),
        Ok(Configured::Unsupported) => Examined::note(CHECK, "not supported by this store"),
        Ok(Configured::Absent) => Examined::note(CHECK, "off"),
        Ok(Configured::As(found)) => {
            let lock = found.object_lock_configuration;
            let enabled = lock.as_ref().and_then(|it| it.object_lock_enabled.as_ref());
            if enabled != Some(&ObjectLockEnabled::Enabled) {
                return Examined::note(CHECK, "off");
            }
            let rule = lock
                .and_then(|it| it.rule)
                .and_then(|it| it.default_retention);
            match rule {
                None => Examined::sound(CHECK, "on, without a default retention"),
                Some(rule) => {
                    let mode = rule.mode.as_ref().map_or("no mode", |it| it.as_str());
                    let days = rule.days.map(|days| format!("{days} days"));
                    let years = rule.years.map(|years| format!("{years} years"));
                    let term = days.or(years).unwrap_or_else(|| "no term".to_owned());
                    Examined::note(
                        CHECK,
                        format!(
                            "on, each object is kept for {term} ({mode}): until then nothing can be erased"
                        ),
                    )
                }
            }
        }
    }
}
