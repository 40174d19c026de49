//! How files are stored: small ones in groups, others one by one.

use std::{io::Cursor, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use nexus_raw::asset::{AssetId, Sha256Digest};
use tokio::sync::Semaphore;

use super::{
    described::MetadataRules,
    plan::Item,
    state::{StateDirectory, UploadState},
};
use crate::{
    args::PutArgs,
    client::{
        IfRegistered, Payload, PresignAnswer, PresignRequest, Presigned, Provenance,
        RegisterRequest, Service, SignedPut, Upload, new_key,
    },
    content::{self, Content},
    failure::{Failure, Peer},
    progress::Progress,
    render::Escaped,
};

/// The maximum size of a file in a group, which is read as a whole.
pub(super) const MAX_GROUPED_BYTES: u64 = 1024 * 1024;

/// How often an upload is signed anew because the store refuses its URL.
const MAX_URLS: u8 = 3;

/// What the files of a run have in common.
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

/// The bytes of a file that is stored in one request.
enum FileBytes {
    Whole(Bytes),
    Open(Content),
}

/// A file that is ready to be requested.
struct Prepared {
    request: PresignRequest,
    provenance: Provenance,
    source: FileBytes,
}

impl FileBytes {
    fn payload(&self, meter: &crate::meter::Meter) -> Result<Payload, Failure> {
        match self {
            Self::Whole(bytes) => Ok(Payload::Bytes(bytes.clone())),
            Self::Open(content) => content
                .stream(meter)
                .map(Payload::Stream)
                .map_err(|error| error.failure()),
        }
    }
}

impl Session<'_> {
    pub(super) fn silence(&self) -> Duration {
        Duration::from_secs(self.args.silence_seconds.into())
    }

    pub(super) fn wait(&self) -> Duration {
        Duration::from_secs(self.args.wait_seconds.into())
    }

    pub(super) fn note(&self, line: &str) {
        if !self.args.quiet {
            self.progress.note(&Escaped(line).to_string());
        }
    }

    /// Stores small files with few requests. What fails of a file alone is tried again for it alone.
    pub(super) async fn group<'p>(&self, items: &'p [Item]) -> Vec<Outcome<'p>> {
        let outcome = |item, result: Result<_, Failure>| Outcome {
            item,
            result: result.map_err(Arc::new),
        };
        let prepared = match self.prepared(items).await {
            Ok(prepared) => prepared,
            Err(failure) => return all(items, &Arc::new(failure)),
        };
        let mut outcomes = Vec::new();
        let mut ready = Vec::new();
        for (item, prepared) in items.iter().zip(prepared) {
            match prepared {
                Ok(prepared) => ready.push((item, prepared)),
                Err(Failure::FileChanged { .. }) => {
                    outcomes.push(outcome(item, self.one(item).await));
                }
                Err(failure) => outcomes.push(outcome(item, Err(failure))),
            }
        }
        if ready.is_empty() {
            return outcomes;
        }
        let requests: Vec<_> = ready.iter().map(|(_, it)| it.request.clone()).collect();
        let answers = match new_key() {
            Ok(key) => self.service.presign_batch(&requests, &key).await,
            Err(failure) => Err(failure),
        };
        let answers = match answers {
            Ok(answers) => answers,
            Err(failure) => {
                let failure = Arc::new(failure);
                outcomes.extend(ready.into_iter().map(|(item, _)| Outcome {
                    item,
                    result: Err(failure.clone()),
                }));
                return outcomes;
            }
        };
        let uploads = ready
            .into_iter()
            .zip(answers)
            .map(|((item, it), answer)| async move { (item, self.sent(item, it, answer).await) });
        let sent: Vec<_> = stream::iter(uploads)
            .buffer_unordered(usize::from(self.args.concurrency) * 2)
            .collect()
            .await;
        let mut uploaded = Vec::new();
        for (item, sent) in sent {
            match sent {
                Ok(Sent::Uploaded(request)) => uploaded.push((item, request)),
                Ok(Sent::Stored(stored)) => outcomes.push(outcome(item, Ok(stored))),
                Ok(Sent::Alone) => outcomes.push(outcome(item, self.one(item).await)),
                Err(failure) => outcomes.push(outcome(item, Err(failure))),
            }
        }
        outcomes.extend(self.registered(uploaded).await);
        outcomes
    }

    /// Registers uploads together. One that has to wait does so alone.
    async fn registered<'p>(&self, uploaded: Vec<(&'p Item, RegisterRequest)>) -> Vec<Outcome<'p>> {
        let (items, requests): (Vec<_>, Vec<_>) = uploaded.into_iter().unzip();
        if requests.is_empty() {
            return vec![];
        }
        let answers = match self.service.register_batch(&requests).await {
            Ok(answers) => answers,
            Err(failure) if failure.is_service_away() => {
                // each waits until the service is there again
                requests
                    .iter()
                    .map(|_| Err(Failure::Reported(failure.exit())))
                    .collect()
            }
            Err(failure) => {
                let failure = Arc::new(failure);
                let failed = |item| Outcome {
                    item,
                    result: Err(failure.clone()),
                };
                return items.into_iter().map(failed).collect();
            }
        };
        let mut outcomes = Vec::new();
        for ((item, request), answer) in items.into_iter().zip(requests).zip(answers) {
            let answer = match answer {
                Err(failure) if failure.is_not_uploaded() => {
                    self.progress.take_back(item.size_bytes);
                    outcomes.push(Outcome {
                        item,
                        result: self.one(item).await.map_err(Arc::new),
                    });
                    continue;
                }
                Err(failure) if failure.exit() == crate::exit::Exit::Unavailable => {
                    self.service.register(&request, self.wait()).await
                }
                other => other,
            };
            let result = answer.map(|record| Stored {
                record,
                is_new: true,
            });
            outcomes.push(Outcome {
                item,
                result: result.map_err(Arc::new),
            });
        }
        outcomes
    }

    /// Uploads a file of a group.
    async fn sent(
        &self,
        item: &Item,
        prepared: Prepared,
        answer: Result<PresignAnswer, Failure>,
    ) -> Result<Sent, Failure> {
        let presigned = match answer {
            Ok(PresignAnswer::Registered(record)) => {
                return Ok(if item.matching(&record).is_some() {
                    self.progress.advance(item.size_bytes);
                    Sent::Stored(Stored {
                        record,
                        is_new: false,
                    })
                } else {
                    Sent::Alone
                });
            }
            Ok(PresignAnswer::Presigned(presigned)) => presigned,
            Err(failure) if failure.exit() == crate::exit::Exit::Unavailable => {
                return Ok(Sent::Alone);
            }
            Err(failure) => return Err(failure),
        };
        let put = single(presigned.upload)?;
        let payload = |meter: &_| prepared.source.payload(meter);
        let sent = self
            .upload(&put, prepared.request.size_bytes, payload)
            .await;
        match sent {
            Ok(()) => Ok(Sent::Uploaded(RegisterRequest {
                asset_id: presigned.asset_id,
                sha256: None,
                provenance: prepared.provenance,
            })),
            Err(failure) if failure.may_need_another_url() => Ok(Sent::Alone),
            Err(failure) => Err(failure),
        }
    }

    /// Reads and hashes the files of a group.
    async fn prepared(&self, items: &[Item]) -> Result<Vec<Result<Prepared, Failure>>, Failure> {
        let (files, rules) = (items.to_vec(), self.rules.clone());
        let read = blocking(move || {
            let whole = |item: &Item| {
                let bytes = content::read_whole(&item.path, MAX_GROUPED_BYTES)?;
                let sha256 = Sha256Digest::of(&bytes);
                let described = rules.describe(&item.filename, Cursor::new(&bytes));
                Ok::<_, Failure>((bytes, sha256, described))
            };
            Ok(files.iter().map(whole).collect::<Vec<_>>())
        });
        let read = read.await?.into_iter().zip(items);
        let prepared = read.map(|(read, item)| {
            let (bytes, sha256, described) = read?;
            let (size_bytes, content_type) = (bytes.len() as u64, described.content_type.clone());
            let mut request = request(item, content_type, size_bytes, Some(sha256));
            request.if_registered = self.if_registered(size_bytes);
            Ok(Prepared {
                request,
                provenance: self.provenance_of(item, described)?,
                source: FileBytes::Whole(bytes),
            })
        });
        Ok(prepared.collect())
    }

    /// Stores a file in one request. One that changes meanwhile is tried once more.
    pub(super) async fn one(&self, item: &Item) -> Result<Stored, Failure> {
        match self.one_once(item).await {
            Err(failure @ Failure::FileChanged { .. }) => {
                self.note(&format!("{failure}; trying once more"));
                self.one_once(item).await
            }
            other => other,
        }
    }

    async fn one_once(&self, item: &Item) -> Result<Stored, Failure> {
        let is_small = item.size_bytes <= MAX_GROUPED_BYTES;
        let (file, rules) = (item.clone(), self.rules.clone());
        let read = blocking(move || {
            let content = Content::read(&file.path, drop)?;
            let described = rules.describe(&file.filename, content.file());
            Ok((content, described))
        });
        let (content, described) = read.await?;
        let sha256 = content.sha256();
        let content_type = described.content_type.clone();
        let mut request = request(item, content_type, content.size_bytes, Some(sha256));
        let provenance = self.provenance_of(item, described)?;
        if !is_small
            && !self.args.again
            && let Some(record) = self.standing(item, sha256).await?
        {
            self.progress.advance(item.size_bytes);
            return Ok(Stored {
                record,
                is_new: false,
            });
        }
        request.if_registered = self.if_registered(content.size_bytes).filter(|_| is_small);
        let mut state = self.state.of(item, content.stamp())?;
        let presigned = match self.begun(&mut state, &request).await? {
            Begun::Upload(presigned) => presigned,
            Begun::Registered(id) => {
                self.progress.advance(item.size_bytes);
                state.forget();
                return self.record(id).await.map(|record| Stored {
                    record,
                    is_new: true,
                });
            }
            Begun::Same(record) => {
                if let Some(record) = self.same(item, sha256, record).await? {
                    self.progress.advance(item.size_bytes);
                    state.forget();
                    return Ok(Stored {
                        record,
                        is_new: false,
                    });
                }
                request.if_registered = None;
                state.renew()?;
                match self.begun(&mut state, &request).await? {
                    Begun::Upload(presigned) => presigned,
                    _ => return Err(unexpected()),
                }
            }
        };
        let asset_id = presigned.asset_id;
        if !is_small {
            self.note(&format!("asset {asset_id}: {}", item.path.display()));
        }
        let source = FileBytes::Open(content);
        let registration = RegisterRequest {
            asset_id,
            sha256: None,
            provenance,
        };
        let record = self
            .uploaded_and_registered(&state, (&request, &registration), presigned, &source)
            .await?;
        state.forget();
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

    /// Uploads in one request and registers it. Uploads it again if the store has no object after
    /// all, since it said that it has one when nothing was sent.
    async fn uploaded_and_registered(
        &self,
        state: &UploadState,
        (request, registration): (&PresignRequest, &RegisterRequest),
        mut presigned: Presigned,
        source: &FileBytes,
    ) -> Result<Bytes, Failure> {
        let asset_id = presigned.asset_id;
        for uploads in 1.. {
            self.uploaded(state, request, presigned, source).await?;
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
        source: &FileBytes,
    ) -> Result<(), Failure> {
        let asset_id = presigned.asset_id;
        for urls in 1.. {
            let put = single(presigned.upload)?;
            let payload = |meter: &_| source.payload(meter);
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

    /// Uploads with the others of this run.
    pub(super) async fn upload(
        &self,
        put: &SignedPut,
        size_bytes: u64,
        payload: impl Fn(&crate::meter::Meter) -> Result<Payload, Failure>,
    ) -> Result<(), Failure> {
        let _permit = self.uploads.acquire().await;
        self.service
            .upload(put, size_bytes, self.silence(), payload)
            .await
    }

    /// Empty files have nothing that one could recognise.
    fn if_registered(&self, size_bytes: u64) -> Option<IfRegistered> {
        (!self.args.again && size_bytes > 0).then_some(IfRegistered::Return)
    }
}

/// The state of a file of a group after its upload.
enum Sent {
    Uploaded(RegisterRequest),
    Stored(Stored),
    /// It has to be stored by itself.
    Alone,
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
fn single(upload: Upload) -> Result<SignedPut, Failure> {
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

/// The same failure of all items.
fn all<'p>(items: &'p [Item], failure: &Arc<Failure>) -> Vec<Outcome<'p>> {
    let failed = |item| Outcome {
        item,
        result: Err(failure.clone()),
    };
    items.iter().map(failed).collect()
}

/// Returns the asset of a location, `/nexus/raw/ID`.
fn id_in(location: &str) -> Option<AssetId> {
    let (_, id) = location.rsplit_once('/')?;
    AssetId::parse(id).ok()
}
