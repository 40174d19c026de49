use std::time::Duration;

use nexus_raw::asset::ObjectKey;
use serde::Serialize;

use crate::probe;

const DAY: Duration = Duration::from_hours(24);

/// The lifecycle rules of a bucket (Amazon S3 API Reference, `PutBucketLifecycleConfiguration`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LifecycleConfiguration {
    rules: [LifecycleRule; 2],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct LifecycleRule {
    #[serde(rename = "ID")]
    id: &'static str,
    status: &'static str,
    filter: LifecycleFilter,
    abort_incomplete_multipart_upload: AbortAfter,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct LifecycleFilter {
    prefix: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AbortAfter {
    days_after_initiation: u64,
}

/// Returns the number of days after which no intent can need an upload in parts.
///
/// An upload begins within the life of its intent, so it may be needed for `intent_ttl`; a day more
/// is for a completion that takes long.
pub(crate) fn abort_days(intent_ttl: Duration) -> u64 {
    intent_ttl.as_secs().div_ceil(DAY.as_secs()) + 1
}

/// Returns rules that abort uploads in parts once no intent can need them, and delete no object.
#[must_use]
pub fn lifecycle_configuration(intent_ttl: Duration) -> LifecycleConfiguration {
    let days = abort_days(intent_ttl);
    let rule = |id, prefix| LifecycleRule {
        id,
        status: "Enabled",
        filter: LifecycleFilter { prefix },
        abort_incomplete_multipart_upload: AbortAfter {
            days_after_initiation: days,
        },
    };
    LifecycleConfiguration {
        rules: [
            rule("AbandonedUploads", ObjectKey::ROOT),
            rule("AbandonedProbes", probe::PREFIX),
        ],
    }
}
