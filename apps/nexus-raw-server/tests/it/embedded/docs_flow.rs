//! The steps of the page for people, done on a server.

use serde_json::Value;

use crate::{
    caller::{Caller, Upload},
    http::Request,
    machine::{Machine, photograph},
};

/// The asset of the page's examples.
const EXAMPLE: &str = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";

/// The examples of the page, in its order.
fn examples(page: &str) -> Vec<String> {
    let blocks = page.split("<pre><code>").skip(1);
    blocks
        .map(|rest| {
            let text = rest.split("</code></pre>").next().unwrap();
            let text = text.replace("&lt;", "<").replace("&gt;", ">");
            text.replace("&quot;", "\"").replace("&amp;", "&")
        })
        .collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The value at a place that differs each time, taken out.
fn take(value: &mut Value, pointer: &str) -> String {
    let it = value.pointer_mut(pointer).unwrap().take();
    it.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_examples_of_the_page_are_what_the_service_takes_and_answers() {
    let machine = Machine::new();
    let server = machine.start();
    let caller = Caller::owner_of("t_demo", &machine, &server);
    let page = Request::new(server.address, "GET", "/docs").send().await;
    let examples = examples(std::str::from_utf8(&page.body).unwrap());
    let [presign, presigned, put, register, record] = examples.try_into().unwrap();

    let answer = caller
        .post("/nexus/raw/presign-upload", &json(&presign))
        .await;
    let upload = Upload::of(&answer);
    let own = |text: &str| text.replace(EXAMPLE, &upload.asset_id);
    let (mut came, mut documented) = (answer.json(), json(&own(&presigned)));
    for value in [&mut came, &mut documented] {
        let url = take(value, "/upload/url");
        let (place, query) = url.split_once('?').unwrap();
        assert!(
            place.ends_with(&format!("{}/DSCN0010.jpg", upload.asset_id)),
            "{place}"
        );
        assert!(query.contains("X-Amz-Signature="), "{query}");
        assert!(take(value, "/upload/expires_at").ends_with('Z'));
    }
    assert_eq!(came, documented);
    let headers: Vec<_> = upload
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let put = own(&put);
    let lines: Vec<&str> = put.lines().collect();
    assert!(
        lines[0].starts_with("PUT /nexus-raw/tenants/t_demo/dev/raw/"),
        "{put}"
    );
    assert_eq!(
        lines[1..3],
        ["host: s3.example.com", "content-length: 161713"]
    );
    assert_eq!(lines[3..3 + headers.len()], headers);

    assert_eq!(upload.put(&photograph("DSCN0010.jpg")).await, 200);
    let first = caller.register(&json(&own(&register))).await;
    let again = caller.register(&json(&own(&register))).await;
    assert_eq!(
        (first.status, again.status, &again.body),
        (201, 200, &first.body)
    );
    let (mut came, mut documented) = (first.json(), json(&own(&record)));
    for value in [&mut came, &mut documented] {
        assert!(take(value, "/imported_at").ends_with('Z'));
        assert_eq!(take(value, "/integrity/etag").len(), 32);
    }
    assert_eq!(came, documented);
    let read = caller.get(&format!("/nexus/raw/{}", upload.asset_id)).await;
    assert_eq!((read.status, &read.body), (200, &first.body));
}
