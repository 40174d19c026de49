//! Small files, which are stored together with few requests.

use std::{io::Cursor, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt as _, future::join_all, stream};
use nexus_raw::asset::Sha256Digest;

use super::{
    plan::Item,
    session::{MAX_GROUPED_BYTES, Outcome, Session, Stored, blocking, request, single_put},
};
use crate::{
    client::{Payload, PresignAnswer, PresignRequest, Provenance, RegisterRequest, new_key},
    content,
    exit::Exit,
    failure::Failure,
};

/// A file that is ready to be requested.
struct Prepared {
    request: PresignRequest,
    provenance: Provenance,
    content: Bytes,
}

/// The state of a file of a group after its upload.
enum Sent {
    Uploaded(RegisterRequest),
    Stored(Stored),
    /// It has to be stored by itself.
    Alone,
}

impl Session<'_> {
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
                Err(failure @ Failure::FileChanged { .. }) => {
                    self.note_change(&failure);
                    outcomes.push(outcome(item, self.one_once(item).await));
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
        let answers = match self.service.register_batch(&requests, self.wait()).await {
            Ok(answers) => answers,
            Err(failure) if failure.is_too_large() => {
                // each by itself fits
                requests
                    .iter()
                    .map(|_| Err(Failure::Reported(Exit::Unavailable)))
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
        let each = items.into_iter().zip(requests).zip(answers);
        let registered = each.map(|((item, request), answer)| async move {
            let record = match answer {
                Err(failure) if failure.is_not_uploaded() => {
                    self.progress.take_back(item.size_bytes);
                    let result = self.one(item).await.map_err(Arc::new);
                    return Outcome { item, result };
                }
                Err(failure) if failure.exit() == Exit::Unavailable => {
                    self.service.register(&request, self.wait()).await
                }
                other => other,
            };
            let stored = record.map(|record| Stored {
                record,
                is_new: true,
            });
            Outcome {
                item,
                result: stored.map_err(Arc::new),
            }
        });
        // all of them wait at the same time
        join_all(registered).await
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
            Err(failure) if failure.exit() == Exit::Unavailable => {
                return Ok(Sent::Alone);
            }
            Err(failure) => return Err(failure),
        };
        let size_bytes = prepared.request.size_bytes;
        if let Some(sha256) = prepared.request.sha256
            && self.may_be_own_parts(size_bytes, sha256).await?
            && let Some(record) = self.standing(item, sha256).await?
        {
            return Ok(Sent::Stored(self.skipped(item, record)));
        }
        let put = single_put(presigned.upload)?;
        let content = &prepared.content;
        let payload = |meter: &_| {
            // a small one is sent in one piece anyway
            Ok(if content.len() <= content::PIECE_BYTES {
                Payload::Bytes(content.clone())
            } else {
                Payload::Stream(content::pieces(content.clone(), meter))
            })
        };
        let sent = self.upload(&put, size_bytes, payload).await;
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
                content: bytes,
            })
        });
        Ok(prepared.collect())
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
