//! What repeated downloads need, in bounded memory (ADR 65).

use nexus_raw::{
    asset::RawAsset,
    ports::{DownloadKey, Downloadable},
    time::Timestamp,
};
use quick_cache::{Weighter, sync::Cache};

/// The memory of all entries, in bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// What an entry takes besides texts of any length, in bytes.
const OF_ENTRY: usize = 1_200;

/// The number of entries for which the tables are made; they grow beyond it.
const USUAL_ENTRIES: usize = 100;

/// The downloads that were asked for lately, by who asked for what.
///
/// An entry is used only while nothing changed that was read with it. Its grant may be out of date:
/// the writer looks again before it writes, so that a grant in memory only saves asking it.
pub(super) struct KnownDownloads(Cache<DownloadKey, KnownDownload, DownloadWeight>);

#[derive(Clone)]
struct KnownDownload {
    /// The version of what is in force in the scope, before it was read.
    version: u64,
    found: Downloadable,
}

#[derive(Clone)]
struct DownloadWeight;

impl Weighter<DownloadKey, KnownDownload> for DownloadWeight {
    fn weight(&self, _: &DownloadKey, known: &KnownDownload) -> u64 {
        let bytes = OF_ENTRY.saturating_add(texts(&known.found.listed.asset));
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

impl Default for KnownDownloads {
    fn default() -> Self {
        Self(Cache::with_weighter(
            USUAL_ENTRIES,
            MAX_BYTES,
            DownloadWeight,
        ))
    }
}

impl KnownDownloads {
    /// Returns what was found at this version.
    pub(super) fn get(&self, key: &DownloadKey, version: Option<u64>) -> Option<Downloadable> {
        let version = version?;
        let known = self.0.get(key)?;
        (known.version == version).then_some(known.found)
    }

    /// Remembers what was found. `version` is that of before it was read.
    pub(super) fn insert(&self, key: &DownloadKey, version: u64, found: Downloadable) {
        self.0.insert(key.clone(), KnownDownload { version, found });
    }

    /// Notes until when a download is granted, if it is remembered.
    pub(super) fn grant(&self, key: &DownloadKey, ends_at: Timestamp) {
        if let Some(mut known) = self.0.get(key) {
            known.found.granted_until = known.found.granted_until.max(Some(ends_at));
            self.0.insert(key.clone(), known);
        }
    }

    pub(super) fn clear(&self) {
        self.0.clear();
    }
}

/// The room of what has no fixed length, in bytes, with what each piece costs besides its text.
fn texts(asset: &RawAsset) -> usize {
    const OF_PIECE: usize = 64;
    let provenance = asset.provenance();
    let labels = provenance.labels.as_map().iter();
    let labels: usize = labels
        .map(|(key, value)| key.len() + value.len() + 2 * OF_PIECE)
        .sum();
    let lineage = &provenance.lineage;
    let source = lineage.source_uri.as_ref();
    labels
        + source.map_or(0, |it| it.as_str().len())
        + lineage.derived_from.as_slice().len() * OF_PIECE
        + asset.facts().filename.as_str().len()
}
