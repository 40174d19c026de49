//! The documents for a bucket and a role; `nexus-raw-server` prints them.

use std::{collections::BTreeSet, time::Duration};

use nexus_raw::ports::RawStorageRepository as _;
use serde_json::{Value, json};

use super::support::{intent, settings, signing_repository, static_credentials, terms};
use crate::{ImportSource, RoleTasks, S3Settings, ServerSideEncryption, lifecycle_configuration};

fn kms(key_id: Option<&str>) -> ServerSideEncryption {
    ServerSideEncryption::Kms {
        key_id: key_id.map(str::to_owned),
    }
}

fn encrypting(server_side_encryption: ServerSideEncryption) -> S3Settings {
    S3Settings {
        server_side_encryption,
        ..settings()
    }
}

fn role_policy(settings: &S3Settings, tasks: &RoleTasks) -> Value {
    serde_json::to_value(settings.role_policy(tasks)).unwrap()
}

fn statement(policy: &Value, sid: &str) -> Option<Value> {
    let statements = policy["Statement"].as_array().unwrap();
    statements.iter().find(|it| it["Sid"] == sid).cloned()
}

/// A page that follows the presigned request needs no header that the rule lacks, and the rule has
/// none that no request needs.
#[tokio::test]
async fn pages_may_send_the_headers_of_signed_uploads_and_no_other_ones() {
    let owned = S3Settings {
        expected_bucket_owner: Some("111122223333".to_owned()),
        ..encrypting(kms(Some("1234abcd")))
    };
    for settings in [settings(), encrypting(ServerSideEncryption::S3), owned] {
        let rule = serde_json::to_value(settings.cors_configuration(&[])).unwrap();
        let allowed = rule["CORSRules"][0]["AllowedHeaders"].as_array().unwrap();
        let allowed: Vec<_> = allowed.iter().map(|it| it.as_str().unwrap()).collect();
        let intent = intent(&settings.bucket, "a.jpg");
        let repository = signing_repository(settings, static_credentials()).await;
        let signed = repository.presign_upload(terms(&intent)).await.unwrap();
        let sent: Vec<_> = signed.headers.iter().map(|(name, _)| &**name).collect();
        assert_eq!(allowed, sent);
        assert_eq!(allowed.iter().collect::<BTreeSet<_>>().len(), allowed.len());
    }
}

#[test]
fn parts_are_kept_for_as_long_as_an_intent_may_need_them() {
    for (intent_ttl, days) in [(1, 2), (86_400, 2), (86_401, 3), (604_800, 8)] {
        let rules = lifecycle_configuration(Duration::from_secs(intent_ttl));
        let rule = |id: &str, prefix: &str| {
            json!({
                "ID": id,
                "Status": "Enabled",
                "Filter": {"Prefix": prefix},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days},
            })
        };
        assert_eq!(
            serde_json::to_value(rules).unwrap(),
            json!({"Rules": [
                rule("AbandonedUploads", "tenants/"),
                rule("AbandonedProbes", "nexus-raw-probe/v1/"),
            ]})
        );
    }
}

#[test]
fn a_role_has_what_its_settings_and_tasks_need() {
    let plain = role_policy(&settings(), &RoleTasks::default());
    let sids = |policy: &Value| -> Vec<String> {
        let statements = policy["Statement"].as_array().unwrap();
        let sid = |it: &Value| it["Sid"].as_str().unwrap().to_owned();
        statements.iter().map(sid).collect()
    };
    assert_eq!(sids(&plain), ["OwnObjects", "OwnBucket"]);
    let versioned = S3Settings {
        require_versioning: true,
        ..settings()
    };
    let all = RoleTasks {
        reconcile: true,
        doctor: true,
        import: Some("s3://archive/2024/".parse().unwrap()),
    };
    let versioned = role_policy(&versioned, &all);
    let expected = [
        "OwnObjects",
        "OwnBucket",
        "Doctor",
        "RequireVersioning",
        "Reconcile",
        "ImportRead",
        "ImportList",
    ];
    assert_eq!(sids(&versioned), expected);
    let text = versioned.to_string();
    assert!(!text.contains("Delete") && !text.contains(":*\""), "{text}");
}

