//! Records as finished JSON, in bounded memory (ADR 65).

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use actix_web::http::header::HeaderValue;
use bytes::Bytes;
use nexus_raw::{
    asset::{AssetId, RawAsset, Sha256Digest},
    service::{RawStorageService, ReadError},
    tenancy::{ReadAccess, Scope},
};
use quick_cache::{Weighter, sync::Cache};

/// The memory of all records, in bytes.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// What an entry takes besides its JSON, in bytes.
const OF_ENTRY: u64 = 400;

/// The number of records for which the tables are made; they grow beyond it.
const USUAL_RECORDS: usize = 1_000;

/// The registered records that were read lately. A record never changes; what is in force may.
pub struct Records(Cache<RecordKey, Arc<FinishedRecord>, RecordWeight>);

/// The full scope is a part of the key: no caller finds what another scope has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct RecordKey {
    scope: Scope,
    asset: AssetId,
}

/// A record as it is sent.
pub(crate) struct FinishedRecord {
    /// Its JSON.
    pub(crate) body: Bytes,
    tag: OnceLock<HeaderValue>,
    consent: LastConsent,
}

/// The consent that was read last, with the version at that time.
struct LastConsent(AtomicU64);

/// The error of finding a record.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It cannot be written as JSON, which would be a bug.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

#[derive(Clone)]
struct RecordWeight;

impl Weighter<RecordKey, Arc<FinishedRecord>> for RecordWeight {
    fn weight(&self, _: &RecordKey, record: &Arc<FinishedRecord>) -> u64 {
        u64::try_from(record.body.len()).map_or(u64::MAX, |bytes| bytes + OF_ENTRY)
    }
}

impl Default for Records {
    fn default() -> Self {
        Self(Cache::with_weighter(USUAL_RECORDS, MAX_BYTES, RecordWeight))
    }
}

impl Records {
    /// Returns the record of a registered asset, and whether its consent in force and that of its
    /// ancestors allow training.
    ///
    /// The record comes from memory if it is there. The consent does only where the catalogue knows
    /// that it has not changed; otherwise it is read, which also shows whether the record is still
    /// there.
    pub(crate) async fn find(
        &self,
        service: &RawStorageService,
        access: &ReadAccess,
        asset: AssetId,
    ) -> Result<(Arc<FinishedRecord>, bool), RecordError> {
        let key = RecordKey {
            scope: access.scope().clone(),
            asset,
        };
        // before anything is read
        let version = service.consent_version(access);
        let Some(record) = self.0.get(&key) else {
            let listed = service.asset(access, asset).await?;
            let effective = listed.in_force.train_ok_effective;
            let record = self.remember(key, &listed.asset)?;
            record.consent.set(version, effective);
            return Ok((record, effective));
        };
        if let Some(effective) = record.consent.get(version) {
            return Ok((record, effective));
        }
        match service.train_ok_effective(access, asset).await {
            Ok(effective) => {
                record.consent.set(version, effective);
                Ok((record, effective))
            }
            Err(error) => {
                if matches!(error, ReadError::AssetNotFound) {
                    self.forget(&key);
                }
                Err(error.into())
            }
        }
    }

    /// Returns the records of these assets, each where it has one. What is not in memory is read
    /// together.
    pub(crate) async fn find_all(
        &self,
        service: &RawStorageService,
        access: &ReadAccess,
        assets: impl Iterator<Item = AssetId>,
    ) -> Result<Vec<Option<Arc<FinishedRecord>>>, RecordError> {
        let scope = access.scope();
        let key = |asset| RecordKey {
            scope: scope.clone(),
            asset,
        };
        let mut missing = Vec::new();
        let mut places = HashMap::new();
        let mut found = Vec::new();
        for asset in assets {
            let record = self.0.get(&key(asset));
            if record.is_none() {
                places.insert(asset, found.len());
                missing.push(asset);
            }
            found.push(record);
        }
        if missing.is_empty() {
            return Ok(found);
        }
        for asset in service.records(access, &missing).await? {
            let id = asset.asset_id();
            let record = self.remember(key(id), &asset)?;
            if let Some(place) = places.get(&id).and_then(|at| found.get_mut(*at)) {
                *place = Some(record);
            }
        }
        Ok(found)
    }

    fn remember(
        &self,
        key: RecordKey,
        asset: &RawAsset,
    ) -> Result<Arc<FinishedRecord>, serde_json::Error> {
        let record = Arc::new(FinishedRecord::of(serde_json::to_vec(asset)?));
        self.0.insert(key, Arc::clone(&record));
        Ok(record)
    }

    /// Forgets a record that is no longer in the catalogue.
    fn forget(&self, key: &RecordKey) {
        self.0.remove(key);
    }
}

impl FinishedRecord {
    /// Returns the entity tag of the JSON, which a list does not need.
    pub(crate) fn tag(&self) -> HeaderValue {
        let tag = self.tag.get_or_init(|| entity_tag(&self.body));
        tag.clone()
    }

    fn of(body: Vec<u8>) -> Self {
        Self {
            tag: OnceLock::new(),
            // without the room that the text grew into
            body: body.into_boxed_slice().into(),
            consent: LastConsent(AtomicU64::new(LastConsent::UNKNOWN)),
        }
    }
}

impl LastConsent {
    const UNKNOWN: u64 = u64::MAX;

    fn get(&self, version: Option<u64>) -> Option<bool> {
        let last = self.0.load(SeqCst);
        let is_current = last != Self::UNKNOWN && Some(last >> 1) == version;
        is_current.then_some(last & 1 == 1)
    }

    fn set(&self, version: Option<u64>, effective: bool) {
        let last = version.map_or(Self::UNKNOWN, |version| version << 1 | u64::from(effective));
        self.0.store(last, SeqCst);
    }
}

/// Returns the strong entity tag of a body: half a SHA-256 of its bytes, so that it also changes with
/// the serialization of another version.
pub(crate) fn entity_tag(body: &[u8]) -> HeaderValue {
    let digest = hex::encode(&Sha256Digest::of(body).as_bytes()[..16]);
    // hexadecimal digits are valid in a header
    HeaderValue::try_from(format!("\"{digest}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

#[cfg(test)]
mod tests;
