use std::collections::BTreeMap;

use nexus_raw::{
    asset::{
        DeclaredPart, ObjectAddress, ObjectKey, PartNumber, Sha256Digest, UploadId, UploadIntent,
    },
    ports::{
        CompletionOutcome, CompositeDigest, ListedUpload, OpenUpload, OpenUploads, PartTerms,
        PartsListing, PresignedUpload, SignedUrl, StoreCapabilities, StoredObject, StoredPart,
        UploadsMarker,
    },
    time::Timestamp,
};

use super::{
    PutOutcome, StoreState,
    grant::{sent_headers, url},
};
use crate::HttpRequest;

/// An upload in parts that was begun.
#[derive(Debug)]
pub(super) struct PartsUpload {
    address: ObjectAddress,
    content_type: String,
    user_metadata: BTreeMap<String, String>,
    parts: BTreeMap<PartNumber, Vec<u8>>,
}

impl PartsUpload {
    pub(super) fn of(intent: &UploadIntent) -> Self {
        let metadata = intent.object_metadata();
        Self {
            address: intent.address.clone(),
            content_type: intent.facts.content_type.to_string(),
            user_metadata: metadata.map(|(name, it)| (name.to_owned(), it)).into(),
            parts: BTreeMap::new(),
        }
    }

    pub(super) fn is_at(&self, address: &ObjectAddress) -> bool {
        self.address == *address
    }

    fn stored(&self) -> impl Iterator<Item = StoredPart> {
        self.parts.iter().map(|(number, bytes)| StoredPart {
            number: *number,
            size_bytes: bytes.len().try_into().unwrap(),
            etag: etag(bytes),
        })
    }
}

/// The request that the signature of a part permits.
#[derive(Debug, Clone)]
pub(super) struct PartGrant {
    upload: OpenUpload,
    part: DeclaredPart,
    signed_at: Timestamp,
    expires_at: Timestamp,
}

impl PartGrant {
    pub(super) fn of(
        terms: &PartTerms<'_>,
        part: DeclaredPart,
        credentials_end: Option<Timestamp>,
    ) -> Self {
        let ends = [
            Some(terms.now.saturating_add(terms.ttl)),
            Some(terms.not_after),
            credentials_end,
        ];
        Self {
            upload: terms.upload.clone(),
            part,
            signed_at: terms.now,
            expires_at: ends.into_iter().flatten().min().unwrap_or(terms.now),
        }
    }

    pub(super) fn presigned(&self) -> PresignedUpload {
        let signed = format!("{:?} {:?}", self.upload.upload_id, self.part);
        let signed = Sha256Digest::of(signed.as_bytes());
        let names = "content-length%3Bhost%3Bx-amz-checksum-sha256";
        let address = &self.upload.address;
        let url = url(address, self.signed_at, self.expires_at, names, &signed);
        let digest = self.part.sha256.to_base64();
        PresignedUpload {
            method: "PUT",
            url: SignedUrl::new(url),
            headers: vec![("x-amz-checksum-sha256".to_owned(), digest)],
            expires_at: self.expires_at,
        }
    }

    /// Stores the part, if this is the signed request.
    pub(super) fn put(
        &self,
        request: &HttpRequest,
        state: &mut StoreState,
        now: Timestamp,
    ) -> PutOutcome {
        if now >= self.expires_at {
            return PutOutcome::RequestExpired;
        }
        let sent = sent_headers(request);
        let length = u64::try_from(request.body.len()).unwrap();
        let digest = self.part.sha256.to_base64();
        if request.method != "PUT"
            || length != self.part.size_bytes.get()
            || sent.get("x-amz-checksum-sha256") != Some(&digest)
        {
            return PutOutcome::SignatureDoesNotMatch;
        }
        let unsigned =
            |name: &String| name.starts_with("x-amz-") && name != "x-amz-checksum-sha256";
        if sent.keys().any(unsigned) {
            return PutOutcome::HeaderNotSigned;
        }
        let enforces = state.capabilities.proves_parts;
        let Some(upload) = state.uploads.get_mut(&self.upload.upload_id) else {
            return PutOutcome::NoSuchUpload;
        };
        if enforces && Sha256Digest::of(&request.body) != self.part.sha256 {
            return PutOutcome::BadDigest;
        }
        upload.parts.insert(self.part.number, request.body.clone());
        PutOutcome::Stored
    }
}

