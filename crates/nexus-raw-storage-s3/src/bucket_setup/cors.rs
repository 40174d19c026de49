use serde::Serialize;

use crate::{probe, settings::S3Settings, signing::encryption_headers};

/// The CORS rules of a bucket (Amazon S3 API Reference, `PutBucketCors`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CorsConfiguration {
    #[serde(rename = "CORSRules")]
    rules: [CorsRule; 1],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct CorsRule {
    #[serde(rename = "ID")]
    id: &'static str,
    allowed_origins: Vec<String>,
    allowed_methods: [&'static str; 2],
    allowed_headers: Vec<String>,
    expose_headers: [&'static str; 1],
    max_age_seconds: u32,
}

impl CorsConfiguration {
    pub(crate) fn allowed_headers(&self) -> &[String] {
        let [rule] = &self.rules;
        &rule.allowed_headers
    }
}

impl S3Settings {
    /// Returns the rule that lets pages of these origins send signed uploads and downloads, with the
    /// headers that a signature requires and no other ones.
    #[must_use]
    pub fn cors_configuration(&self, origins: &[String]) -> CorsConfiguration {
        let owner = self.expected_bucket_owner.as_deref();
        let constant = encryption_headers(&self.server_side_encryption, owner);
        // those of a part are among them
        let headers = probe::upload("").headers(&constant);
        CorsConfiguration {
            rules: [CorsRule {
                id: "PagesOfTheService",
                allowed_origins: origins.to_vec(),
                allowed_methods: ["GET", "PUT"],
                allowed_headers: headers.into_iter().map(|(name, _)| name).collect(),
                // libraries that upload in parts read it
                expose_headers: ["ETag"],
                max_age_seconds: 3600,
            }],
        }
    }
}
