//! Uploads in parts. The file is hashed while its parts go up.

use std::{cell::Cell, collections::BTreeMap, future::ready, pin::pin};

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use nexus_raw::asset::{AssetId, Sha256Digest};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::{Receiver, channel};

use super::{
    plan::Item,
    session::{Begun, Session, Stored, blocking, request, unexpected},
    state::UploadState,
};
use crate::{
    client::{PartDigest, Payload, RegisterRequest, SignedPut, Upload, by_number},
    content::SharedFile,
    failure::Failure,
};

/// The maximum number of parts that are hashed before they are uploaded, and declared at a time. Each
/// takes some bytes.
const MAX_AHEAD: usize = 64;

/// How often an upload is begun anew because the service or the store has forgotten it.
const MAX_UPLOADS: u8 = 3;

/// How often parts that the store has lost are uploaded again.
const MAX_ROUNDS: u8 = 3;

/// How often a part is signed anew because the store refuses its URL.
const MAX_URLS: u8 = 3;

/// The size of a read.
const READ_BYTES: usize = 1024 * 1024;

/// An upload under way.
struct Uploading<'a> {
    asset_id: AssetId,
    /// What was counted of it.
    progressed: &'a Cell<u64>,
    file: SharedFile,
    part_size_bytes: u64,
    part_count: u16,
    /// What the store holds of an earlier run.
    held: Vec<PartDigest>,
}

/// The digests of a file.
struct Hashed {
    whole: Sha256Digest,
    parts: BTreeMap<u16, Sha256Digest>,
}

