use base64::{Engine, prelude::BASE64_STANDARD};
use nexus_raw::asset::Sha256Digest;
use serde_json::json;

use crate::{house::House, machine::photograph};

pub(crate) async fn the_store_refuses_everything_that_was_not_promised(house: impl House) {
    let photo = photograph("DSCN0010.jpg");
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0010.jpg", &photo).await;

    let mut forged = photo.clone();
    *forged.last_mut().unwrap() ^= 1;
    let longer = [&photo[..], b"!"].concat();
    let forged_digest = BASE64_STANDARD.encode(Sha256Digest::of(&forged).as_bytes());

    assert_eq!(upload.put(&forged).await, 400, "other bytes");
    assert_eq!(upload.put(&longer).await, 403, "another length");
    assert_eq!(upload.put(&photo[1..]).await, 403, "another length");
    let digest = "x-amz-checksum-sha256";
    for (name, value, body) in [
        (digest, Some(&*forged_digest), &forged),
        (digest, None, &forged),
        ("content-type", Some("text/html"), &photo),
        ("content-type", None, &photo),
        ("if-none-match", None, &photo),
        ("x-amz-meta-tenant-id", Some("t_other"), &photo),
        ("x-amz-meta-env", None, &photo),
        ("x-amz-meta-owner", Some("me"), &photo),
        ("x-amz-acl", Some("public-read"), &photo),
        ("x-amz-tagging", Some("a=b"), &photo),
        ("x-amz-storage-class", Some("GLACIER"), &photo),
        ("x-amz-copy-source", Some("/nexus-raw/x"), &photo),
        (
            "x-amz-website-redirect-location",
            Some("https://x.example"),
            &photo,
        ),
    ] {
        let status = upload.with(name, value).put(body).await;
        assert_eq!(status, 403, "{name}: {value:?}");
    }
    let mut elsewhere = upload.clone();
    elsewhere.url = elsewhere.url.replace("/t_demo/", "/t_other/");
    assert_eq!(elsewhere.put(&photo).await, 403, "another key");

    let nothing = caller.register(&json!({"asset_id": upload.asset_id})).await;
    assert_eq!(
        nothing.problem(),
        (409, "object-not-uploaded".to_owned(), vec![])
    );

    assert_eq!(upload.put(&photo).await, 200, "what was promised");
    assert_eq!(upload.put(&photo).await, 412, "a second write");
    assert_eq!(
        caller
            .register(&json!({"asset_id": upload.asset_id}))
            .await
            .status,
        201
    );
    assert_eq!(
        upload.put(&photo).await,
        412,
        "a second write after registration"
    );
}

pub(crate) async fn an_object_with_a_header_that_nobody_promised_is_not_registered(
    house: impl House,
) {
    let photo = photograph("DSCN0010.jpg");
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0010.jpg", &photo).await;
    // stores let it pass unsigned: browsers would show what the bytes are not
    let dressed = upload.with("content-disposition", Some("inline; filename=x.html"));
    assert_eq!(dressed.put(&photo).await, 200);
    let answer = caller.register(&json!({"asset_id": upload.asset_id})).await;
    let pointers = vec![String::new()];
    assert_eq!(
        answer.problem(),
        (422, "object-mismatch".to_owned(), pointers)
    );
}

pub(crate) async fn what_browsers_add_to_an_upload_by_themselves_keeps_nothing_from_being_registered(
    house: impl House,
) {
    let photo = photograph("DSCN0010.jpg");
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    for added in [
        &[("cache-control", "no-cache"), ("pragma", "no-cache")][..],
        &[("cache-control", "max-age=0")],
        &[("expires", "Thu, 01 Dec 2033 16:00:00 GMT")],
    ] {
        let mut upload = caller.presign("DSCN0010.jpg", &photo).await;
        for (name, value) in added {
            upload = upload.with(name, Some(value));
        }
        assert_eq!(upload.put(&photo).await, 200, "{added:?}");
        let answer = caller.register(&json!({"asset_id": upload.asset_id})).await;
        assert_eq!(answer.status, 201, "{added:?}: {:?}", answer.json());
    }
}
