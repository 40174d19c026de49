//! Objects that someone with the store's own keys puts, replaces and deletes.

use serde_json::json;

use crate::{
    caller::{Caller, Upload},
    house::House,
    http::Answer,
    machine::photograph,
};

async fn register(caller: &Caller, upload: &Upload) -> Answer {
    caller.register(&json!({"asset_id": upload.asset_id})).await
}

fn mismatch(pointers: &[&str]) -> (u16, String, Vec<String>) {
    let pointers = pointers.iter().map(|&pointer| pointer.to_owned()).collect();
    (422, "object-mismatch".to_owned(), pointers)
}

pub(crate) async fn another_object_at_the_key_is_not_registered_and_each_difference_is_named(
    house: impl House,
) {
    let photo = photograph("DSCN0010.jpg");
    let server = house.start();
    let store = house.store(&server);
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0010.jpg", &photo).await;
    let mut other_bytes = photo.clone();
    other_bytes[0] ^= 1;
    let of = |content: &[u8]| nexus_raw_testkit::s3::base64_sha256(content);
    let (right, wrong) = (of(&photo), of(&other_bytes));
    for (content, changed, pointers) in [
        (&photo[1..], vec![], &["/size_bytes", "/sha256"][..]),
        (
            &other_bytes[..],
            vec![("x-amz-checksum-sha256", Some(&*wrong))],
            &["/sha256"],
        ),
        (
            &photo[..],
            vec![("x-amz-checksum-sha256", None)],
            &["/sha256"],
        ),
        (
            &photo[..],
            vec![("content-type", Some("text/html"))],
            &["/content_type"],
        ),
        (&photo[..], vec![("x-amz-meta-env", None)], &[""]),
        (
            &photo[..],
            vec![("x-amz-meta-tenant-id", Some("t_other"))],
            &[""],
        ),
        (&photo[..], vec![("x-amz-meta-more", Some("1"))], &[""]),
        (
            &photo[..],
            vec![("content-disposition", Some("inline"))],
            &[""],
        ),
        (&photo[..], vec![("content-encoding", Some("gzip"))], &[""]),
        (&photo[..], vec![("content-language", Some("de"))], &[""]),
    ] {
        let mut headers = upload.clone();
        for (name, value) in &changed {
            headers = headers.with(name, *value);
        }
        if content.len() != photo.len() {
            headers = headers.with("x-amz-checksum-sha256", Some(&of(content)));
        }
        let headers = headers.with("if-none-match", None).headers;
        let headers: Vec<_> = headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let put = store.signed("PUT", upload.path(), &headers, content);
        assert_eq!(put.error(), (200, String::new()), "{changed:?}");
        let answer = register(&caller, &upload).await;
        assert_eq!(answer.problem(), mismatch(pointers), "{changed:?}");
    }
    // no refusal was remembered: what was promised is registered once it is there
    let headers = upload.with("if-none-match", None).headers;
    let headers: Vec<_> = headers
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    assert!(headers.contains(&("x-amz-checksum-sha256", &right)));
    let put = store.signed("PUT", upload.path(), &headers, &photo);
    assert_eq!(put.status, 200);
    assert_eq!(register(&caller, &upload).await.status, 201);
}

pub(crate) async fn what_was_deleted_is_not_there_and_may_be_put_again(house: impl House) {
    let photo = photograph("DSCN0021.jpg");
    let server = house.start();
    let store = house.store(&server);
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0021.jpg", &photo).await;
    assert_eq!(upload.put(&photo).await, 200);
    let deleted = store.signed("DELETE", upload.path(), &[], b"");
    assert_eq!(deleted.error(), (204, String::new()));
    let nothing = (409, "object-not-uploaded".to_owned(), vec![]);
    assert_eq!(register(&caller, &upload).await.problem(), nothing);

    assert_eq!(upload.put(&photo).await, 200);
    assert_eq!(register(&caller, &upload).await.status, 201);
}

pub(crate) async fn a_record_is_kept_whether_or_not_its_object_is(house: impl House) {
    let photo = photograph("DSCN0042.jpg");
    let server = house.start();
    let store = house.store(&server);
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0042.jpg", &photo).await;
    assert_eq!(upload.put(&photo).await, 200);
    let record = register(&caller, &upload).await;
    assert_eq!(record.status, 201);
    for replaced in [true, false] {
        let changed = if replaced {
            store.signed("PUT", upload.path(), &[], b"something else")
        } else {
            store.signed("DELETE", upload.path(), &[], b"")
        };
        assert!(changed.status < 300, "{changed:?}");
        let repeat = register(&caller, &upload).await;
        assert_eq!((repeat.status, &repeat.body), (200, &record.body));
        let read = caller.get(&format!("/nexus/raw/{}", upload.asset_id)).await;
        assert_eq!((read.status, &read.body), (200, &record.body));
    }
}
