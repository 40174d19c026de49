//! What only a store with versions and encryption of its own can show.

use nexus_raw_testkit::{SeaweedFs, s3::Endpoint};
use serde_json::json;

use crate::{
    caller::at_store,
    house::{House as _, OnSeaweedFs},
    machine::photograph,
};

const ENABLED: &[u8] =
    b"<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
    <Status>Enabled</Status></VersioningConfiguration>";

fn store() -> Endpoint {
    SeaweedFs::shared().s3()
}

#[tokio::test]
async fn in_a_versioned_bucket_the_record_pins_the_version_that_was_proved() {
    let (house, photo) = (OnSeaweedFs::open(), photograph("DSCN0021.jpg"));
    let target = format!("/{}?versioning", house.bucket());
    let enabled = store().signed("PUT", &target, &[], ENABLED);
    assert_eq!(enabled.error(), (200, String::new()));
    let server = house.start_with(&[("STORAGE__REQUIRE_VERSIONING", "true")]);
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0021.jpg", &photo).await;
    let put = upload.send("PUT", &photo).await;
    assert_eq!(put.status, 200);
    let version = put.header("x-amz-version-id").unwrap().to_owned();

    let record = caller.register(&json!({"asset_id": upload.asset_id})).await;
    assert_eq!(record.status, 201);
    assert_eq!(record.json()["integrity"]["version_id"], version);

    // a newer version changes neither the record nor the one that it pins
    let newer = store().signed("PUT", upload.path(), &[], b"something else");
    assert_eq!(newer.status, 200);
    assert_ne!(newer.header("x-amz-version-id"), Some(&*version));
    let read = caller.get(&format!("/nexus/raw/{}", upload.asset_id)).await;
    assert_eq!((read.status, &read.body), (200, &record.body));
    let pinned = format!("{}?versionId={version}", upload.path());
    let pinned = store().signed("GET", &pinned, &[], b"");
    assert!(pinned.status == 200 && pinned.body == photo);
    let target = format!("/nexus/raw/{}/presign-download", upload.asset_id);
    let download = caller.post(&target, &json!({})).await.json();
    let downloaded = at_store("GET", download["url"].as_str().unwrap());
    let downloaded = downloaded.send().await;
    assert!(downloaded.status == 200 && downloaded.body == photo);
    assert_eq!(downloaded.header("x-amz-version-id"), Some(&*version));
}

#[tokio::test]
async fn in_a_versioned_bucket_a_deleted_object_is_not_there_and_may_be_put_again() {
    let (house, photo) = (OnSeaweedFs::open(), photograph("DSCN0042.jpg"));
    let target = format!("/{}?versioning", house.bucket());
    assert_eq!(store().signed("PUT", &target, &[], ENABLED).status, 200);
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0042.jpg", &photo).await;
    let statement = json!({"asset_id": upload.asset_id});
    assert_eq!(upload.put(&photo).await, 200);
    let deleted = store().signed("DELETE", upload.path(), &[], b"");
    assert_eq!(deleted.status, 204);
    let nothing = (409, "object-not-uploaded".to_owned(), vec![]);
    assert_eq!(caller.register(&statement).await.problem(), nothing);
    let again = upload.send("PUT", &photo).await;
    assert_eq!(again.status, 200);
    let record = caller.register(&statement).await;
    let version = again.header("x-amz-version-id").unwrap();
    assert_eq!(record.json()["integrity"]["version_id"], version);
}

#[tokio::test]
async fn where_the_store_is_to_encrypt_an_upload_says_so_and_cannot_leave_it_out() {
    let (house, photo) = (OnSeaweedFs::open(), photograph("DSCN0010.jpg"));
    let server = house.start_with(&[("STORAGE__SSE", "s3")]);
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0010.jpg", &photo).await;
    let name = "x-amz-server-side-encryption";
    let signed = (name.to_owned(), "AES256".to_owned());
    assert!(upload.headers.contains(&signed), "{:?}", upload.headers);
    assert_eq!(upload.with(name, None).put(&photo).await, 403);
    assert_eq!(upload.put(&photo).await, 200);
    let head = store().signed("HEAD", upload.path(), &[], b"");
    assert_eq!(head.header(name), Some("AES256"));
    let record = caller.register(&json!({"asset_id": upload.asset_id})).await;
    assert_eq!(record.status, 201);
}
