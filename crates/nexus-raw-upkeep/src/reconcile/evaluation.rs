//! Looks at one object or upload from both sides, now.

use std::time::Duration;

use nexus_raw::{
    asset::{AssetId, ObjectKey, RawAsset, UploadIntent},
    ports::{IntentState, ListedMultipart, StoredObject},
    time::Timestamp,
};

use super::{
    Adoption, Reconciliation,
    comparison::{Registered, as_text},
    difference::{Difference, DifferenceKind as Kind},
    error::ReconcileError,
    state::Counts,
};

/// The name of the version without an id, in a bucket that was not always versioned.
const NULL_VERSION: &str = "null";

/// How far the clocks of the service and of this machine may be apart.
const CLOCK_SKEW: Duration = Duration::from_mins(5);

/// What came of a look at one key.
#[derive(Debug, Default)]
pub(super) struct Evaluation {
    pub(super) key: String,
    pub(super) differences: Vec<Difference>,
    pub(super) counts: Counts,
    /// The asset of an intent that came to nothing.
    pub(super) ended: Option<AssetId>,
}

/// What an evaluation needs to know of the run.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunFacts {
    /// The list has every object that was there at this time.
    pub(super) listed_at: Timestamp,
    pub(super) keeps_octet_stream: bool,
}

impl Reconciliation<'_> {
    /// Looks at the object at a key, whatever the list said of it, and has `adoption` adopt one
    /// without an intent.
    pub(super) async fn evaluate_key(
        &self,
        key: String,
        facts: RunFacts,
        adoption: Option<&Adoption<'_>>,
    ) -> Result<Evaluation, ReconcileError> {
        if let Some(state) = self.intent_at(&key).await? {
            // what is looked at once more is counted already
            let evaluation = self.evaluate_intent(state, true, facts).await?;
            return Ok(Evaluation {
                counts: Counts::default(),
                ..evaluation
            });
        }
        let mut evaluation = Evaluation::default();
        if let Some(found) = self.bucket.object(&key, None).await? {
            let foreign = Difference::at(&key, Kind::Foreign);
            let difference = match adoption {
                None => foreign,
                Some(adoption) => {
                    match adoption
                        .adopt(&self.settings.bucket, &key, &found, self.clock)
                        .await?
                    {
                        Ok(intent) => {
                            evaluation.counts.adopted = 1;
                            Difference::at(&key, Kind::Unregistered)
                                .expecting(intent_in_words(&intent))
                        }
                        Err(reason) => {
                            foreign.expecting(format!("nothing, and not adopted: {reason}"))
                        }
                    }
                }
            };
            evaluation
                .differences
                .push(difference.finding(in_words(&found)));
        }
        evaluation.key = key;
        Ok(evaluation)
    }

    /// Returns the intent whose object is to be at a key.
    async fn intent_at(&self, key: &str) -> Result<Option<IntentState>, ReconcileError> {
        let Ok((scope, asset, _)) = ObjectKey::parse_parts(key) else {
            return Ok(None);
        };
        let state = self.catalog.intent(&scope, asset).await?;
        Ok(state.filter(|state| {
            let address = &state.intent().address;
            address.key.as_str() == key && address.bucket == self.settings.bucket
        }))
    }

    /// Looks at the object of an intent. `is_listed` is whether the list has an object there.
    pub(super) async fn evaluate_intent(
        &self,
        state: IntentState,
        is_listed: bool,
        facts: RunFacts,
    ) -> Result<Evaluation, ReconcileError> {
        let key = state.intent().address.key.as_str().to_owned();
        let mut ended = None;
        let mut counts = Counts::default();
        if state.intent().address.bucket != self.settings.bucket {
            counts.other_bucket = 1;
            return Ok(Evaluation {
                key,
                counts,
                ..Evaluation::default()
            });
        }
        let differences = match state {
            IntentState::Registered { intent, asset, .. } => {
                counts.records = 1;
                let looked = self.look_at_record(&intent, &asset, facts).await?;
                counts.without_digest = u64::from(looked.without_digest);
                let was_there = asset.imported_at().saturating_add(CLOCK_SKEW) < facts.listed_at;
                counts.unlisted = u64::from(looked.is_latest && !is_listed && was_there);
                looked.differences
            }
            IntentState::Pending(intent) => {
                counts.open_intents = 1;
                let has_ended = self.clock.now() >= intent.ends_at;
                let kind = if has_ended {
                    Kind::UploadedNeverRegistered
                } else {
                    Kind::Unregistered
                };
                if self.adoption.is_some() && !is_listed && self.came_to_nothing(&intent).await? {
                    ended = Some(intent.asset_id);
                }
                self.look_at_open(&intent, is_listed, kind).await?
            }
            IntentState::Aborted(intent) => {
                counts.open_intents = 1;
                let kind = Kind::UploadedNeverRegistered;
                self.look_at_open(&intent, is_listed, kind).await?
            }
        };
        Ok(Evaluation {
            key,
            differences,
            counts,
            ended,
        })
    }

    /// Whether the bucket shows that nothing comes of an intent: it has ended, there is no object, and
    /// no upload in parts is open. Time alone does not show it.
    async fn came_to_nothing(&self, intent: &UploadIntent) -> Result<bool, ReconcileError> {
        if self.clock.now() < intent.ends_at.saturating_add(CLOCK_SKEW) {
            return Ok(false);
        }
        let key = intent.address.key.as_str();
        if self.bucket.object(key, None).await?.is_some() {
            return Ok(false);
        }
        let upload = intent.multipart.as_ref();
        let Some(upload_id) = upload.and_then(|it| it.upload_id.as_ref()) else {
            return Ok(true);
        };
        let upload = ListedMultipart {
            key: key.to_owned(),
            upload_id: upload_id.as_str().to_owned(),
        };
        Ok(!self.bucket.is_open(&upload).await?)
    }

    /// An object that the list has not may still arrive, so it is no difference.
    async fn look_at_open(
        &self,
        intent: &UploadIntent,
        is_listed: bool,
        kind: Kind,
    ) -> Result<Vec<Difference>, ReconcileError> {
        if !is_listed {
            return Ok(Vec::new());
        }
        let key = intent.address.key.as_str();
        let Some(found) = self.bucket.object(key, None).await? else {
            return Ok(Vec::new());
        };
        let difference = Difference::at(key, kind).expecting(intent_in_words(intent));
        Ok(vec![difference.finding(in_words(&found))])
    }

    /// The latest version is asked for first: in most cases it is the registered one.
    async fn look_at_record(
        &self,
        intent: &UploadIntent,
        asset: &RawAsset,
        facts: RunFacts,
    ) -> Result<RecordLook, ReconcileError> {
        let key = intent.address.key.as_str();
        let pinned = asset.integrity().version_id.as_deref();
        let latest = self.bucket.object(key, None).await?;
        let at = |kind| Difference::at(key, kind).expecting(version_in_words(pinned));
        let (first, found) = match latest {
            Some(found) if found.version_id.as_deref() == pinned => (None, Some(found)),
            other => {
                let version = Some(pinned.unwrap_or(NULL_VERSION));
                let found = self.bucket.object(key, version).await?;
                let difference = match (&other, &found) {
                    (Some(other), Some(_)) => at(Kind::AnotherObject).finding(in_words(other)),
                    (Some(other), None) => at(Kind::Version).finding(in_words(other)),
                    // what else hides a version
                    (None, Some(_)) => at(Kind::DeleteMarker),
                    (None, None) => at(Kind::MissingObject),
                };
                (Some(difference), found)
            }
        };
        let Some(found) = found else {
            return Ok(RecordLook {
                differences: first.into_iter().collect(),
                is_latest: false,
                without_digest: false,
            });
        };
        let parts = match asset.integrity().parts {
            Some(_) if found.composite.is_some() => {
                self.catalog.parts(&intent.scope, intent.asset_id).await?
            }
            _ => Vec::new(),
        };
        let registered = Registered {
            intent,
            asset,
            parts: &parts,
            keeps_octet_stream: facts.keeps_octet_stream,
        };
        let compared = registered.compare(&found);
        Ok(RecordLook {
            is_latest: first.is_none(),
            differences: first.into_iter().chain(compared.differences).collect(),
            without_digest: compared.without_digest,
        })
    }

    /// Looks at an upload in parts that was listed as open.
    pub(super) async fn evaluate_upload(
        &self,
        upload: ListedMultipart,
    ) -> Result<Option<Difference>, ReconcileError> {
        let state = self.intent_at(&upload.key).await?;
        let is_known = state.is_some_and(|state| {
            let multipart = state.intent().multipart.as_ref();
            multipart.is_some_and(|multipart| match &multipart.upload_id {
                Some(id) => id.as_str() == upload.upload_id,
                // it is begun in the store before its id is recorded
                None => {
                    matches!(&state, IntentState::Pending(it) if self.clock.now() < it.ends_at)
                }
            })
        });
        if is_known || !self.bucket.is_open(&upload).await? {
            return Ok(None);
        }
        Ok(Some(Difference {
            upload_id: Some(upload.upload_id),
            ..Difference::at(&upload.key, Kind::UnknownMultipart)
        }))
    }
}

struct RecordLook {
    differences: Vec<Difference>,
    /// Whether the registered version is the latest one.
    is_latest: bool,
    without_digest: bool,
}

fn version_in_words(version: Option<&str>) -> String {
    version.map_or_else(|| "no version id".to_owned(), |id| format!("version {id}"))
}

fn intent_in_words(intent: &UploadIntent) -> String {
    format!(
        "an intent of {} until {}",
        intent.requested_by, intent.ends_at
    )
}

/// What the store says of an object that is not the registered one: said, not believed.
fn in_words(found: &StoredObject) -> String {
    let content_type = found.content_type.as_ref();
    let metadata = Some(as_text(&found.user_metadata)).filter(|it| !it.is_empty());
    let words = [
        Some(format!("{} bytes", found.size_bytes)),
        content_type.map(|it| format!("content type {it}")),
        Some(format!("entity tag {}", found.etag)),
        found.version_id.as_ref().map(|it| format!("version {it}")),
        metadata.map(|it| format!("metadata {it}")),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
