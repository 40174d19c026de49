use maud::{Markup, html};
use serde_json::Value;

use super::read::{members, text};

const PRESIGN: &str = include_str!("flow/presign.json");
const PRESIGNED: &str = include_str!("flow/presigned.json");
const REGISTER: &str = include_str!("flow/register.json");
const RECORD: &str = include_str!("flow/record.json");

/// Renders the steps of an upload, with a complete example of each body. Tests run them on a
/// server.
///
/// # Errors
/// If an example is not JSON, which would be a bug.
pub(super) fn flow() -> Result<Markup, serde_json::Error> {
    let presigned: Value = serde_json::from_str(PRESIGNED)?;
    let asset = text(&presigned["asset_id"]);
    Ok(html! {
        p {
            "Each request under " code { "/nexus/" } " has " code { "Authorization: Bearer <token>" } ", "
            code { "X-Tenant-Id" } " and " code { "X-Env" } "; one with a body has "
            code { "Content-Type: application/json" } "."
        }
        h3 { "1. Promise the content" }
        p { a href="#presignUpload" { code { "POST /nexus/raw/presign-upload" } } " with" }
        (example(PRESIGN))
        p { "returns 200 with a presigned upload of exactly this content, once:" }
        (example(PRESIGNED))
        h3 { "2. Upload it, straight to the store" }
        p {
            "Send the bytes to " code { "upload.url" } " by " code { "upload.method" }
            ", with the headers of " code { "upload.headers" } " and no further " code { "x-amz-*" } ":"
        }
        (example(&put(&presigned)))
        p { "The store answers 200, and refuses other bytes, another length and a second upload." }
        h3 { "3. Register it" }
        p {
            a href="#registerAsset" { code { "POST /nexus/raw/register" } }
            " with what you know of it; all but the id may be left out:"
        }
        (example(REGISTER))
        p { "answers 201 with the record, and 200 with the same bytes where it is repeated:" }
        (example(RECORD))
        h3 { "4. Read it" }
        p {
            a href="#getAsset" { code { "GET /nexus/raw/" (asset) } } " answers 200 with the same record, and "
            a href="#getAssetEvents" { code { "GET /nexus/raw/" (asset) "/events" } } " with what happened to it."
        }
    })
}

fn example(text: &str) -> Markup {
    html! { pre { code { (text.trim_end()) } } }
}

/// Renders the upload as an HTTP message.
fn put(presigned: &Value) -> String {
    let upload = &presigned["upload"];
    let url = text(&upload["url"]);
    let (host, path) = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .unwrap_or_default();
    let mut lines = vec![
        format!("{} /{path} HTTP/1.1", text(&upload["method"])),
        format!("host: {host}"),
        "content-length: 161713".to_owned(),
    ];
    let headers = members(&upload["headers"]);
    lines.extend(headers.map(|(name, value)| format!("{name}: {}", text(value))));
    lines.push(String::new());
    lines.push("(the 161,713 bytes of the photograph)".to_owned());
    lines.join("\n")
}
