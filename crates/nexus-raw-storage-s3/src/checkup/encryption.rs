//! The encryption of the bucket, against what each upload is signed with.

use aws_sdk_s3::types::ServerSideEncryption as Algorithm;
use nexus_raw::checkup::Examined;

use super::{Configured, configured, unreadable};
use crate::{failure::RequestFailure, settings::ServerSideEncryption, store::Store};

const CHECK: &str = "bucket.encryption";

pub(super) async fn examine(store: &Store) -> Examined {
    let request = store
        .client
        .get_bucket_encryption()
        .bucket(store.bucket().as_str())
        .set_expected_bucket_owner(store.settings.expected_bucket_owner.clone());
    let answer = request.send().await;
    let answer = answer.map_err(|error| RequestFailure::sdk("GetBucketEncryption", &error));
    let found = match configured(answer, "ServerSideEncryptionConfigurationNotFoundError") {
        Err(failure) => return unreadable(CHECK, &failure, "s3:GetEncryptionConfiguration"),
        Ok(Configured::Unsupported) => None,
        Ok(Configured::Absent) => Some(None),
        Ok(Configured::As(found)) => {
            let rules = found
                .server_side_encryption_configuration
                .map(|it| it.rules);
            let first = rules.and_then(|rules| rules.into_iter().next());
            Some(first.and_then(|it| it.apply_server_side_encryption_by_default))
        }
    };
    let configured = &store.settings.server_side_encryption;
    match (configured, found) {
        (ServerSideEncryption::None, None) => Examined::note(
            CHECK,
            "not supported by this store: objects are as its disks are",
        ),
        (ServerSideEncryption::None, Some(None)) => Examined::note(
            CHECK,
            "none: objects are as the store's disks are, unless storage.sse is set",
        ),
        (ServerSideEncryption::None, Some(Some(default))) => match default.sse_algorithm {
            Algorithm::Aes256 => Examined::sound(CHECK, "by keys of the store, by default"),
            algorithm => {
                let algorithm = algorithm.as_str();
                let key = default
                    .kms_master_key_id
                    .unwrap_or_else(|| "alias/aws/s3".to_owned());
                Examined::fault(
                    CHECK,
                    format!(
                        "the bucket encrypts by {algorithm} with {key}, and storage.sse is none: the role that `iam-policy` prints cannot use the key"
                    ),
                    format!("set storage.sse = \"kms\" and storage.sse_kms_key_id = \"{key}\""),
                )
            }
        },
        (ServerSideEncryption::S3, _) => {
            Examined::sound(CHECK, "by keys of the store, in each upload's signature")
        }
        (ServerSideEncryption::Kms { key_id }, _) => {
            let key = key_id.as_deref().unwrap_or("alias/aws/s3");
            Examined::sound(CHECK, format!("by {key}, in each upload's signature"))
        }
    }
}
