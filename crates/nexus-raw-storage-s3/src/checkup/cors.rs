//! The CORS rules of the bucket, against the pages that the service knows.

use std::collections::BTreeSet;

use aws_sdk_s3::types::CorsRule;
use nexus_raw::checkup::Examined;

use super::{Configured, applied, configured, unreadable};
use crate::{failure::RequestFailure, store::Store};

const CHECK: &str = "bucket.cors";

pub(super) async fn examine(store: &Store, origins: &[String]) -> Vec<Examined> {
    let request = store
        .client
        .get_bucket_cors()
        .bucket(store.bucket().as_str())
        .set_expected_bucket_owner(store.settings.expected_bucket_owner.clone());
    let answer = request.send().await;
    let answer = answer.map_err(|error| RequestFailure::sdk("GetBucketCors", &error));
    let rules = match configured(answer, "NoSuchCORSConfiguration") {
        Err(failure) => return vec![unreadable(CHECK, &failure, "s3:GetBucketCORS")],
        Ok(Configured::Unsupported) if origins.is_empty() => Vec::new(),
        Ok(Configured::Unsupported) => {
            return vec![Examined::note(
                CHECK,
                "not supported by this store: look into its configuration whether pages may upload",
            )];
        }
        Ok(Configured::Absent) => Vec::new(),
        Ok(Configured::As(found)) => found.cors_rules.unwrap_or_default(),
    };
    let wanted = store.settings.cors_configuration(origins);
    let headers = wanted.allowed_headers();
    let mut lacking = Vec::new();
    for origin in origins {
        for method in ["GET", "PUT"] {
            let headers = if method == "PUT" { headers } else { &[] };
            if !rules.iter().any(|rule| lets(rule, origin, method, headers)) {
                lacking.push(format!("{method} from {origin}"));
            }
        }
    }
    let mut all = Vec::new();
    if !lacking.is_empty() {
        all.push(Examined::fault(
            CHECK,
            format!("browsers are refused: {}", lacking.join(", ")),
            applied(store, "cors", "put-bucket-cors", "--cors-configuration"),
        ));
    }
    let known: BTreeSet<&str> = origins.iter().map(String::as_str).collect();
    let named = rules.iter().flat_map(|rule| &rule.allowed_origins);
    let others: BTreeSet<String> = named
        .filter(|origin| !known.contains(origin.as_str()))
        .map(|origin| origin.escape_debug().to_string())
        .collect();
    if !others.is_empty() {
        let others: Vec<_> = others.into_iter().collect();
        all.push(Examined::note(
            CHECK,
            format!(
                "pages of {} may use signed URLs too; http.cors_origins does not name them",
                others.join(", ")
            ),
        ));
    }
    if lacking.is_empty() {
        let found = if origins.is_empty() {
            "no page needs a rule".to_owned()
        } else {
            format!("pages of {} may upload and download", origins.join(", "))
        };
        all.insert(0, Examined::sound(CHECK, found));
    }
    all
}

/// Returns whether a rule lets a page send this (Amazon S3 User Guide, "Elements of a CORS
/// configuration").
fn lets(rule: &CorsRule, origin: &str, method: &str, headers: &[String]) -> bool {
    let header_allowed = |header: &String| {
        let allowed = rule.allowed_headers.iter().flatten();
        let header = header.to_ascii_lowercase();
        allowed
            .map(|it| it.to_ascii_lowercase())
            .any(|it| matches(&it, &header))
    };
    let mut exposed = rule.expose_headers.iter().flatten();
    rule.allowed_origins.iter().any(|it| matches(it, origin))
        && rule.allowed_methods.iter().any(|it| it == method)
        && headers.iter().all(header_allowed)
        && (method != "PUT" || exposed.any(|it| it.eq_ignore_ascii_case("etag")))
}

/// A pattern may have one `*`.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}