impl Session<'_> {
    /// Stores a file in parts. One that changes meanwhile is tried once more.
    pub(super) async fn in_parts(&self, item: &Item) -> Result<Stored, Failure> {
        let mut has_changed = false;
        let mut uploads = 1;
        loop {
            let file = SharedFile::open(&item.path)?;
            let mut state = self.state.of(item, file.stamp())?;
            if let Some(id) = state.take_outdated() {
                // of what the file was before; the service may have ended it already
                let _ = self.service.abort(id).await;
            }
            let progressed = Cell::new(0);
            let failure = match self.attempt(item, file, &mut state, &progressed).await {
                Ok(stored) => {
                    state.forget();
                    return Ok(stored);
                }
                Err(failure) => failure,
            };
            self.progress.take_back(progressed.get());
            let is_tried_again = match &failure {
                Failure::FileChanged { .. } => !std::mem::replace(&mut has_changed, true),
                _ if failure.needs_another_upload() => {
                    uploads += 1;
                    uploads <= MAX_UPLOADS
                }
                _ if failure.ends_upload() => false,
                // the next run goes on with it
                _ => return Err(failure),
            };
            if let Some(id) = state.asset_id() {
                // it may have ended already
                let _ = self.service.abort(id).await;
            }
            state.forget();
            if !is_tried_again {
                return Err(failure);
            }
            self.note(&format!("{failure}; uploading it anew"));
        }
    }

    async fn attempt(
        &self,
        item: &Item,
        file: SharedFile,
        state: &mut UploadState,
        progressed: &Cell<u64>,
    ) -> Result<Stored, Failure> {
        let size_bytes = file.stamp().size_bytes;
        let (opened, rules, filename) = (file.clone(), self.rules.clone(), item.filename.clone());
        let described =
            blocking(move || Ok(opened.with_file(|file| rules.describe(&filename, file)))).await?;
        let mut known = None;
        // its digest is of use only where something can be the same
        if !self.args.again && self.has_size(size_bytes).await? {
            let sha256 = self.digest(&file).await?;
            if let Some(record) = self.standing(item, sha256).await? {
                return Ok(self.skipped(item, record));
            }
            known = Some(sha256);
        }
        let content_type = described.content_type.clone();
        let mut request = request(item, content_type, size_bytes, None);
        request.multipart = true;
        let provenance = self.provenance_of(item, described)?;
        let presigned = loop {
            match self.begun(state, &request).await? {
                Begun::Upload(presigned) => break presigned,
                Begun::Registered(id) => {
                    let sha256 = self.digest(&file).await?;
                    if let Some(stored) = self.registered_before(item, id, sha256).await? {
                        return Ok(stored);
                    }
                    state.renew()?;
                }
                Begun::Same(_) => return Err(unexpected()),
            }
        };
        let asset_id = presigned.asset_id;
        self.note(&format!("asset {asset_id}: {}", item.path.display()));
        let Upload::Multipart {
            part_size_bytes: part_size_bytes @ 1..,
            part_count,
        } = presigned.upload
        else {
            return Err(unexpected());
        };
        if u64::from(part_count) != size_bytes.div_ceil(part_size_bytes) {
            return Err(unexpected());
        }
        let mut uploading = Uploading {
            asset_id,
            progressed,
            file,
            part_size_bytes,
            part_count,
            held: vec![],
        };
        let mut registration = RegisterRequest {
            asset_id,
            sha256: known,
            provenance,
        };
        if state.is_resumed() {
            uploading.held = self.service.held_parts(asset_id).await?;
            if uploading.held.is_empty() {
                // the store may have put the parts together already
                let sha256 = self.digest(&uploading.file).await?;
                known = Some(sha256);
                registration.sha256 = known;
                match self.service.register(&registration, self.wait()).await {
                    // what an earlier run sent last may have arrived meanwhile
                    Err(failure) if failure.is_not_uploaded() => {
                        uploading.held = self.service.held_parts(asset_id).await?;
                    }
                    registered => {
                        return registered.map(|record| Stored {
                            is_new: true,
                            ..self.skipped(item, record)
                        });
                    }
                }
            }
        }
        let hashed = self.all_parts(&uploading, known).await?;
        registration.sha256 = Some(hashed.whole);
        let record = self.completed(&uploading, &hashed, &registration).await?;
        Ok(Stored {
            record,
            is_new: true,
        })
    }

    /// Hashes the file and uploads the parts that the store does not hold.
    async fn all_parts(
        &self,
        uploading: &Uploading<'_>,
        known: Option<Sha256Digest>,
    ) -> Result<Hashed, Failure> {
        let (sender, hashed) = channel(MAX_AHEAD);
        let (file, part_size_bytes) = (uploading.file.clone(), uploading.part_size_bytes);
        let size_bytes = file.stamp().size_bytes;
        let hashing = blocking(move || {
            let mut whole = known.is_none().then(Sha256::new);
            let mut buffer = vec![0; READ_BYTES];
            let mut parts = BTreeMap::new();
            let mut offset = 0;
            for part_number in 1.. {
                let end = size_bytes.min(offset + part_size_bytes);
                let mut part = Sha256::new();
                while offset < end {
                    let length = usize::try_from(end - offset).unwrap_or(READ_BYTES);
                    let read = &mut buffer[..length.min(READ_BYTES)];
                    file.read_at(offset, read).map_err(|it| it.failure())?;
                    part.update(&*read);
                    if let Some(whole) = &mut whole {
                        whole.update(&*read);
                    }
                    offset += read.len() as u64;
                }
                let sha256 = Sha256Digest::from_bytes(part.finalize().into());
                parts.insert(part_number, sha256);
                let part = PartDigest {
                    part_number,
                    sha256,
                };
                // the uploads have failed if nobody takes it
                if sender.blocking_send(part).is_err() || offset == size_bytes {
                    break;
                }
            }
            file.check_unchanged().map_err(|it| it.failure())?;
            let whole = whole.map(|it| Sha256Digest::from_bytes(it.finalize().into()));
            Ok((whole, parts))
        });
        let parts = stream::unfold(hashed, |hashed| self.declared(uploading, hashed))
            .map_ok(|parts| stream::iter(parts.into_iter().map(Ok)))
            .try_flatten();
        let (sent, hashed) = tokio::join!(self.sent_parts(uploading, parts), hashing);
        let (whole, parts) = match (sent, hashed) {
            (Ok(()), hashed) => hashed?,
            // what the file became explains what the store refused
            (Err(_), Err(changed @ Failure::FileChanged { .. })) => return Err(changed),
            (Err(failure), _) => return Err(failure),
        };
        let whole = known.or(whole).ok_or_else(unexpected)?;
        Ok(Hashed { whole, parts })
    }

    /// Uploads parts. After a failure none is begun any more, but those under way go up, so that the
    /// next run need not send them again.
    async fn sent_parts(
        &self,
        uploading: &Uploading<'_>,
        parts: impl Stream<Item = Result<(PartDigest, SignedPut), Failure>>,
    ) -> Result<(), Failure> {
        let has_failed = Cell::new(false);
        let uploads = parts
            .take_while(|_| ready(!has_failed.get()))
            .map(|part| async move {
                let (part, put) = part?;
                self.part(uploading, part, put).await
            })
            .buffer_unordered(usize::from(self.args.concurrency));
        let mut uploads = pin!(uploads);
        let mut first = Ok(());
        while let Some(sent) = uploads.next().await {
            if first.is_ok() {
                has_failed.set(sent.is_err());
                first = sent;
            }
        }
        first
    }

    /// Declares the parts that are hashed by now and not held by the store.
    async fn declared(
        &self,
        uploading: &Uploading<'_>,
        mut hashed: Receiver<PartDigest>,
    ) -> Option<(
        Result<Vec<(PartDigest, SignedPut)>, Failure>,
        Receiver<PartDigest>,
    )> {
        let mut parts = Vec::new();
        while parts.is_empty() {
            let mut received = Vec::new();
            if hashed.recv_many(&mut received, MAX_AHEAD).await == 0 {
                return None;
            }
            for part in received {
                if by_number(&uploading.held, part.part_number) == Some(part.sha256) {
                    let length = length(&range(uploading, part.part_number));
                    self.progress.advance(length);
                    uploading.count(length);
                } else {
                    parts.push(part);
                }
            }
        }
        let signed = self
            .service
            .declare_parts(uploading.asset_id, parts.clone());
        let signed = signed
            .await
            .map(|puts| parts.into_iter().zip(puts).collect());
        Some((signed, hashed))
    }

    /// Uploads a part, with another URL if the store refuses the first.
    async fn part(
        &self,
        uploading: &Uploading<'_>,
        part: PartDigest,
        mut put: SignedPut,
    ) -> Result<(), Failure> {
        let range = range(uploading, part.part_number);
        for urls in 1.. {
            let payload =
                |meter: &_| Ok(Payload::Stream(uploading.file.stream(range.clone(), meter)));
            match self.upload(&put, length(&range), payload).await {
                Ok(()) => {
                    uploading.count(length(&range));
                    return Ok(());
                }
                Err(failure) if urls < MAX_URLS && failure.may_need_another_url() => {
                    self.note(&format!("{failure}; requesting another URL"));
                }
                Err(failure @ Failure::Store { .. }) => {
                    let unchanged = uploading.file.check_unchanged();
                    return unchanged.map_err(|it| it.failure()).and(Err(failure));
                }
                other => return other,
            }
            let signed = self
                .service
                .declare_parts(uploading.asset_id, vec![part])
                .await?;
            put = signed.into_iter().next().ok_or_else(unexpected)?;
        }
        Err(unexpected())
    }

    /// Registers the upload, which completes it. Parts that the store has lost are uploaded again.
    async fn completed(
        &self,
        uploading: &Uploading<'_>,
        hashed: &Hashed,
        request: &RegisterRequest,
    ) -> Result<bytes::Bytes, Failure> {
        for round in 1.. {
            let problem = match self.service.register(request, self.wait()).await {
                Err(Failure::Problem(problem))
                    if round < MAX_ROUNDS && problem.code == "object-not-uploaded" =>
                {
                    problem
                }
                other => return other,
            };
            let numbers = problem.errors.iter().filter_map(|fault| {
                let number = fault.pointer.strip_prefix("/parts/")?;
                number.parse::<u16>().ok()
            });
            let parts: Vec<_> = numbers
                .filter_map(|part_number| {
                    let sha256 = *hashed.parts.get(&part_number)?;
                    Some(PartDigest {
                        part_number,
                        sha256,
                    })
                })
                .collect();
            if parts.is_empty() {
                return Err(Failure::Problem(problem));
            }
            self.note(&format!(
                "the store has lost {} parts; uploading them again",
                parts.len()
            ));
            let lost = parts
                .iter()
                .map(|it| length(&range(uploading, it.part_number)));
            let lost = lost.sum();
            self.progress.take_back(lost);
            uploading
                .progressed
                .update(|all: u64| all.saturating_sub(lost));
            let puts = self
                .service
                .declare_parts(uploading.asset_id, parts.clone())
                .await?;
            let parts = stream::iter(parts.into_iter().zip(puts).map(Ok));
            self.sent_parts(uploading, parts).await?;
        }
        Err(unexpected())
    }
}

impl Uploading<'_> {
    fn count(&self, bytes: u64) {
        self.progressed.update(|all| all + bytes);
    }
}

/// Returns where a part is in the file.
fn range(uploading: &Uploading<'_>, part_number: u16) -> std::ops::Range<u64> {
    let size_bytes = uploading.file.stamp().size_bytes;
    let start = u64::from(part_number.saturating_sub(1)) * uploading.part_size_bytes;
    let end = if part_number == uploading.part_count {
        size_bytes
    } else {
        size_bytes.min(start + uploading.part_size_bytes)
    };
    start..end
}

fn length(range: &std::ops::Range<u64>) -> u64 {
    range.end.saturating_sub(range.start)
}
