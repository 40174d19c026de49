//! What a record says of its object, beside what the store says.

use std::collections::BTreeMap;

use nexus_raw::{
    asset::{ContentType, DeclaredPart, RawAsset, UploadIntent},
    ports::StoredObject,
};

use super::difference::{Difference, DifferenceKind as Kind};

/// A registered object, as the catalogue has it.
pub(super) struct Registered<'a> {
    pub(super) intent: &'a UploadIntent,
    pub(super) asset: &'a RawAsset,
    /// Of an upload in parts.
    pub(super) parts: &'a [DeclaredPart],
    /// Whether the store keeps `application/octet-stream`; otherwise that type is not compared.
    pub(super) keeps_octet_stream: bool,
}

/// What came of comparing one object.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) differences: Vec<Difference>,
    /// Whether the digest could not be compared.
    pub(super) without_digest: bool,
}

impl Registered<'_> {
    /// Compares everything that the store says of the registered version.
    pub(super) fn compare(&self, found: &StoredObject) -> Compared {
        let key = self.intent.address.key.as_str();
        let at = |kind| Difference::at(key, kind);
        let (facts, integrity) = (self.asset.facts(), self.asset.integrity());
        let mut differences = Vec::new();
        if facts.size_bytes.get() != found.size_bytes {
            let size = at(Kind::Size).expecting(facts.size_bytes.get().to_string());
            differences.push(size.finding(found.size_bytes.to_string()));
        }
        let (expected, digest) = self.digests(found);
        if let Some(digest) = digest.as_ref().filter(|it| **it != expected) {
            differences.push(at(Kind::Digest).expecting(expected).finding(digest));
        }
        if integrity.etag != found.etag {
            let tag = at(Kind::EntityTag).expecting(integrity.etag.clone());
            differences.push(tag.finding(found.etag.clone()));
        }
        let expected = facts.content_type.as_str();
        let is_compared = self.keeps_octet_stream || expected != ContentType::OCTET_STREAM;
        if is_compared && found.content_type.as_deref() != Some(expected) {
            let found = found.content_type.clone().unwrap_or_default();
            differences.push(at(Kind::ContentType).expecting(expected).finding(found));
        }
        let expected: BTreeMap<_, _> = self
            .intent
            .object_metadata()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        if expected != found.user_metadata {
            let metadata = at(Kind::TenantMetadata).expecting(as_text(&expected));
            differences.push(metadata.finding(as_text(&found.user_metadata)));
        }
        let headers = found.foreign_headers.iter();
        differences.extend(headers.map(|name| at(Kind::ForeignHeader).finding(*name)));
        Compared {
            differences,
            without_digest: digest.is_none(),
        }
    }

    /// Returns the digest that the catalogue expects, and the store's of the same sort, if it has one.
    fn digests(&self, found: &StoredObject) -> (String, Option<String>) {
        let whole = found.sha256.map(|it| it.to_string());
        // of an adopted object the digests of the parts are not known
        let parts = self.asset.integrity().parts.map(usize::from);
        if parts != Some(self.parts.len()) || found.composite.is_none() {
            return (self.asset.facts().sha256.to_string(), whole);
        }
        let composite = found
            .composite
            .map(|it| format!("{}-{}", it.sha256, it.parts));
        let expected = DeclaredPart::composite_sha256(self.parts);
        (format!("{expected}-{}", self.parts.len()), composite)
    }
}

/// Writes metadata on one line.
pub(super) fn as_text(metadata: &BTreeMap<String, String>) -> String {
    let entries = metadata
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    entries.collect::<Vec<_>>().join(", ")
}
