//! What is found of buckets and roles: nothing in sound ones, and each planted fault.

use std::time::Duration;

use aws_credential_types::Credentials;
use nexus_raw::checkup::CheckVerdict;
use serde_json::json;

use super::{
    fit_store::{fit_but_for, versioning},
    scripted::{Answer, Scripted, Seen},
    sound_bucket::{
        PAGE, asked, cors, encryption, examined, examined_as, expected, lifecycle, policy, sound,
        to_do, xml,
    },
    support::{ACCESS_KEY, SECRET_KEY, now, settings, static_credentials, store_on},
};
use crate::{
    ExpectedBucket, S3Settings, ServerSideEncryption, connect::UnprobedS3, deadlines::Deadlines,
};

#[tokio::test]
async fn of_a_sound_bucket_nothing_has_to_be_done() {
    let all = examined(|_| None).await;
    assert_eq!(to_do(&all), []);
    let checks: Vec<_> = all.iter().map(|it| it.check).collect();
    for check in [
        "bucket.probe",
        "bucket.versioning",
        "bucket.object_lock",
        "bucket.encryption",
        "bucket.lifecycle",
        "bucket.cors",
        "bucket.policy",
        "role.list_uploads",
        "role.delete",
        "role.write_elsewhere",
        "clock",
        "credentials",
    ] {
        assert!(checks.contains(&check), "{check}: {checks:?}");
    }
}

