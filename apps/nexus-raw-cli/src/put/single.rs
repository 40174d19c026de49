//! Files that are stored in one request each.

use bytes::Bytes;
use nexus_raw::asset::{AssetId, Sha256Digest};

use super::{
    described::Described,
    plan::Item,
    session::{
        Begun, MAX_GROUPED_BYTES, Session, Stored, blocking, request, single_put, unexpected,
    },
    state::UploadState,
};
use crate::{
    client::{Payload, PresignAnswer, PresignRequest, Presigned, RegisterRequest},
    content::Content,
    failure::Failure,
};

/// How often an upload is signed anew because the store refuses its URL.
const MAX_URLS: u8 = 3;

/// The size from which a file is hashed long enough that its progress is shown.
const LONG_HASHED_BYTES: u64 = 64 * 1024 * 1024;

impl Session<'_> {
    /// Stores a file in one request. One that changes meanwhile is tried once more.
    pub(super) async fn one(&self, item: &Item) -> Result<Stored, Failure> {
        match self.one_once(item).await {
            Err(failure @ Failure::FileChanged { .. }) => {
                self.note_change(&failure);
                self.one_once(item).await
            }
            other => other,
        }
    }

    pub(super) fn note_change(&self, failure: &Failure) {
        self.note(&format!("{failure}; trying once more"));
    }

    /// Stores a file that does not change.
    pub(super) async fn one_once(&self, item: &Item) -> Result<Stored, Failure> {
        let (file, rules) = (item.clone(), self.rules.clone());
        let hashing =
            (item.size_bytes >= LONG_HASHED_BYTES).then(|| self.progress.hashing(item.size_bytes));
        let read = blocking(move || {
            let advance = |bytes| {
                if let Some(hashing) = &hashing {
                    hashing.advance(bytes);
                }
            };
            let content = Content::read(&file.path, advance)?;
            let described = rules.describe(&file.filename, content.file());
            Ok((content, described))
        });
        let (content, described) = read.await?;
        let mut state = self.state.of(item, content.stamp())?;
        match self
            .stored_once(item, &content, described, &mut state)
            .await
        {
            Err(failure) if !failure.ends_upload() => Err(failure),
            ended => {
                state.forget();
                ended
            }
        }
    }

    async fn stored_once(
        &self,
        item: &Item,
        content: &Content,
        described: Described,
        state: &mut UploadState,
    ) -> Result<Stored, Failure> {
        let is_small = item.size_bytes <= MAX_GROUPED_BYTES;
        let sha256 = content.sha256();
        let content_type = described.content_type.clone();
        let mut request = request(item, content_type, content.size_bytes, Some(sha256));
        let provenance = self.provenance_of(item, described)?;
        let may_stand = !is_small || self.may_be_own_parts(content.size_bytes, sha256).await?;
        if may_stand
            && !self.args.again
            && let Some(record) = self.standing(item, sha256).await?
        {
            return Ok(self.skipped(item, record));
        }
        request.if_registered = self.if_registered(content.size_bytes).filter(|_| is_small);
        let presigned = loop {
            match self.begun(state, &request).await? {
                Begun::Upload(presigned) => break presigned,
                Begun::Registered(id) => {
                    if let Some(stored) = self.registered_before(item, id, sha256).await? {
                        return Ok(stored);
                    }
                }
                Begun::Same(record) => {
                    if let Some(record) = self.same(item, sha256, record).await? {
                        return Ok(self.skipped(item, record));
                    }
                    request.if_registered = None;
                }
            }
            state.renew()?;
        };
        let asset_id = presigned.asset_id;
        if !is_small {
            self.note(&format!("asset {asset_id}: {}", item.path.display()));
        }
        let registration = RegisterRequest {
            asset_id,
            sha256: None,
            provenance,
        };
        let record = self
            .uploaded_and_registered(state, (&request, &registration), presigned, content)
            .await?;
        Ok(Stored {
            record,
            is_new: true,
        })
    }

    /// Returns the record of the same content if it stands for this file, too.
    async fn same(
        &self,
        item: &Item,
        sha256: Sha256Digest,
        record: Bytes,
    ) -> Result<Option<Bytes>, Failure> {
        if item.matching(&record).is_some() {
            return Ok(Some(record));
        }
        self.standing(item, sha256).await
    }

    /// Uploads in one request and registers it. Uploads it again if the store has no object after
    /// all, since it said that it has one when nothing was sent.
    async fn uploaded_and_registered(
        &self,
        state: &UploadState,
        (request, registration): (&PresignRequest, &RegisterRequest),
        mut presigned: Presigned,
        content: &Content,
    ) -> Result<Bytes, Failure> {
        let asset_id = presigned.asset_id;
        for uploads in 1.. {
            self.uploaded(state, request, presigned, content).await?;
            match self.service.register(registration, self.wait()).await {
                Err(failure) if uploads < MAX_URLS && failure.is_not_uploaded() => {
                    self.note(&format!("{failure}; uploading it again"));
                }
                other => return other,
            }
            self.progress.take_back(request.size_bytes);
            presigned = self.signed_anew(state, request, asset_id).await?;
        }
        Err(unexpected())
    }

    /// Returns another URL for an upload under way.
    async fn signed_anew(
        &self,
        state: &UploadState,
        request: &PresignRequest,
        asset_id: AssetId,
    ) -> Result<Presigned, Failure> {
        match self.service.presign(request, &state.key()?).await? {
            PresignAnswer::Presigned(it) if it.asset_id == asset_id => Ok(it),
            _ => Err(unexpected()),
        }
    }

    /// Uploads in one request, with another URL if the store refuses the first.
    async fn uploaded(
        &self,
        state: &UploadState,
        request: &PresignRequest,
        mut presigned: Presigned,
        content: &Content,
    ) -> Result<(), Failure> {
        let asset_id = presigned.asset_id;
        for urls in 1.. {
            let put = single_put(presigned.upload)?;
            let payload = |meter: &_| {
                let stream = content.stream(meter);
                stream.map(Payload::Stream).map_err(|it| it.failure())
            };
            match self.upload(&put, request.size_bytes, payload).await {
                Err(failure) if urls < MAX_URLS && failure.may_need_another_url() => {
                    self.note(&format!("{failure}; requesting another URL"));
                }
                other => return other,
            }
            presigned = self.signed_anew(state, request, asset_id).await?;
        }
        Err(unexpected())
    }
}
