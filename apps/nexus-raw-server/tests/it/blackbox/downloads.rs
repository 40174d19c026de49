//! Downloads by presigned URLs, from presign to the bytes.

use std::time::{Duration, Instant};

use nexus_raw::tenancy::Role;
use serde_json::{Value, json};

use crate::{
    caller::{Caller, at_store},
    house::House,
    machine::photograph,
};

const PATIENCE: Duration = Duration::from_secs(30);

async fn presign(caller: &Caller, asset_id: &str, body: &Value) -> String {
    let target = format!("/nexus/raw/{asset_id}/presign-download");
    let answer = caller.post(&target, body).await;
    let (status, mut body) = answer.whole();
    let url = body["url"].take();
    assert_eq!(
        (status, &body["method"], &body["headers"]),
        (200, &json!("GET"), &json!({})),
        "{body}"
    );
    url.as_str().unwrap().to_owned()
}

async fn registered(caller: &Caller, filename: &str, content_type: &str, bytes: &[u8]) -> String {
    let upload = caller.presign_as(filename, content_type, bytes).await;
    assert_eq!(upload.put(bytes).await, 200);
    let statement = json!({"asset_id": upload.asset_id});
    assert_eq!(caller.register(&statement).await.status, 201);
    upload.asset_id
}

pub(crate) async fn a_registered_photograph_is_downloaded_under_its_name_and_type(
    house: impl House,
) {
    let photo = photograph("DSCN0010.jpg");
    let server = house.start();
    let owner = house.owner_of("t_demo", &server);
    let member = house.caller("t_demo", Role::Member, &server);
    let page = "text/html; charset=utf-8";
    for (filename, content_type, disposition, named) in [
        (
            "DSCN0010.jpg",
            "image/jpeg",
            "inline",
            "inline; filename=\"DSCN0010.jpg\"; filename*=UTF-8''DSCN0010.jpg",
        ),
        (
            "Gr\u{fc}\u{df}e \"1\" + \u{1f980}.jpg",
            "image/jpeg",
            "attachment",
            "attachment; filename=\"Gr__e _1_ + _.jpg\"; \
             filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%221%22%20%2B%20%F0%9F%A6%80.jpg",
        ),
        (
            "a&b=c?d#e;f%41.html",
            page,
            "attachment",
            "attachment; filename=\"a&b=c?d#e;f_41.html\"; \
             filename*=UTF-8''a%26b%3Dc%3Fd%23e%3Bf%2541.html",
        ),
        // SeaweedFS by itself answers the type of the ending
        (
            "a.pdf",
            "application/octet-stream",
            "attachment",
            "attachment; filename=\"a.pdf\"; filename*=UTF-8''a.pdf",
        ),
    ] {
        let asset_id = registered(&owner, filename, content_type, &photo).await;
        let body = json!({"disposition": disposition});
        let url = presign(&member, &asset_id, &body).await;
        let whole = at_store("GET", &url).send().await;
        assert_eq!(whole.status, 200, "{filename}");
        assert!(whole.body == photo, "{filename} has other bytes");
        let headers = ["content-type", "content-disposition", "cache-control"];
        let headers = headers.map(|name| whole.header(name));
        let expected = [content_type, named, "private, no-store"].map(Some);
        assert_eq!(headers, expected, "{filename}");
        let part = at_store("GET", &url).header("range", "bytes=1000-1999");
        let part = part.send().await;
        assert_eq!(part.status, 206, "{filename}");
        assert!(part.body == photo[1000..2000], "{filename}");
        for method in ["PUT", "DELETE", "POST"] {
            let refused = at_store(method, &url).body("forged").send().await;
            assert!((400..500).contains(&refused.status), "{method} {refused:?}");
        }
    }
    let events = server.events(12);
    let downloads = events
        .iter()
        .filter(|it| it["event_type"] == "raw_asset_download_presigned");
    let facts: Vec<_> = downloads
        .map(|it| (&it["content_type"], &it["download"]["disposition"]))
        .collect();
    let attachment = json!("attachment");
    assert_eq!(
        facts,
        [
            (&json!("image/jpeg"), &json!("inline")),
            (&json!("image/jpeg"), &attachment),
            (&json!(page), &attachment),
            (&json!("application/octet-stream"), &attachment),
        ]
    );
}

pub(crate) async fn a_download_url_is_refused_after_its_end(house: impl House) {
    let photo = photograph("DSCN0021.jpg");
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let asset_id = registered(&caller, "DSCN0021.jpg", "image/jpeg", &photo).await;
    let short = presign(&caller, &asset_id, &json!({"ttl_seconds": 1})).await;
    let begun = Instant::now();
    loop {
        let answer = at_store("GET", &short).send().await;
        if answer.status == 403 {
            break;
        }
        assert!(answer.status == 200 && answer.body == photo, "{answer:?}");
        assert!(begun.elapsed() < PATIENCE, "the URL does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // the end is not the asset's: another URL is signed and downloads it
    let fresh = presign(&caller, &asset_id, &json!({})).await;
    let answer = at_store("GET", &fresh).send().await;
    assert!(answer.status == 200 && answer.body == photo);
    let longer = short.replace("X-Amz-Expires=1&", "X-Amz-Expires=900&");
    assert_ne!(longer, short);
    assert_eq!(at_store("GET", &longer).send().await.status, 403);
}