#[tokio::test]
async fn each_planted_fault_is_found_alone_and_says_what_to_do() {
    let plain = |name: &'static str, answer: Answer| {
        move |seen: &Seen| (asked(seen) == Some(name)).then(|| answer.clone())
    };
    let public = json!({"Sid": "Own", "Effect": "Allow", "Principal": {"AWS": ["*"]},
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::nexus-raw/*"});
    let planted = [
        (
            "versioning",
            versioning("<Status>Suspended</Status>"),
            "bucket.versioning",
            "suspended: records of before name versions that a deletion now removes for good",
            "put-bucket-versioning",
        ),
        (
            "encryption",
            encryption("aws:kms", "<KMSMasterKeyID>k1</KMSMasterKeyID>"),
            "bucket.encryption",
            "the bucket encrypts by aws:kms with k1, and storage.sse is none: the role that `iam-policy` prints cannot use the key",
            "storage.sse_kms_key_id = \"k1\"",
        ),
        (
            "lifecycle",
            Answer::error(404, "NoSuchLifecycleConfiguration"),
            "bucket.lifecycle",
            "no rule aborts abandoned uploads in parts, whose parts cost as objects do",
            "put-bucket-lifecycle-configuration",
        ),
        (
            "lifecycle",
            lifecycle("tenants/t_a/", "<Expiration><Days>30</Days></Expiration>"),
            "bucket.lifecycle",
            "rule planted deletes registered objects",
            "rule planted",
        ),
        (
            "lifecycle",
            lifecycle(
                "",
                "<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration>",
            ),
            "bucket.lifecycle",
            "rule planted deletes versions that records name, once something covers them",
            "rule planted",
        ),
        (
            "lifecycle",
            lifecycle(
                "tenants/",
                "<Transition><Days>90</Days><StorageClass>DEEP_ARCHIVE</StorageClass></Transition>",
            ),
            "bucket.lifecycle",
            "rule planted moves registered objects where they cannot be read at once",
            "rule planted",
        ),
        (
            "lifecycle",
            lifecycle(
                "ten",
                "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>",
            ),
            "bucket.lifecycle",
            "rule planted aborts uploads after 1 days, and an intent may need 2",
            "DaysAfterInitiation of rule planted to 2",
        ),
        (
            "cors",
            Answer::error(404, "NoSuchCORSConfiguration"),
            "bucket.cors",
            "browsers are refused: GET from https://app.example, PUT from https://app.example",
            "put-bucket-cors",
        ),
        (
            "cors",
            cors(PAGE, &["GET", "PUT"], &["content-type"], "ETag"),
            "bucket.cors",
            "browsers are refused: PUT from https://app.example",
            "put-bucket-cors",
        ),
        (
            "cors",
            cors(PAGE, &["GET", "PUT"], &["*"], "x-amz-request-id"),
            "bucket.cors",
            "browsers are refused: PUT from https://app.example",
            "put-bucket-cors",
        ),
        (
            "policy",
            Answer::error(404, "NoSuchBucketPolicy"),
            "bucket.policy",
            "lacks what refuses to everybody: OnlyOverTls, OnlyCreateOnce, OnlyOwnKeys, NoDeletion",
            "put-bucket-policy",
        ),
        (
            "policy",
            policy(|all| all.retain(|it| it["Sid"] != "OnlyCreateOnce")),
            "bucket.policy",
            "lacks what refuses to everybody: OnlyCreateOnce",
            "statements of your own",
        ),
        (
            "policy",
            policy(|all| all[1]["Condition"]["Null"]["s3:if-none-match"] = json!("false")),
            "bucket.policy",
            "lacks what refuses to everybody: OnlyCreateOnce",
            "put-bucket-policy",
        ),
        (
            "policy",
            policy(move |all| all.push(public)),
            "bucket.policy",
            "allows s3:getobject to everybody",
            "remove the statement \"Own\"",
        ),
        (
            "uploads",
            Answer::error(403, "AccessDenied"),
            "role.list_uploads",
            "ListMultipartUploads returned status 403 AccessDenied",
            "s3:ListBucketMultipartUploads",
        ),
    ];
    for (name, answer, check, found, mend) in planted {
        let all = examined(plain(name, answer)).await;
        assert_eq!(to_do(&all), [(check, CheckVerdict::Fault, found)]);
        let fault = all
            .iter()
            .find(|it| it.verdict == CheckVerdict::Fault)
            .unwrap();
        let said = fault.mend.as_deref().unwrap();
        assert!(said.contains(mend), "{said}");
    }
}

/// The same rules, as other tools write them.
#[tokio::test]
async fn a_policy_may_be_written_otherwise() {
    let all = examined(|seen| {
        (asked(seen) == Some("policy")).then(|| {
            policy(|all| {
                for it in all.iter_mut() {
                    it["Principal"] = json!({"AWS": "*"});
                    it["Sid"] = json!("");
                }
                let create_once = &mut all[1];
                create_once["Action"] = json!("S3:PutObject");
                create_once["Condition"] = json!({
                    "bool": {"S3:ObjectCreationOperation": [true]},
                    "Null": {"s3:If-None-Match": ["true"]},
                });
                all.push(
                    json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                    "Resource": "*", "Condition": {"StringEquals": {"aws:SourceVpce": "v"}}}),
                );
            })
        })
    })
    .await;
    assert_eq!(to_do(&all), []);
}

#[tokio::test]
async fn a_role_that_may_more_than_it_needs_is_a_fault() {
    let all = examined(|seen| {
        let deletes = seen.method == "DELETE" && seen.query.contains("versionId");
        let elsewhere = seen.path.starts_with("/nexus-raw-doctor/");
        (deletes || elsewhere).then(|| Answer::error(400, "InvalidArgument"))
    })
    .await;
    assert_eq!(
        to_do(&all),
        [
            (
                "role.delete",
                CheckVerdict::Fault,
                "the role may delete objects"
            ),
            (
                "role.write_elsewhere",
                CheckVerdict::Fault,
                "the role may write outside the service's keys"
            ),
        ]
    );
    let one_user = ExpectedBucket {
        has_roles: false,
        ..expected()
    };
    let all = examined_as(settings(), static_credentials(), one_user, |_| None).await;
    assert!(!all.iter().any(|it| it.check.starts_with("role.")));
}

/// What is never sent: a deletion of something that is there, or a write that could succeed.
#[tokio::test]
async fn examining_changes_nothing_but_what_the_probe_does() {
    let scripted = Scripted::saying(fit_but_for(|seen| sound(seen).map(Some)));
    let connector = scripted.connector();
    let store = store_on(
        settings(),
        static_credentials(),
        connector,
        Deadlines::default(),
    )
    .await;
    Box::pin(UnprobedS3::on(store).examine(&expected())).await;
    for seen in scripted.seen() {
        let is_of_probe = seen.path.starts_with("/nexus-raw-probe/v1/");
        match seen.method.as_str() {
            "GET" | "HEAD" => {}
            "DELETE" if seen.query.contains("versionId") => {
                assert_eq!(seen.path, "/nexus-raw-probe/v1/absent");
                assert!(seen.query.contains("nexus-raw-doctor-no-version"));
            }
            _ if is_of_probe => {}
            "PUT" => {
                assert_eq!(seen.header("if-none-match"), Some("*"));
                let digest = nexus_raw::asset::Sha256Digest::of(seen.body.as_bytes());
                let stated = seen.header("x-amz-checksum-sha256");
                assert_ne!(stated, Some(&*digest.to_base64()));
            }
            _ => panic!("{seen:?}"),
        }
    }
}

/// What it might keep is not sent to a store.
#[tokio::test]
async fn a_store_that_does_not_compare_digests_is_sent_no_write_elsewhere() {
    let scripted = Scripted::saying(fit_but_for(|seen| {
        let accepts = seen.method == "PUT" && seen.path.ends_with("/other-bytes");
        let accepted = accepts.then(|| Answer::status(200).with("etag", "\"e\""));
        accepted.or_else(|| sound(seen)).map(Some)
    }));
    let connector = scripted.connector();
    let deadlines = Deadlines::default();
    let store = store_on(settings(), static_credentials(), connector, deadlines).await;
    let all = Box::pin(UnprobedS3::on(store).examine(&expected())).await;
    assert_eq!(to_do(&all), []);
    let seen = scripted.seen();
    assert!(
        !seen
            .iter()
            .any(|it| it.path.starts_with("/nexus-raw-doctor/"))
    );
    let note = all.iter().find(|it| it.check == "role.write_elsewhere");
    assert_eq!(note.unwrap().verdict, CheckVerdict::Note);
}

/// A bucket that is not there is said once.
#[tokio::test]
async fn of_an_absent_bucket_nothing_else_is_examined() {
    let all = examined(|seen| {
        let of_bucket = seen.method == "HEAD" && seen.path == "/";
        of_bucket.then(|| Answer::status(404))
    })
    .await;
    let [absent] = &all[..] else {
        panic!("{all:?}");
    };
    assert_eq!(absent.verdict, CheckVerdict::Fault);
    assert_eq!(
        absent.mend.as_deref(),
        Some("create it, or set storage.bucket")
    );
}

#[tokio::test]
async fn what_may_not_be_read_is_unknown_and_names_the_right() {
    for (name, check, right) in [
        ("versioning", "bucket.versioning", "s3:GetBucketVersioning"),
        (
            "object-lock",
            "bucket.object_lock",
            "s3:GetBucketObjectLockConfiguration",
        ),
        (
            "encryption",
            "bucket.encryption",
            "s3:GetEncryptionConfiguration",
        ),
        (
            "lifecycle",
            "bucket.lifecycle",
            "s3:GetLifecycleConfiguration",
        ),
        ("cors", "bucket.cors", "s3:GetBucketCORS"),
        ("policy", "bucket.policy", "s3:GetBucketPolicy"),
    ] {
        let all = examined(move |seen| {
            (asked(seen) == Some(name)).then(|| Answer::error(403, "AccessDenied"))
        })
        .await;
        let asks: Vec<_> = all
            .iter()
            .filter(|it| it.verdict.asks_for_action())
            .collect();
        let [unknown] = asks[..] else {
            panic!("{asks:?}");
        };
        assert_eq!(
            (unknown.check, unknown.verdict),
            (check, CheckVerdict::Unknown)
        );
        assert!(
            unknown.mend.as_deref().unwrap().contains(right),
            "{unknown:?}"
        );
        // the printed permissions have it
        let tasks = crate::RoleTasks {
            doctor: true,
            ..Default::default()
        };
        let printed = serde_json::to_string(&settings().role_policy(&tasks)).unwrap();
        assert!(printed.contains(right), "{right}");
    }
}

#[tokio::test]
async fn what_a_store_does_not_have_is_a_note() {
    let all = examined(|seen| {
        let name = asked(seen)?;
        (name != "versioning" && name != "uploads").then(|| Answer::error(501, "NotImplemented"))
    })
    .await;
    assert_eq!(to_do(&all), []);
    let notes = all.iter().filter(|it| it.verdict == CheckVerdict::Note);
    let notes: Vec<_> = notes.map(|it| it.check).collect();
    for check in [
        "bucket.object_lock",
        "bucket.encryption",
        "bucket.lifecycle",
        "bucket.cors",
        "bucket.policy",
    ] {
        assert!(notes.contains(&check), "{check}: {notes:?}");
    }
}

#[tokio::test]
async fn pages_that_the_service_does_not_know_are_a_note() {
    let open = |seen: &Seen| {
        (asked(seen) == Some("cors")).then(|| cors("*", &["GET", "PUT"], &["*"], "ETag"))
    };
    let all = examined(open).await;
    assert_eq!(to_do(&all), []);
    let note = all
        .iter()
        .find(|it| it.verdict == CheckVerdict::Note && it.check == "bucket.cors");
    assert!(
        note.unwrap().found.starts_with("pages of * may"),
        "{note:?}"
    );
}

#[tokio::test]
async fn a_clock_that_is_off_and_credentials_that_end_are_faults() {
    for (date, found) in [
        ("Tue, 24 Nov 2026 00:59:00 GMT", "s ahead of the store"),
        ("Tue, 24 Nov 2026 01:05:00 GMT", "s behind the store"),
    ] {
        let all = examined(move |seen| {
            let denied = Answer::error(403, "AccessDenied").with("date", date);
            let last = seen.path.starts_with("/nexus-raw-doctor/");
            let deletes = seen.query.contains("versionId");
            let lists = asked(seen) == Some("uploads");
            let listed = xml("<ListMultipartUploadsResult/>").with("date", date);
            if lists {
                Some(listed)
            } else {
                (last || deletes).then_some(denied)
            }
        })
        .await;
        let [(check, verdict, said)] = to_do(&all)[..] else {
            panic!("{all:?}");
        };
        assert_eq!((check, verdict), ("clock", CheckVerdict::Fault));
        assert!(said.ends_with(found), "{said}");
    }
    let ends = |minutes: u64| {
        let now = u64::try_from(now().as_unix_seconds()).unwrap();
        let end = std::time::UNIX_EPOCH + Duration::from_secs(now + minutes * 60);
        Credentials::new(ACCESS_KEY, SECRET_KEY, None, Some(end), "tests")
    };
    let all = examined_as(settings(), ends(5), expected(), |_| None).await;
    assert_eq!(
        to_do(&all),
        [(
            "credentials",
            CheckVerdict::Fault,
            "end in 5 min, and with them each URL, which is to live longer"
        )]
    );
    let all = examined_as(settings(), ends(60), expected(), |_| None).await;
    assert_eq!(to_do(&all), []);
}

#[tokio::test]
async fn a_bucket_that_needs_a_key_is_sound_where_uploads_are_signed_with_it() {
    let kms = S3Settings {
        server_side_encryption: ServerSideEncryption::Kms {
            key_id: Some("k1".to_owned()),
        },
        ..settings()
    };
    let all = examined_as(kms, static_credentials(), expected(), |seen| {
        let answer = encryption("aws:kms", "<KMSMasterKeyID>k1</KMSMasterKeyID>");
        (asked(seen) == Some("encryption")).then_some(answer)
    })
    .await;
    let said = all
        .iter()
        .find(|it| it.check == "bucket.encryption")
        .unwrap();
    assert_eq!(said.verdict, CheckVerdict::Sound);
}

#[tokio::test]
async fn a_store_that_is_not_there_is_said_once() {
    let all = examined(|_| Some(Answer::error(503, "ServiceUnavailable"))).await;
    let [unreached] = &all[..] else {
        panic!("{all:?}");
    };
    assert_eq!(
        (unreached.check, unreached.verdict),
        ("bucket.probe", CheckVerdict::Unknown)
    );
}
