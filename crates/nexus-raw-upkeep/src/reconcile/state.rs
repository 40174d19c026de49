use nexus_raw::{
    asset::AssetId,
    ports::PageToken,
    tenancy::{Environment, Scope, TenantId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// How far a run is. It is written with each page, in one transaction with what the page brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunState {
    /// What is compared, in words. A work file serves one such run.
    pub(super) subject: String,
    pub(super) started_at: Timestamp,
    pub(super) phase: Phase,
    pub(super) counts: Counts,
}

/// The phases, in order, each with the place where it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// Lists the versions of all objects.
    ListObjects(ListPlace),
    /// Lists the open uploads in parts.
    ListUploads(ListPlace),
    /// Looks up the objects of all intents and records.
    Intents {
        scope: Option<ScopePlace>,
        after: Option<AssetId>,
    },
    /// Looks up the intents of all other objects.
    Objects { after: String },
    /// Looks at every difference again, since much may have happened since it was found.
    Review { after: String },
    /// Looks up the intents of all open uploads, at last.
    Uploads { key: String, upload_id: String },
    /// The report is complete.
    Done,
}

/// A place in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ListPlace {
    pub(super) token: Option<String>,
    /// How many pages in a row had nothing new.
    pub(super) fruitless: u32,
}

impl ListPlace {
    /// Returns the page that begins there.
    pub(super) fn page(&self) -> Option<PageToken> {
        self.token.clone().map(PageToken::new)
    }
}

/// A scope in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ScopePlace {
    tenant: TenantId,
    environment: Environment,
}

impl From<Scope> for ScopePlace {
    fn from(scope: Scope) -> Self {
        Self {
            tenant: scope.tenant,
            environment: scope.environment,
        }
    }
}

impl From<ScopePlace> for Scope {
    fn from(place: ScopePlace) -> Self {
        Self {
            tenant: place.tenant,
            environment: place.environment,
        }
    }
}

/// What was compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Intents that are not registered.
    pub open_intents: u64,
    /// Records.
    pub records: u64,
    /// Intents and records whose objects are in another bucket, which is not looked at.
    pub other_bucket: u64,
    /// Objects without a digest that could be compared. Verification reads them.
    pub without_digest: u64,
    /// Registered objects that are there, and that the list left out.
    pub unlisted: u64,
    /// Objects without an intent that got one.
    #[serde(default)]
    pub adopted: u64,
    /// Intents that came to nothing, and were closed.
    #[serde(default)]
    pub closed: u64,
}

impl Counts {
    pub(super) fn add(&mut self, other: Self) {
        self.open_intents += other.open_intents;
        self.records += other.records;
        self.other_bucket += other.other_bucket;
        self.without_digest += other.without_digest;
        self.unlisted += other.unlisted;
        self.adopted += other.adopted;
        self.closed += other.closed;
    }
}
