//! What the files of a run have in common.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use nexus_raw::asset::{AssetId, Sha256Digest};
use tokio::sync::Semaphore;

use super::{
    described::MetadataRules,
    own_parts::OwnParts,
    plan::Item,
    state::{StateDirectory, UploadState},
};
use crate::{
    args::PutArgs,
    client::{
        IfRegistered, Payload, PresignAnswer, PresignRequest, Presigned, Provenance, Service,
        SignedPut, Upload,
    },
    failure::{Failure, Peer},
    meter::Meter,
    progress::Progress,
    render::Escaped,
};

/// The maximum size of a file in a group, which is read as a whole.
pub(super) const MAX_GROUPED_BYTES: u64 = 1024 * 1024;

/// The service, the options, and what all files share.
pub(super) struct Session<'a> {
    pub(super) args: &'a PutArgs,
    pub(super) service: Service,
    pub(super) progress: Progress,
    pub(super) provenance: Provenance,
    pub(super) rules: MetadataRules,
    pub(super) state: StateDirectory,
    /// Uploads at a time, of small files and parts together.
    pub(super) uploads: Semaphore,
    /// The user of the token, if it says so.
    pub(super) user: Option<String>,
    pub(super) own_parts: OwnParts,
}

/// A stored file.
pub(super) struct Stored {
    /// The record, as the service writes it.
    pub(super) record: Bytes,
    /// Whether this run registered it.
    pub(super) is_new: bool,
}

/// What became of a file.
pub(super) struct Outcome<'p> {
    pub(super) item: &'p Item,
    pub(super) result: Result<Stored, Arc<Failure>>,
}

impl Session<'_> {
    pub(super) fn silence(&self) -> Duration {
        Duration::from_secs(self.args.silence_seconds.into())
    }

    pub(super) fn wait(&self) -> Duration {
        Duration::from_secs(self.args.wait_seconds.into())
    }

    pub(super) fn note(&self, line: &str) {
        self.progress.note(&Escaped(line).to_string());
    }

    /// Requests an upload under the remembered key, or under another if that stands for something
    /// else by now.
    pub(super) async fn begun(
        &self,
        state: &mut UploadState,
        request: &PresignRequest,
    ) -> Result<Begun, Failure> {
        loop {
            state.remember(state.asset_id());
            match self.service.presign(request, &state.key()?).await {
                Ok(PresignAnswer::Registered(record)) => return Ok(Begun::Same(record)),
                Ok(PresignAnswer::Presigned(presigned)) => {
                    state.remember(Some(presigned.asset_id));
                    return Ok(Begun::Upload(presigned));
                }
                Err(Failure::Problem(problem))
                    if state.is_resumed() && problem.code == "asset-conflict" =>
                {
                    // the run before was ended after the registration
                    let id = problem.location.as_deref().and_then(id_in);
                    return id.map(Begun::Registered).ok_or(Failure::Problem(problem));
                }
                Err(failure) if state.is_resumed() && failure.needs_another_upload() => {
                    if let Some(id) = state.asset_id().filter(|_| request.multipart) {
                        // it may have ended already
                        let _ = self.service.abort(id).await;
                    }
                    state.renew()?;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Returns a file whose content is registered already.
    pub(super) fn skipped(&self, item: &Item, record: Bytes) -> Stored {
        self.progress.advance(item.size_bytes);
        Stored {
            record,
            is_new: false,
        }
    }

    /// Returns the file that an earlier run registered, if it is this one: it may have been written to
    /// without a trace, and put otherwise.
    pub(super) async fn registered_before(
        &self,
        item: &Item,
        id: AssetId,
        sha256: Sha256Digest,
    ) -> Result<Option<Stored>, Failure> {
        let record = self.service.asset(id).await?.json;
        let is_same = item
            .matching(&record)
            .is_some_and(|it| it.facts().sha256 == sha256);
        Ok(is_same.then(|| Stored {
            is_new: true,
            ..self.skipped(item, record)
        }))
    }

    /// Uploads with the others of this run.
    pub(super) async fn upload(
        &self,
        put: &SignedPut,
        size_bytes: u64,
        payload: impl Fn(&Meter) -> Result<Payload, Failure>,
    ) -> Result<(), Failure> {
        let _permit = self.uploads.acquire().await;
        self.service
            .upload(put, size_bytes, self.silence(), payload)
            .await
    }

    /// Empty files have nothing that one could recognise.
    pub(super) fn if_registered(&self, size_bytes: u64) -> Option<IfRegistered> {
        (!self.args.again && size_bytes > 0).then_some(IfRegistered::Return)
    }
}

/// The answer to a request for an upload.
pub(super) enum Begun {
    Upload(Presigned),
    /// An earlier run registered it.
    Registered(AssetId),
    /// A record of the same content.
    Same(Bytes),
}

/// Returns the request for an upload of a file.
pub(super) fn request(
    item: &Item,
    content_type: String,
    size_bytes: u64,
    sha256: Option<Sha256Digest>,
) -> PresignRequest {
    PresignRequest {
        filename: item.filename.clone(),
        content_type,
        size_bytes,
        sha256,
        if_registered: None,
        multipart: false,
    }
}

/// Runs work that blocks.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|cause| Failure::Runtime(cause.into()))?
}

/// Returns the upload if it is a single one, as was requested.
pub(super) fn single_put(upload: Upload) -> Result<SignedPut, Failure> {
    match upload {
        Upload::Single(put) => Ok(put),
        Upload::Multipart { .. } => Err(unexpected()),
    }
}

pub(super) fn unexpected() -> Failure {
    Failure::UnexpectedResponse {
        from: Peer::Service,
        status: reqwest::StatusCode::OK,
    }
}

/// Returns the asset of a location, `/nexus/raw/ID`.
fn id_in(location: &str) -> Option<AssetId> {
    let (_, id) = location.rsplit_once('/')?;
    AssetId::parse(id).ok()
}
