//! The lists and look-ups of an inventory, on a store that says anything.

use nexus_raw::ports::{
    BucketInventory as _, InventoryError, ListedMultipart, ListedVersion, ObjectListing as _,
    PageToken,
};
use tokio::time::Duration;

use super::{
    scripted::{Answer, Scripted, Seen},
    support::{settings, static_credentials, store_on},
};
use crate::{S3BucketInventory, deadlines::Deadlines};

async fn inventory(
    script: impl Fn(&Seen) -> Option<Answer> + Send + Sync + 'static,
) -> (S3BucketInventory, Scripted) {
    let scripted = Scripted::saying(script);
    let deadlines = Deadlines::default().unhurried();
    let connector = scripted.connector();
    let store = store_on(settings(), static_credentials(), connector, deadlines).await;
    (S3BucketInventory::of(store), scripted)
}

fn version(key: &str, version_id: Option<&str>, is_delete_marker: bool) -> ListedVersion {
    ListedVersion {
        key: key.to_owned(),
        version_id: version_id.map(str::to_owned),
        is_delete_marker,
    }
}

const VERSIONS: &str = "<ListVersionsResult><IsTruncated>true</IsTruncated>\
    <EncodingType>url</EncodingType>\
    <NextKeyMarker>tenants/a+b%2Bc</NextKeyMarker><NextVersionIdMarker>v/1</NextVersionIdMarker>\
    <Version><Key>tenants/a+b%2Bc</Key><VersionId>v/1</VersionId></Version>\
    <DeleteMarker><Key>tenants/%01</Key><VersionId>v2</VersionId></DeleteMarker>\
    <Version><Key>tenants/d</Key><VersionId>null</VersionId></Version></ListVersionsResult>";

#[tokio::test]
async fn versions_and_delete_markers_are_listed_and_the_list_goes_on_where_it_says() {
    let (inventory, scripted) = inventory(|_| Some(Answer::status(200).body(VERSIONS))).await;
    let page = inventory.versions("tenants/", None).await.unwrap();
    let expected = [
        version("tenants/a b+c", Some("v/1"), false),
        version("tenants/d", None, false),
        version("tenants/\u{1}", Some("v2"), true),
    ];
    assert_eq!(page.items, expected);
    inventory
        .versions("tenants/", page.next.as_ref())
        .await
        .unwrap();
    let queries: Vec<_> = scripted.seen().into_iter().map(|it| it.query).collect();
    assert_eq!(
        queries,
        [
            "versions&encoding-type=url&prefix=tenants%2F",
            "versions&encoding-type=url&key-marker=tenants%2Fa%20b%2Bc&prefix=tenants%2F&version-id-marker=v%2F1",
        ]
    );
}

#[tokio::test]
async fn objects_are_listed_where_the_store_has_no_list_of_versions() {
    let (inventory, scripted) = inventory(|seen| {
        Some(if seen.query.starts_with("versions") {
            Answer::error(501, "NotImplemented")
        } else if seen.query.contains("continuation-token") {
            Answer::status(200).body(
                "<ListBucketResult><IsTruncated>false</IsTruncated>\
                 <Contents><Key>tenants/b%2B</Key></Contents></ListBucketResult>",
            )
        } else {
            Answer::status(200).body(
                "<ListBucketResult><IsTruncated>true</IsTruncated>\
                 <NextContinuationToken>on/1</NextContinuationToken>\
                 <Contents><Key>tenants/a</Key></Contents></ListBucketResult>",
            )
        })
    })
    .await;
    let first = inventory.versions("tenants/", None).await.unwrap();
    assert_eq!(first.items, [version("tenants/a", None, false)]);
    let last = inventory
        .versions("tenants/", first.next.as_ref())
        .await
        .unwrap();
    // it does not say that keys are encoded
    assert_eq!(last.items, [version("tenants/b%2B", None, false)]);
    assert_eq!(last.next, None);
    let query = scripted.seen().pop().unwrap().query;
    assert!(query.contains("continuation-token=on%2F1"), "{query}");
}

