use std::collections::BTreeSet;

use actix_web::{HttpResponse, http::Method};
use futures_util::future::ready;
use nexus_raw::tenancy::{ReadAccess, WriteAccess};
use strict_json::Json;

use super::{document, page};
use crate::http::{
    request::BodyRule,
    respond::{ApiError, ProblemCode},
    route::{Answering, Call, Handler, Route, described},
};

const PATTERN: &str = "/nexus/raw/{asset_id}/upload";

/// Ends an upload.
#[utoipa::path(delete, path = PATTERN, operation_id = "endUpload", responses((status = 204)))]
fn end_upload(_: Call<'_>, _: WriteAccess) -> Answering<'_> {
    nothing()
}

/// Replaces an upload.
#[utoipa::path(put, path = PATTERN, operation_id = "replaceUpload", responses((status = 204)))]
fn replace_upload(_: Call<'_>, _: WriteAccess, _: Json) -> Answering<'_> {
    nothing()
}

/// Looks whether there is one.
#[utoipa::path(head, path = PATTERN, operation_id = "seeUpload", responses((status = 204)))]
fn see_upload(_: Call<'_>, _: ReadAccess) -> Answering<'_> {
    nothing()
}

fn nothing<'a>() -> Answering<'a> {
    Box::pin(ready(Ok::<_, ApiError>(HttpResponse::NoContent().finish())))
}

const fn route(
    method: Method,
    handler: Handler,
    described: fn() -> utoipa::openapi::OpenApi,
) -> Route {
    Route {
        pattern: PATTERN,
        method,
        handler,
        problems: &[ProblemCode::UploadExpired],
        takes_idempotency_key: false,
        described,
    }
}

const ROUTES: &[Route] = &[
    route(
        Method::DELETE,
        Handler::Remove(end_upload),
        described!(end_upload),
    ),
    route(
        Method::PUT,
        Handler::Write(BodyRule::SMALL, replace_upload),
        described!(replace_upload),
    ),
    route(
        Method::HEAD,
        Handler::Read(see_upload),
        described!(see_upload),
    ),
];

#[test]
fn a_route_of_any_method_is_described_with_what_follows_from_its_place() {
    let document = serde_json::to_value(document(ROUTES)).unwrap();
    let page = page::render(ROUTES).unwrap();
    let item = document["paths"][PATTERN].as_object().unwrap();
    let methods: BTreeSet<_> = item.keys().map(String::as_str).collect();
    assert_eq!(methods, BTreeSet::from(["delete", "head", "put"]));
    for (method, operation) in item {
        assert_eq!(operation["security"][0]["bearer"], serde_json::json!([]));
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers["204"]["headers"]["traceparent"].is_object());
        for status in ["401", "403", "410", "429", "500", "503"] {
            assert!(answers.contains_key(status), "{method} {status}");
        }
        let has_body = method == "put";
        assert_eq!(answers.contains_key("413"), has_body, "{method}");
        let id = operation["operationId"].as_str().unwrap();
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
        let heading = format!("{}</span>", method.to_uppercase());
        assert!(page.contains(&heading), "{heading}");
    }
}
