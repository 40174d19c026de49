//! A signed URL opens what was promised, in every part of it.

use base64::{Engine, prelude::BASE64_STANDARD};
use nexus_raw::asset::Sha256Digest;
use serde_json::json;

use crate::{
    caller::{Caller, Upload},
    house::House,
    machine::photograph,
};

/// Whether a store says by this status that it will not; 501 where it cannot.
fn is_refusal(status: u16) -> bool {
    (400..500).contains(&status) || status == 501
}

async fn assert_nothing_was_stored(caller: &Caller, upload: &Upload) {
    let answer = caller.register(&json!({"asset_id": upload.asset_id})).await;
    let nothing = (409, "object-not-uploaded".to_owned(), vec![]);
    assert_eq!(answer.problem(), nothing);
}

pub(crate) async fn every_part_of_a_signed_url_is_held(house: impl House) {
    let photo = photograph("DSCN0010.jpg");
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0010.jpg", &photo).await;
    let bucket = format!("/{}/", house.bucket());
    let (_, query) = upload.url.split_once('?').unwrap();
    let mut forged: Vec<(&str, String)> = vec![
        (
            "bucket",
            upload.url.replacen(&bucket, "/another-bucket/", 1),
        ),
        ("tenant", upload.url.replacen("/t_demo/", "/t_other/", 1)),
        ("environment", upload.url.replacen("/dev/", "/prod/", 1)),
        (
            "name",
            upload.url.replacen("DSCN0010.jpg", "DSCN0011.jpg", 1),
        ),
        ("ending", upload.url.replacen(".jpg?", ".jpg/?", 1)),
        ("parameter", format!("{}&x-amz-acl=public-read", upload.url)),
        ("version", format!("{}&versionId=null", upload.url)),
    ];
    for parameter in query.split('&') {
        let (name, value) = parameter.split_once('=').unwrap();
        let without = upload.url.replacen(&format!("{name}={value}"), "", 1);
        forged.push((name, without.replacen("&&", "&", 1)));
        let last = value.chars().last().unwrap();
        let other = if last == '0' { '1' } else { '0' };
        let changed = format!("{name}={}{other}", &value[..value.len() - 1]);
        let changed = upload.url.replacen(&format!("{name}={value}"), &changed, 1);
        forged.push((name, changed));
    }
    // a week and a second, and no end at all
    for expires in ["604801", "99999999999"] {
        let longer = upload
            .url
            .replacen("Expires=900", &format!("Expires={expires}"), 1);
        forged.push(("life", longer));
    }
    assert!(forged.len() >= 20, "{}", forged.len());
    for (part, url) in forged {
        assert_ne!(url, upload.url, "{part}");
        let forged = Upload {
            url,
            ..upload.clone()
        };
        let status = forged.put(&photo).await;
        assert!(is_refusal(status), "{status} for another {part}");
    }
    assert_nothing_was_stored(&caller, &upload).await;
    assert_eq!(upload.put(&photo).await, 200);
}

pub(crate) async fn every_signed_header_is_held_and_none_may_be_added(house: impl House) {
    let photo = photograph("DSCN0021.jpg");
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0021.jpg", &photo).await;
    let refused = async |forged: &Upload, what: &str| {
        let status = forged.put(&photo).await;
        assert!(is_refusal(status), "{status} for {what}");
    };
    for (name, value) in &upload.headers {
        refused(&upload.with(name, None), &format!("no {name}")).await;
        let other = match name.as_str() {
            "x-amz-checksum-sha256" => {
                BASE64_STANDARD.encode(Sha256Digest::of(b"other").as_bytes())
            }
            "if-none-match" => "\"0\"".to_owned(),
            _ => format!("{value}x"),
        };
        refused(
            &upload.with(name, Some(&other)),
            &format!("{name}: {other}"),
        )
        .await;
    }
    for name in [
        "x-amz-acl",
        "x-amz-copy-source",
        "x-amz-grant-full-control",
        "x-amz-grant-read",
        "x-amz-grant-write-acp",
        "x-amz-meta-owner",
        "x-amz-object-lock-mode",
        "x-amz-server-side-encryption",
        "x-amz-storage-class",
        "x-amz-tagging",
        "x-amz-website-redirect-location",
    ] {
        refused(&upload.with(name, Some("v")), name).await;
    }
    let elsewhere = upload.request("PUT").with("host", "elsewhere.example");
    let status = elsewhere.body(&photo).send().await.status;
    assert!(is_refusal(status), "{status} for another host");
    assert_nothing_was_stored(&caller, &upload).await;
    assert_eq!(upload.put(&photo).await, 200);
}

pub(crate) async fn a_url_to_put_is_a_url_for_nothing_else(house: impl House) {
    let photo = photograph("DSCN0042.jpg");
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0042.jpg", &photo).await;
    assert_eq!(upload.put(&photo).await, 200);
    for method in ["GET", "HEAD", "DELETE", "POST"] {
        let status = upload.send(method, &photo).await.status;
        assert!(is_refusal(status), "{status} for {method}");
    }
    // nor did any of these touch what is there
    let there = house.store(&server).signed("GET", upload.path(), &[], b"");
    assert_eq!((there.status, there.body), (200, photo));
}