#[tokio::test]
async fn open_uploads_are_listed_at_keys_of_any_form() {
    let (inventory, _) = inventory(|_| {
        Some(Answer::status(200).body(
            "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated>\
             <EncodingType>url</EncodingType><NextKeyMarker>tenants/x</NextKeyMarker>\
             <NextUploadIdMarker>2</NextUploadIdMarker>\
             <Upload><Key>tenants/by+hand</Key><UploadId>1</UploadId></Upload>\
             <Upload><Key>tenants/x</Key><UploadId>2</UploadId></Upload>\
             </ListMultipartUploadsResult>",
        ))
    })
    .await;
    let page = inventory.multiparts("tenants/", None).await.unwrap();
    let expected = [("tenants/by hand", "1"), ("tenants/x", "2")];
    let expected = expected.map(|(key, id)| ListedMultipart {
        key: key.to_owned(),
        upload_id: id.to_owned(),
    });
    assert_eq!(page.items, expected);
    assert_eq!(page.next.unwrap().as_str(), "upload tenants%2Fx 2");
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_unusable() {
    let result = |inner: &str| format!("<ListVersionsResult>{inner}</ListVersionsResult>");
    for (body, reason) in [
        (
            result("<IsTruncated>true</IsTruncated>"),
            "a list that goes on does not say where",
        ),
        (
            result("<Version><VersionId>1</VersionId></Version>"),
            "an item lacks its key or id",
        ),
        (
            result("<EncodingType>url</EncodingType><Version><Key>%ff</Key></Version>"),
            "a key is no UTF-8",
        ),
    ] {
        let (inventory, _) = inventory(move |_| Some(Answer::status(200).body(&body))).await;
        let error = inventory.versions("tenants/", None).await.unwrap_err();
        let InventoryError::Unusable(source) = error else {
            panic!("{error:?}");
        };
        assert_eq!(source.to_string(), reason);
    }
    let (inventory, _) = inventory(|_| None).await;
    let token = PageToken::new("page 7".to_owned());
    let error = inventory.versions("tenants/", Some(&token)).await;
    assert!(matches!(error, Err(InventoryError::Unusable(_))));
}

#[tokio::test]
async fn a_refusal_names_the_permission_that_is_missing() {
    let (inventory, _) = inventory(|_| Some(Answer::error(403, "AccessDenied"))).await;
    let upload = ListedMultipart {
        key: "k".to_owned(),
        upload_id: "1".to_owned(),
    };
    let denied = |error: InventoryError| match error {
        InventoryError::Denied { right, .. } => right,
        other => panic!("{other:?}"),
    };
    let rights = [
        denied(inventory.versions("tenants/", None).await.unwrap_err()),
        denied(inventory.multiparts("tenants/", None).await.unwrap_err()),
        denied(inventory.is_open(&upload).await.unwrap_err()),
        denied(inventory.object("k", None).await.unwrap_err()),
        denied(inventory.object("k", Some("1")).await.unwrap_err()),
    ];
    assert_eq!(
        rights,
        [
            "s3:ListBucketVersions",
            "s3:ListBucketMultipartUploads",
            "s3:ListMultipartUploadParts",
            "s3:GetObject",
            "s3:GetObjectVersion",
        ]
    );
    // each is in the policy that `iam-policy --reconcile` prints
    let tasks = crate::RoleTasks {
        reconcile: true,
        ..Default::default()
    };
    let policy = serde_json::to_string(&settings().role_policy(&tasks)).unwrap();
    for right in rights {
        assert!(policy.contains(&format!("\"{right}\"")), "{right}");
    }
}

#[tokio::test]
async fn another_refusal_is_no_missing_permission() {
    let (inventory, _) = inventory(|_| Some(Answer::error(403, "RequestTimeTooSkewed"))).await;
    let error = inventory.versions("tenants/", None).await.unwrap_err();
    assert!(matches!(error, InventoryError::Unavailable(_)), "{error:?}");
}

/// A HEAD of the latest version or of another one, which may be a delete marker.
#[tokio::test]
async fn an_object_or_a_version_of_it_is_looked_up() {
    let object = || {
        Answer::status(200)
            .with("content-length", "3")
            .with("etag", "\"0123abcd\"")
            .with("x-amz-version-id", "v1")
    };
    let marker = |status| Answer::status(status).with("x-amz-delete-marker", "true");
    for (answer, version, is_there) in [
        (object(), None, true),
        (object(), Some("v1"), true),
        (marker(404), None, false),
        (marker(405), Some("v2"), false),
        (Answer::status(404), None, false),
        (Answer::status(404), Some("v3"), false),
        (Answer::status(400), Some("v3"), false),
        (Answer::status(501), Some("v3"), false),
    ] {
        let (inventory, scripted) = inventory(move |_| Some(answer.clone())).await;
        let found = inventory.object("a b", version).await.unwrap();
        let found = found.map(|it| it.version_id.unwrap());
        assert_eq!(found.as_deref(), is_there.then_some("v1"));
        let [seen] = &scripted.seen()[..] else {
            panic!("{:?}", scripted.seen());
        };
        assert_eq!(seen.header("x-amz-checksum-mode"), Some("ENABLED"));
        let asked = version.map(|id| format!("versionId={id}"));
        assert!(
            seen.query.contains(&*asked.unwrap_or_default()),
            "{}",
            seen.query
        );
    }
    let (inventory, _) = inventory(|_| Some(Answer::status(400))).await;
    let error = inventory.object("a b", None).await.unwrap_err();
    assert!(matches!(error, InventoryError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn an_upload_is_open_while_its_parts_are_listed() {
    let upload = ListedMultipart {
        key: "k".to_owned(),
        upload_id: "1".to_owned(),
    };
    let body = "<ListPartsResult></ListPartsResult>";
    for (answer, expected) in [
        (Answer::status(200).body(body), true),
        (Answer::error(404, "NoSuchUpload"), false),
        (Answer::error(404, "NoSuchKey"), false),
    ] {
        let (inventory, _) = inventory(move |_| Some(answer.clone())).await;
        assert_eq!(inventory.is_open(&upload).await.unwrap(), expected);
    }
}

/// A list may take longer than a request of the service may.
#[tokio::test(start_paused = true)]
async fn a_slow_list_is_waited_for_and_a_hanging_one_is_not() {
    let (inventory, scripted) = inventory(|_| None).await;
    let began = tokio::time::Instant::now();
    let error = inventory.versions("tenants/", None).await.unwrap_err();
    assert!(matches!(error, InventoryError::Unavailable(_)), "{error:?}");
    let waited = began.elapsed();
    assert!((30..=100).contains(&waited.as_secs()), "{waited:?}");
    assert!(scripted.seen().len() > 1);
    assert!(Deadlines::default().unhurried().read >= Duration::from_secs(30));
}
