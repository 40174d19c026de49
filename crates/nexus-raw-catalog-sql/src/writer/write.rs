//! What is written, by kind.

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

use crate::{error::Failure, sealed::SealedEvent};

/// A kind of write, by the request that asks for it.
pub(crate) trait Kind: Sized {
    type Outcome;

    fn into_write(self) -> Write;
    /// The request, where the write is of this kind.
    fn of(write: &Write) -> Option<&Self>;
    fn written(outcome: Self::Outcome) -> Written;
    /// The outcome, where it is of this kind.
    fn outcome(written: Written) -> Option<Self::Outcome>;
}

/// Makes [`Write`] and [`Written`] of the list of kinds, which stands here alone.
macro_rules! kinds {
    ($($kind:ident: $request:ty => $outcome:ty,)*) => {
        /// A write that somebody asks for.
        #[derive(Debug)]
        pub(crate) enum Write {
            $($kind($request),)*
        }

        /// What came of a [`Write`].
        #[derive(Debug, PartialEq)]
        pub(crate) enum Written {
            $($kind($outcome),)*
        }

        $(impl Kind for $request {
            type Outcome = $outcome;

            fn into_write(self) -> Write {
                Write::$kind(self)
            }

            fn of(write: &Write) -> Option<&Self> {
                match write {
                    Write::$kind(request) => Some(request),
                    _ => None,
                }
            }

            fn written(outcome: $outcome) -> Written {
                Written::$kind(outcome)
            }

            fn outcome(written: Written) -> Option<$outcome> {
                match written {
                    Written::$kind(outcome) => Some(outcome),
                    _ => None,
                }
            }
        })*
    };
}

kinds! {
    Intent: NewIntent => IntentOutcome,
    Repeat: RepeatedPresign => RepeatOutcome,
    Register: Registration => RegisterOutcome,
    Lease: LeaseRequest => Option<Lease>,
    Progress: Progress => bool,
    Hashing: HashingRequest => HashingAnswer,
    Retry: RetryRequest => u64,
}

impl Write {
    /// The scope to whose events it adds, where it does.
    pub(crate) fn event_scope(&self) -> Option<&Scope> {
        match self {
            Self::Intent(it) => Some(&it.intent.scope),
            Self::Repeat(it) => Some(&it.scope),
            Self::Register(it) => Some(it.new.asset.scope()),
            Self::Lease(_) | Self::Progress(_) | Self::Hashing(_) | Self::Retry(_) => None,
        }
    }
}

impl Written {
    /// Whether there is something new for the relay.
    pub(crate) fn concerns_relay(&self) -> bool {
        match self {
            Self::Intent(outcome) => *outcome == IntentOutcome::Recorded,
            Self::Repeat(outcome) => *outcome == RepeatOutcome::Recorded,
            Self::Register(outcome) => *outcome == RegisterOutcome::Registered,
            Self::Retry(asked) => *asked > 0,
            Self::Lease(_) | Self::Progress(_) | Self::Hashing(_) => false,
        }
    }
}

/// An intent to be recorded, and its event.
#[derive(Debug)]
pub(crate) struct NewIntent {
    pub(crate) intent: UploadIntent,
    pub(crate) event: SealedEvent,
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
    pub(crate) event: SealedEvent,
}

/// A record to be written, and its event.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) new: Box<NewAsset>,
    pub(crate) event: SealedEvent,
}

/// A wish to hold the relay's lease until `now + ttl`.
#[derive(Debug)]
pub(crate) struct LeaseRequest {
    pub(crate) owner: Uuid,
    pub(crate) now: Timestamp,
    pub(crate) ttl: Duration,
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

/// The members of a group that are of one kind, each with its place.
pub(crate) struct Members<'a, K> {
    pub(crate) places: Vec<usize>,
    pub(crate) requests: Vec<&'a K>,
}

impl<'a, K: Kind> Members<'a, K> {
    pub(crate) fn of(group: &[&'a Write]) -> Self {
        let members = group.iter().enumerate();
        let members = members.filter_map(|(place, write)| Some((place, K::of(write)?)));
        let (places, requests) = members.unzip();
        Self { places, requests }
    }
}

/// What came of each member of a group, gathered in any order.
///
/// A registration can fail alone, when the record that stands in its way cannot be read.
pub(crate) struct Outcomes(Vec<Option<Result<Written, Failure>>>);

/// A member of a group has no outcome, or one of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the outcomes of a group are not those of its members")]
pub(crate) struct OutcomesDiffer;

impl Outcomes {
    pub(crate) fn of(group: &[&Write]) -> Self {
        Self(group.iter().map(|_| None).collect())
    }

    pub(crate) fn set(
        &mut self,
        place: usize,
        outcome: Result<Written, Failure>,
    ) -> Result<(), OutcomesDiffer> {
        *self.0.get_mut(place).ok_or(OutcomesDiffer)? = Some(outcome);
        Ok(())
    }

    /// Sets those of one kind.
    pub(crate) fn set_all<K: Kind>(
        &mut self,
        members: &Members<'_, K>,
        outcomes: Vec<K::Outcome>,
    ) -> Result<(), OutcomesDiffer> {
        for (place, outcome) in members.places.iter().zip(outcomes) {
            self.set(*place, Ok(K::written(outcome)))?;
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Vec<Result<Written, Failure>>, OutcomesDiffer> {
        let all = self
            .0
            .into_iter()
            .map(|outcome| outcome.ok_or(OutcomesDiffer));
        all.collect()
    }
}
