use std::{collections::BTreeMap, time::Duration};

use nexus_raw::{
    asset::{Sha256Digest, UploadIntent},
    ports::{
        CallerKey, HashingClaim, Lease, NewAsset, ParkedFilter, PinnedObject, Progress,
        ProgressChange, RegisterOutcome, RepeatOutcome,
    },
    tenancy::Scope,
    time::Timestamp,
};
use uuid::Uuid;

use crate::{commitment::CommittedBody, error::Failure};

/// An intent to be recorded, and its event.
#[derive(Debug)]
pub(crate) struct NewIntent {
    pub(crate) intent: UploadIntent,
    pub(crate) event: CommittedBody,
    /// What its caller called the request.
    pub(crate) key: Option<Box<IntentKey>>,
}

/// A caller's key, and the digest of the request that it is to stand for.
#[derive(Debug)]
pub(crate) struct IntentKey {
    pub(crate) caller: CallerKey,
    pub(crate) body_digest: Sha256Digest,
}

/// What came of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntentOutcome {
    Recorded,
    AlreadyExists,
    KeyStands,
}

/// One more event of a presign, to be written if its intent is pending.
#[derive(Debug)]
pub(crate) struct RepeatedPresign {
    pub(crate) scope: Scope,
    pub(crate) event: CommittedBody,
}

/// A record to be written, and its event.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) new: Box<NewAsset>,
    pub(crate) event: CommittedBody,
}

/// A wish to hold the relay's lease until `now + ttl`.
#[derive(Debug)]
pub(crate) struct LeaseRequest {
    pub(crate) owner: Uuid,
    pub(crate) now: Timestamp,
    pub(crate) ttl: Duration,
}

/// How far each scope's cursor moves. A batch may name a scope once for each of its events.
pub(crate) fn cursors(change: &ProgressChange) -> BTreeMap<&Scope, u64> {
    let mut cursors: BTreeMap<&Scope, u64> = BTreeMap::new();
    let mut pass = |scope, sequence: u64| {
        let cursor = cursors.entry(scope).or_default();
        *cursor = sequence.max(*cursor);
    };
    match change {
        ProgressChange::Delivered(places) => {
            for (scope, sequence) in places {
                pass(scope, *sequence);
            }
        }
        ProgressChange::Parked(event) => pass(&event.scope, event.sequence),
        ProgressChange::Retried { .. } => {}
    }
    cursors
}

/// A wish to have parked events tried again.
#[derive(Debug)]
pub(crate) struct RetryRequest {
    pub(crate) filter: ParkedFilter,
    pub(crate) now: Timestamp,
}

/// What a hasher has to say of an object.
#[derive(Debug)]
pub(crate) struct HashingRequest {
    pub(crate) object: PinnedObject,
    pub(crate) step: HashingStep,
}

/// See [`DigestLedger`](nexus_raw::ports::DigestLedger), whose methods these are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum HashingStep {
    Claim {
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    },
    Renew {
        epoch: u64,
        now: Timestamp,
        ttl: Duration,
    },
    Record {
        epoch: u64,
        digest: Sha256Digest,
    },
    Release {
        epoch: u64,
    },
}

/// What a hasher is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HashingAnswer {
    Claim(HashingClaim),
    /// Whether the claim stood, and the step was done.
    Done(bool),
}

/// What is written in one transaction.
#[derive(Debug, Default)]
pub(crate) struct Group<'a> {
    pub(crate) intents: Vec<&'a NewIntent>,
    pub(crate) repeats: Vec<&'a RepeatedPresign>,
    pub(crate) registrations: Vec<&'a Registration>,
    pub(crate) leases: Vec<&'a LeaseRequest>,
    pub(crate) progress: Vec<&'a Progress>,
    pub(crate) hashings: Vec<&'a HashingRequest>,
    pub(crate) retries: Vec<&'a RetryRequest>,
}

impl Group<'_> {
    pub(crate) fn len(&self) -> usize {
        self.intents.len()
            + self.repeats.len()
            + self.registrations.len()
            + self.leases.len()
            + self.progress.len()
            + self.hashings.len()
            + self.retries.len()
    }
}

/// What came of each member of a [`Group`], in its order.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    pub(crate) intents: Vec<IntentOutcome>,
    pub(crate) repeats: Vec<RepeatOutcome>,
    /// A registration can fail alone, when the record that stands in its way cannot be read.
    pub(crate) registrations: Vec<Result<RegisterOutcome, Failure>>,
    pub(crate) leases: Vec<Option<Lease>>,
    pub(crate) progress: Vec<bool>,
    pub(crate) hashings: Vec<HashingAnswer>,
    pub(crate) retries: Vec<u64>,
}

impl Outcomes {
    /// Whether there is something new for the relay.
    pub(crate) fn has_event(&self) -> bool {
        self.retries.iter().any(|asked| *asked > 0)
            || self.intents.contains(&IntentOutcome::Recorded)
            || self.repeats.contains(&RepeatOutcome::Recorded)
            || self
                .registrations
                .iter()
                .any(|it| matches!(it, Ok(RegisterOutcome::Registered)))
    }
}
