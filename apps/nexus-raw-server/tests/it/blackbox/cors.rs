//! What the answers say to a browser about a page of another origin, as headers: a page of a configured
//! origin may do the whole job, others may not. No browser runs here.

use serde_json::json;

use crate::{house::House, http::Answer, machine::photograph};

const ORIGIN: &str = "https://app.example.com";
const OTHER: &str = "https://evil.example";

/// The origin that may read an answer.
fn reader(answer: &Answer) -> Option<&str> {
    answer.header("access-control-allow-origin")
}

pub(crate) async fn a_page_of_a_configured_origin_presigns_uploads_and_registers(
    house: impl House,
) {
    let photo = photograph("DSCN0042.jpg");
    house.let_pages_upload(ORIGIN);
    let origins = format!("[\"{ORIGIN}\"]");
    let server = house.start_with(&[("HTTP__CORS_ORIGINS", &origins)]);
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0042.jpg", &photo).await;

    // the preflight of a browser before it sends the bytes
    let requested = upload.headers.iter().map(|(name, _)| name.as_str());
    let requested = requested.collect::<Vec<_>>().join(",");
    let preflight = |origin: &str| {
        let blank = crate::caller::Upload {
            headers: vec![],
            ..upload.clone()
        };
        blank
            .request("OPTIONS")
            .header("origin", origin)
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", &requested)
            .send()
    };
    let allowed = preflight(ORIGIN).await;
    assert_eq!((allowed.status, reader(&allowed)), (200, Some(ORIGIN)));
    let granted = allowed.header("access-control-allow-headers").unwrap();
    let granted = granted.to_ascii_lowercase();
    let granted: Vec<_> = granted.split(',').map(str::trim).collect();
    for name in requested.split(',') {
        assert!(granted.contains(&name), "{name} is not in {granted:?}");
    }
    let refused = preflight(OTHER).await;
    assert_eq!((refused.status, reader(&refused)), (403, None));

    let put = |origin: &str| {
        let request = upload.request("PUT").header("origin", origin);
        request.body(&photo).send()
    };
    let stored = put(ORIGIN).await;
    assert_eq!((stored.status, reader(&stored)), (200, Some(ORIGIN)));
    let exposed = stored.header("access-control-expose-headers").unwrap();
    assert!(
        exposed.split(',').any(|name| name.trim() == "ETag"),
        "{exposed}"
    );
    // a refusal can be read by the page as well, and by no other
    let again = put(ORIGIN).await;
    assert_eq!((again.status, reader(&again)), (412, Some(ORIGIN)));
    let other = put(OTHER).await;
    assert_eq!((other.status, reader(&other)), (412, None));

    let registering = caller.posting("/nexus/raw/register");
    let registering = registering.json(&json!({"asset_id": upload.asset_id}));
    let registered = registering.header("origin", ORIGIN).send().await;
    assert_eq!(
        (registered.status, reader(&registered)),
        (201, Some(ORIGIN))
    );
}

pub(crate) async fn without_a_configured_origin_no_page_reads_an_answer(house: impl House) {
    let photo = photograph("DSCN0042.jpg");
    let server = house.start();
    let caller = house.owner_of("t_demo", &server);
    let upload = caller.presign("DSCN0042.jpg", &photo).await;
    let put = upload.request("PUT").header("origin", ORIGIN).body(&photo);
    let put = put.send().await;
    // SeaweedFS lets in every page where a bucket has no rule
    let let_in = house.seaweedfs().map(|_| ORIGIN);
    assert_eq!((put.status, reader(&put)), (200, let_in));
    let statement = json!({"asset_id": upload.asset_id});
    let registering = caller.posting("/nexus/raw/register").json(&statement);
    let registered = registering.header("origin", ORIGIN).send().await;
    assert_eq!((registered.status, reader(&registered)), (201, None));
}
