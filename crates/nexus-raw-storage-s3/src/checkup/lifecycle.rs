//! The lifecycle rules of the bucket: they abort abandoned uploads in parts, and touch nothing that
//! is registered.

use std::time::Duration;

use aws_sdk_s3::types::{ExpirationStatus, LifecycleRule, TransitionStorageClass};
use nexus_raw::{asset::ObjectKey, checkup::Examined};

use super::{Configured, applied, configured, unreadable};
use crate::{bucket_setup::abort_days, failure::RequestFailure, store::Store};

const CHECK: &str = "bucket.lifecycle";

pub(super) async fn examine(store: &Store, intent_ttl: Duration) -> Vec<Examined> {
    let request = store
        .client
        .get_bucket_lifecycle_configuration()
        .bucket(store.bucket().as_str())
        .set_expected_bucket_owner(store.settings.expected_bucket_owner.clone());
    let answer = request.send().await;
    let answer =
        answer.map_err(|error| RequestFailure::sdk("GetBucketLifecycleConfiguration", &error));
    let rules = match configured(answer, "NoSuchLifecycleConfiguration") {
        Err(failure) => {
            return vec![unreadable(CHECK, &failure, "s3:GetLifecycleConfiguration")];
        }
        Ok(Configured::Unsupported) => {
            return vec![Examined::note(
                CHECK,
                "not supported by this store: parts of uploads that the service does not know stay",
            )];
        }
        Ok(Configured::Absent) => Vec::new(),
        Ok(Configured::As(found)) => found.rules.unwrap_or_default(),
    };
    let needed = i32::try_from(abort_days(intent_ttl)).unwrap_or(i32::MAX);
    let ours = rules.iter().filter(|rule| touches_ours(rule));
    let mut all: Vec<_> = ours.flat_map(|rule| harm(rule, needed)).collect();
    if !rules
        .iter()
        .any(|rule| covers_ours(rule) && days(rule).is_some())
    {
        all.push(Examined::fault(
            CHECK,
            "no rule aborts abandoned uploads in parts, whose parts cost as objects do",
            applied(
                store,
                "lifecycle",
                "put-bucket-lifecycle-configuration",
                "--lifecycle-configuration",
            ),
        ));
    }
    if all.is_empty() {
        let found = format!("abandoned uploads in parts are aborted after {needed} days or more");
        all.push(Examined::sound(CHECK, found));
    }
    all
}

/// The prefix of the keys to which a rule applies; rules without one apply to all.
fn prefix(rule: &LifecycleRule) -> &str {
    let filter = rule.filter.as_ref();
    let of_filter = filter.and_then(|it| {
        let all_of = it.and.as_ref().and_then(|it| it.prefix.as_deref());
        it.prefix.as_deref().or(all_of)
    });
    #[expect(deprecated, reason = "rules that were written long ago have it")]
    let of_rule = rule.prefix.as_deref();
    of_filter.or(of_rule).unwrap_or_default()
}

/// Returns whether it applies to any object of the service.
fn touches_ours(rule: &LifecycleRule) -> bool {
    let prefix = prefix(rule);
    let meets = prefix.starts_with(ObjectKey::ROOT) || ObjectKey::ROOT.starts_with(prefix);
    rule.status == ExpirationStatus::Enabled && meets
}

/// Returns whether it applies to all of them.
fn covers_ours(rule: &LifecycleRule) -> bool {
    rule.status == ExpirationStatus::Enabled && ObjectKey::ROOT.starts_with(prefix(rule))
}

fn days(rule: &LifecycleRule) -> Option<i32> {
    let abort = rule.abort_incomplete_multipart_upload.as_ref();
    abort.and_then(|it| it.days_after_initiation)
}

/// What a rule that applies to the service's objects does to them.
fn harm(rule: &LifecycleRule, needed: i32) -> Vec<Examined> {
    let name = rule.id.as_deref().unwrap_or("(without a name)");
    let name = name.escape_debug();
    let mut all = Vec::new();
    let mut fault = |found: String, mend: String| all.push(Examined::fault(CHECK, found, mend));
    let narrow = || format!("remove that from rule {name}, or narrow its prefix");
    let expires = rule.expiration.as_ref();
    if expires.is_some_and(|it| it.days.is_some() || it.date.is_some()) {
        fault(format!("rule {name} deletes registered objects"), narrow());
    }
    if rule.noncurrent_version_expiration.is_some() {
        fault(
            format!("rule {name} deletes versions that records name, once something covers them"),
            narrow(),
        );
    }
    let offline = |class: &TransitionStorageClass| {
        matches!(
            class,
            TransitionStorageClass::Glacier | TransitionStorageClass::DeepArchive
        )
    };
    let mut moved = rule.transitions.iter().flatten();
    if moved.any(|it| it.storage_class.as_ref().is_some_and(offline)) {
        fault(
            format!("rule {name} moves registered objects where they cannot be read at once"),
            narrow(),
        );
    }
    if let Some(days) = days(rule).filter(|days| *days < needed) {
        fault(
            format!(
                "rule {name} aborts uploads after {days} days, and an intent may need {needed}"
            ),
            format!("set DaysAfterInitiation of rule {name} to {needed}"),
        );
    }
    all
}
