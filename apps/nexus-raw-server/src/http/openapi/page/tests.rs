use serde_json::json;

use super::{Markup, STYLE, content_security_policy, page};

#[test]
fn the_policy_lets_in_the_one_style_sheet_of_the_page_and_nothing_else() {
    let html = page(&json!({}), &[], &Markup::default()).into_string();
    assert_eq!(html.matches("<style").count(), 1);
    assert!(html.contains(&format!("<style>{STYLE}</style>")));
    let policy = content_security_policy();
    let directives: Vec<_> = policy.split("; ").collect();
    assert_eq!(directives[0], "default-src 'none'");
    let digest = directives[1].strip_prefix("style-src 'sha256-").unwrap();
    assert_eq!(digest.len(), 45, "44 characters of base64, and the quote");
    let others = [
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ];
    assert_eq!(directives[2..], others);
}

#[test]
fn no_text_of_the_document_becomes_markup() {
    let document = json!({
        "info": {"title": "<script>", "description": "a `<b>` & \"c\"", "version": "1"},
        "paths": {"/<i>": {"get": {"operationId": "\"><x", "responses": {}}}},
        "components": {"schemas": {"<s>": {"description": "<u>"}}},
    });
    let html = page(&document, &[("/<i>", "GET")], &Markup::default()).into_string();
    for markup in ["<script>", "<b>", "<i>", "<s>", "<u>", "<x"] {
        assert!(!html.contains(markup), "{markup}");
    }
    assert!(html.contains("<code>&lt;b&gt;</code> &amp; "));
}
