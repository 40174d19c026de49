//! What the service's role may do: what it needs, and nothing that it never does.

use aws_sdk_s3::primitives::ByteStream;
use nexus_raw::{asset::Sha256Digest, checkup::Examined};

use crate::{failure::RequestFailure, probe, store::Store};

/// A key outside those of the service. Nothing is ever stored there.
const FOREIGN_KEY: &str = "nexus-raw-doctor/v1/outside";

/// The check of writes there.
const ELSEWHERE: &str = "role.write_elsewhere";

/// A version that no object has.
const NO_VERSION: &str = "nexus-raw-doctor-no-version";

/// `compares_digests` is whether the store is known to refuse a wrong digest: otherwise a write with one
/// could succeed, and is not tried.
pub(super) async fn examine(store: &Store, compares_digests: bool) -> Vec<Examined> {
    let write = async {
        if compares_digests {
            write(store).await
        } else {
            Examined::note(ELSEWHERE, "not tried: the store might keep what is written")
        }
    };
    let (list, delete, write) = tokio::join!(list_uploads(store), delete(store), write);
    [list, delete, write].into()
}

/// The service looks for abandoned uploads in parts.
async fn list_uploads(store: &Store) -> Examined {
    const CHECK: &str = "role.list_uploads";
    let request = store
        .client
        .list_multipart_uploads()
        .bucket(store.bucket().as_str())
        .max_uploads(1)
        .set_expected_bucket_owner(store.settings.expected_bucket_owner.clone());
    match request.send().await {
        Ok(_) => Examined::sound(CHECK, "allowed"),
        Err(error) => {
            let failure = RequestFailure::sdk("ListMultipartUploads", &error);
            let mend = format!(
                "allow s3:ListBucketMultipartUploads on {}: `nexus-raw-server iam-policy`",
                store.bucket()
            );
            match failure.status() {
                Some(400..=499) => Examined::fault(CHECK, failure.to_string(), mend),
                _ => Examined::unknown(CHECK, failure.to_string(), "try again"),
            }
        }
    }
}

/// Deletes a version that is not there.
async fn delete(store: &Store) -> Examined {
    const CHECK: &str = "role.delete";
    let request = store
        .client
        .delete_object()
        .bucket(store.bucket().as_str())
        .key(format!("{}absent", probe::PREFIX))
        .version_id(NO_VERSION)
        .set_expected_bucket_owner(store.settings.expected_bucket_owner.clone());
    let mend = "take s3:DeleteObject and s3:DeleteObjectVersion from the role, and refuse them by `nexus-raw-server bucket-policy`";
    verdict(
        CHECK,
        "delete objects",
        mend,
        request
            .send()
            .await
            .map_err(|error| RequestFailure::sdk("DeleteObject", &error)),
    )
}

/// Writes what the store refuses for its digest, outside the service's keys.
async fn write(store: &Store) -> Examined {
    let request = store
        .client
        .put_object()
        .bucket(store.bucket().as_str())
        .key(FOREIGN_KEY)
        .if_none_match("*")
        .checksum_sha256(Sha256Digest::of(b"other bytes").to_base64())
        .body(ByteStream::from_static(b"bytes"))
        .set_expected_bucket_owner(store.settings.expected_bucket_owner.clone());
    let mend = "allow s3:PutObject below the service's prefixes only: `nexus-raw-server iam-policy` and `bucket-policy`";
    verdict(
        ELSEWHERE,
        "write outside the service's keys",
        mend,
        request
            .send()
            .await
            .map_err(|error| RequestFailure::sdk("PutObject", &error)),
    )
}

/// A refused right is sound, whatever else would have been wrong with the request.
fn verdict<T>(
    check: &'static str,
    what: &str,
    mend: &str,
    answer: Result<T, RequestFailure>,
) -> Examined {
    match answer {
        Err(failure) => match failure.status() {
            Some(403 | 405 | 501) => Examined::sound(check, "refused"),
            Some(400..=499) => Examined::fault(check, format!("the role may {what}"), mend),
            _ => Examined::unknown(check, failure.to_string(), "try again"),
        },
        Ok(_) => Examined::fault(check, format!("the role may {what}"), mend),
    }
}
