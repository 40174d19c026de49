use std::sync::Arc;

use super::ListedAsset;
use crate::{
    asset::{AssetId, Disposition},
    event::EventBody,
    tenancy::{Scope, UserId},
    time::Timestamp,
};

/// Who downloads what, and in which way: what a catalogue keeps the last URL's end by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DownloadKey {
    /// The tenant and environment.
    pub scope: Scope,
    /// The asset.
    pub asset_id: AssetId,
    /// The user.
    pub user: UserId,
    /// What a browser is to do with it.
    pub disposition: Disposition,
}

/// A registered asset that is to be downloaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Downloadable {
    /// The record, and what is in force of it. Shared, since it may come from memory.
    pub listed: Arc<ListedAsset>,
    /// When the last URL ends that was made for the same user in the same way, if its event is
    /// still known.
    pub granted_until: Option<Timestamp>,
}

/// A download to be written down before its URL leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDownload {
    /// Who downloads what.
    pub key: DownloadKey,
    /// When the URL ends.
    pub ends_at: Timestamp,
    /// No event is needed where an earlier URL of the same key ends at this time or later.
    pub enough_until: Timestamp,
    /// The sequence of the asset's last fact, on which the event is based.
    pub last_fact: Option<u64>,
    /// The event, if it is needed.
    pub event: EventBody,
}

/// The outcome of recording a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DownloadOutcome {
    /// The event is durable.
    Recorded,
    /// Another call has made a URL that ends late enough; nothing was written. A further one may
    /// leave that ends no later than this.
    Granted(Timestamp),
    /// A fact of the asset was recorded meanwhile; nothing was written.
    Changed,
    /// There is no such registered asset in this scope; nothing was written.
    UnknownAsset,
}