/// The number of uploads on a page.
const PAGE: usize = 2;

impl StoreState {
    pub(super) fn listed_uploads(&self, after: Option<&UploadsMarker>) -> OpenUploads {
        let mut open: Vec<_> = self
            .uploads
            .iter()
            .map(|(id, upload)| (upload.address.clone(), id.clone()))
            .collect();
        open.sort_by_key(|(address, id)| (address.key.as_str().to_owned(), id.clone()));
        let marker = |(address, id): &(ObjectAddress, UploadId)| UploadsMarker {
            key: address.key.as_str().to_owned(),
            upload_id: id.as_str().to_owned(),
        };
        let is_after = |it: &(ObjectAddress, UploadId)| {
            let place = |it: &UploadsMarker| (it.key.clone(), it.upload_id.clone());
            after.is_none_or(|after| place(&marker(it)) > place(after))
        };
        open.retain(is_after);
        let has_more = open.len() > PAGE;
        open.truncate(PAGE);
        OpenUploads {
            next: open.last().filter(|_| has_more).map(marker),
            uploads: open
                .into_iter()
                .map(|(address, upload_id)| {
                    let (scope, asset_id, _) =
                        ObjectKey::parse_parts(address.key.as_str()).unwrap();
                    ListedUpload {
                        scope,
                        asset_id,
                        address,
                        upload_id,
                    }
                })
                .collect(),
        }
    }

    pub(super) fn listing(&self, upload: &OpenUpload, after: u16, limit: u16) -> PartsListing {
        let Some(open) = self.uploads.get(&upload.upload_id) else {
            return PartsListing::UnknownUpload;
        };
        let page = open.stored().filter(|part| part.number.get() > after);
        PartsListing::Parts(page.take(limit.into()).collect())
    }

    pub(super) fn completion(
        &mut self,
        upload: &OpenUpload,
        parts: &[DeclaredPart],
    ) -> CompletionOutcome {
        if self.objects.contains_key(&upload.address) {
            return CompletionOutcome::Completed;
        }
        let Some(open) = self.uploads.get(&upload.upload_id) else {
            return CompletionOutcome::UnknownUpload;
        };
        let is_missing = |part: &&DeclaredPart| {
            let length = |bytes: &Vec<u8>| u64::try_from(bytes.len()).unwrap();
            let held = open.parts.get(&part.number).map(length);
            held != Some(part.size_bytes.get())
        };
        let missing: Vec<_> = parts
            .iter()
            .filter(is_missing)
            .map(|it| it.number)
            .collect();
        if !missing.is_empty() {
            return CompletionOutcome::MissingParts(missing);
        }
        let content: Vec<u8> = open.parts.values().flatten().copied().collect();
        let object = open.object(&content, parts, self.capabilities);
        let address = open.address.clone();
        self.uploads.remove(&upload.upload_id);
        self.store(address, object, content);
        CompletionOutcome::Completed
    }
}

impl PartsUpload {
    fn object(
        &self,
        content: &[u8],
        parts: &[DeclaredPart],
        store: StoreCapabilities,
    ) -> StoredObject {
        StoredObject {
            size_bytes: content.len().try_into().unwrap(),
            content_type: Some(self.content_type.clone()),
            sha256: None,
            composite: store.proves_parts.then(|| CompositeDigest {
                sha256: DeclaredPart::composite_sha256(parts),
                parts: parts.len().try_into().unwrap(),
            }),
            etag: format!("{}-{}", etag(content), parts.len()),
            version_id: None,
            user_metadata: self.user_metadata.clone(),
            foreign_headers: Vec::new(),
        }
    }
}

fn etag(bytes: &[u8]) -> String {
    Sha256Digest::of(bytes).to_string().split_off(32)
}