#[test]
fn a_key_is_named_by_its_arn_and_an_alias_is_a_condition() {
    let actions = json!(["kms:GenerateDataKey", "kms:Decrypt"]);
    let arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd";
    for (key_id, resource, alias) in [
        (Some(arn), arn, None),
        (
            Some("1234abcd"),
            "arn:aws:kms:eu-central-1:*:key/1234abcd",
            None,
        ),
        (
            Some("arn:aws:kms:eu-central-1:111122223333:alias/raw"),
            "arn:aws:kms:eu-central-1:111122223333:key/*",
            Some("alias/raw"),
        ),
        (
            Some("alias/raw"),
            "arn:aws:kms:eu-central-1:*:key/*",
            Some("alias/raw"),
        ),
        (
            None,
            "arn:aws:kms:eu-central-1:*:key/*",
            Some("alias/aws/s3"),
        ),
    ] {
        let policy = role_policy(&encrypting(kms(key_id)), &RoleTasks::default());
        let mut expected = json!({
            "Sid": "EncryptionKey",
            "Effect": "Allow",
            "Action": actions,
            "Resource": [resource],
        });
        if let Some(alias) = alias {
            let condition = json!({"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}});
            expected["Condition"] = condition;
        }
        assert_eq!(
            statement(&policy, "EncryptionKey"),
            Some(expected),
            "{key_id:?}"
        );
    }
}

#[test]
fn each_partition_has_its_own_names() {
    for (region, partition) in [
        ("eu-central-1", "aws"),
        ("us-east-1", "aws"),
        ("garage", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eusc-de-east-1", "aws-eusc"),
    ] {
        let settings = S3Settings {
            region: region.to_owned(),
            ..settings()
        };
        let policy = role_policy(&settings, &RoleTasks::default());
        let bucket = statement(&policy, "OwnBucket").unwrap()["Resource"].take();
        assert_eq!(bucket, json!([format!("arn:{partition}:s3:::nexus-raw")]));
    }
}

#[test]
fn the_place_of_an_import_is_a_bucket_and_a_plain_prefix() {
    for (text, bucket, prefix) in [
        ("s3://archive", "archive", ""),
        ("s3://archive/", "archive", ""),
        ("s3://archive/2024/a-b_c.", "archive", "2024/a-b_c."),
    ] {
        let source: ImportSource = text.parse().unwrap();
        assert_eq!(
            (source.bucket().as_str(), source.prefix()),
            (bucket, prefix)
        );
    }
    let too_long = format!("s3://archive/{}", "a".repeat(1025));
    assert!(
        too_long[..too_long.len() - 1]
            .parse::<ImportSource>()
            .is_ok()
    );
    for text in [
        "archive/2024",
        "s3:///2024",
        "s3://A/2024",
        "s3://archive/*",
        "s3://archive/a?",
        "s3://archive/${aws:username}",
        "s3://archive/ä",
        "s3://archive/a b",
        &too_long,
    ] {
        assert!(text.parse::<ImportSource>().is_err(), "{text}");
    }
}

/// A call that nobody has granted fails at a customer's, not here: each must be in this table.
#[test]
fn each_call_of_the_adapter_is_allowed_and_nothing_else() {
    // Amazon S3 API Reference, "Required permissions for Amazon S3 API operations"
    const REFUSED: [&str; 2] = ["delete_object", "put_object"];
    const CALLS: [(&str, &str, &[&str]); 21] = [
        (
            "abort_multipart_upload",
            "OwnObjects",
            &["s3:AbortMultipartUpload"],
        ),
        ("complete_multipart_upload", "OwnObjects", &["s3:PutObject"]),
        ("create_multipart_upload", "OwnObjects", &["s3:PutObject"]),
        (
            "get_bucket_versioning",
            "RequireVersioning",
            &["s3:GetBucketVersioning"],
        ),
        (
            "get_bucket_versioning",
            "Doctor",
            &["s3:GetBucketVersioning"],
        ),
        ("get_bucket_cors", "Doctor", &["s3:GetBucketCORS"]),
        (
            "get_bucket_encryption",
            "Doctor",
            &["s3:GetEncryptionConfiguration"],
        ),
        (
            "get_bucket_lifecycle_configuration",
            "Doctor",
            &["s3:GetLifecycleConfiguration"],
        ),
        ("get_bucket_policy", "Doctor", &["s3:GetBucketPolicy"]),
        (
            "get_object_lock_configuration",
            "Doctor",
            &["s3:GetBucketObjectLockConfiguration"],
        ),
        (
            "get_object",
            "OwnObjects",
            &["s3:GetObject", "s3:GetObjectVersion"],
        ),
        (
            "get_object",
            "ImportRead",
            &["s3:GetObject", "s3:GetObjectVersion"],
        ),
        ("head_bucket", "OwnBucket", &["s3:ListBucket"]),
        ("head_object", "OwnObjects", &["s3:GetObject"]),
        (
            "head_object",
            "ImportRead",
            &["s3:GetObject", "s3:GetObjectVersion"],
        ),
        (
            "list_multipart_uploads",
            "OwnBucket",
            &["s3:ListBucketMultipartUploads"],
        ),
        (
            "list_object_versions",
            "Reconcile",
            &["s3:ListBucketVersions"],
        ),
        (
            "list_object_versions",
            "ImportList",
            &["s3:ListBucketVersions"],
        ),
        ("list_objects_v2", "OwnBucket", &["s3:ListBucket"]),
        ("list_objects_v2", "ImportList", &["s3:ListBucket"]),
        ("list_parts", "OwnObjects", &["s3:ListMultipartUploadParts"]),
    ];
    let called: BTreeSet<String> = calls_in(concat!(env!("CARGO_MANIFEST_DIR"), "/src").as_ref());
    // what the role must not be allowed is tried to see that
    let known = CALLS.iter().map(|(call, ..)| call).chain(&REFUSED);
    let known: BTreeSet<String> = known.map(|call| (*call).to_owned()).collect();
    assert_eq!(called, known);
    let versioned = S3Settings {
        require_versioning: true,
        ..settings()
    };
    let tasks = RoleTasks {
        doctor: true,
        reconcile: true,
        import: Some("s3://archive/2024/".parse().unwrap()),
    };
    let policy = role_policy(&versioned, &tasks);
    for statement in policy["Statement"].as_array().unwrap() {
        let granted = statement["Action"].as_array().unwrap().iter();
        let granted: BTreeSet<&str> = granted.map(|it| it.as_str().unwrap()).collect();
        let of_statement = CALLS.iter().filter(|(_, sid, _)| statement["Sid"] == *sid);
        let needed = of_statement.flat_map(|(_, _, actions)| actions.iter().copied());
        assert_eq!(granted, needed.collect(), "{statement}");
    }
}

/// The operations of the SDK that the sources call: a method without arguments, whose builder names
/// the bucket.
fn calls_in(directory: &std::path::Path) -> BTreeSet<String> {
    let mut calls = BTreeSet::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("tests") || path.ends_with("tests.rs") {
            continue;
        }
        if path.is_dir() {
            calls.extend(calls_in(&path));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for pair in lines.windows(2) {
            if let Some(call) = pair[0]
                .strip_prefix('.')
                .and_then(|it| it.strip_suffix("()"))
                && pair[1].starts_with(".bucket(")
            {
                calls.insert(call.to_owned());
            }
        }
    }
    calls
}
