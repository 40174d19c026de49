use nexus_raw::{
    asset::{AssetId, BucketName, Sha256Digest},
    ports::SourceObject,
    tenancy::Scope,
};
use serde_json::json;

/// Returns the id under which exactly this object of the source is imported into a scope: always the
/// same one, so that it is imported once however often that is begun, and what a killed run has left is
/// found again.
///
/// It is a UUID version 7 with the time at which the source was written; its other 74 bits are of a
/// digest.
pub(super) fn import_id(scope: &Scope, bucket: &BucketName, object: &SourceObject) -> AssetId {
    let pin = match &object.version_id {
        Some(version) => json!({ "version_id": version }),
        None => json!({ "etag": object.etag, "size_bytes": object.size_bytes }),
    };
    let named = json!([
        "nexus-raw/import/v1",
        scope.tenant.as_str(),
        scope.environment.as_str(),
        bucket.as_str(),
        object.key,
        pin,
    ]);
    let digest = Sha256Digest::of(named.to_string().as_bytes());
    let mut random = [0; 10];
    random.copy_from_slice(&digest.as_bytes()[..10]);
    let millis = u64::try_from(object.modified_at.as_micros() / 1000).unwrap_or(0);
    AssetId::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}

#[cfg(test)]
mod tests {
    use nexus_raw_testkit::sample;

    use super::*;

    fn object() -> SourceObject {
        SourceObject {
            key: "a/b.jpg".to_owned(),
            version_id: None,
            etag: "0123".to_owned(),
            size_bytes: 7,
            modified_at: sample::now(),
        }
    }

    /// It never changes, since catalogues have records under these ids.
    #[test]
    fn an_object_has_one_id_for_good() {
        let scope = sample::scope("t_a", "dev");
        let id = import_id(&scope, &sample::bucket(), &object());
        assert_eq!(id, import_id(&scope, &sample::bucket(), &object()));
        assert_eq!(id.to_string(), EXPECTED);
        assert_eq!(id.as_uuid().get_version_num(), 7);
    }

    const EXPECTED: &str = "01a20b11-1a80-779a-aa32-29e85784d53a";

    #[test]
    fn other_objects_and_scopes_have_other_ids() {
        let (scope, bucket) = (sample::scope("t_a", "dev"), sample::bucket());
        let mut others = [(); 5].map(|()| object());
        others[0].key = "a/c.jpg".to_owned();
        others[1].version_id = Some("0123".to_owned());
        others[2].etag = "0124".to_owned();
        others[3].size_bytes = 8;
        others[4].modified_at = sample::seconds_after(1);
        let mut ids: Vec<_> = others
            .iter()
            .map(|it| import_id(&scope, &bucket, it))
            .collect();
        ids.push(import_id(&scope, &bucket, &object()));
        ids.push(import_id(&sample::scope("t_b", "dev"), &bucket, &object()));
        ids.push(import_id(&sample::scope("t_a", "prod"), &bucket, &object()));
        let elsewhere = BucketName::parse("elsewhere").unwrap();
        ids.push(import_id(&scope, &elsewhere, &object()));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 9);
    }
}
