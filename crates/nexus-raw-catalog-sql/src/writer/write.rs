//! The kinds of writes.

use std::{collections::BTreeMap, time::Duration};

use nexus_raw::{
    asset::{AssetId, FactKind, Sha256Digest, UploadId, UploadIntent},
    ports::{
        AbortedUpload, BegunUpload, CallerKey, DownloadOutcome, FactOutcome, KeyClaim, Lease,
        NewAsset, NewDownload, NewFact, NewParts, NewVerification, ParkedFilter, PartsOutcome,
        Progress, ProgressChange, RegisterOutcome, RepeatOutcome, VerificationOutcome,
    },
    tenancy::Scope,
    time::Timestamp,
};
use uuid::Uuid;

use super::{WorkAnswer, WorkRequest};
use crate::{error::Failure, sealed::SealedEvent};

/// A kind of write, implemented by its request type.
pub(crate) trait Kind: Sized {
    type Outcome;

    fn into_write(self) -> Write;
    /// Returns the request if the write is of this kind.
    fn of(write: &Write) -> Option<&Self>;
    fn written(outcome: Self::Outcome) -> Written;
    /// Returns the outcome if it is of this kind.
    fn outcome(written: Written) -> Option<Self::Outcome>;
}

/// Defines [`Write`] and [`Written`] from one list of kinds.
macro_rules! kinds {
    ($($kind:ident: $request:ty => $outcome:ty,)*) => {
        /// A requested write.
        #[derive(Debug)]
        pub(crate) enum Write {
            $($kind($request),)*
        }

        /// The outcome of a [`Write`].
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
    Abort: UploadAbort => AbortedUpload,
    Download: RecordedDownload => DownloadOutcome,
    Verify: RecordedVerification => VerificationOutcome,
    Fact: RecordedFact => FactOutcome,
    Lease: LeaseRequest => Option<Lease>,
    Progress: Progress => bool,
    Work: WorkRequest => WorkAnswer,
    Begin: BegunUpload => Option<UploadId>,
    Parts: NewParts => PartsOutcome,
    Retry: RetryRequest => u64,
    Claim: KeyClaim => Sha256Digest,
    Advance: ConsentStep => bool,
    Close: EndedIntents => u32,
}

impl Write {
    /// Returns the scope to which it adds an event, if any.
    pub(crate) fn event_scope(&self) -> Option<&Scope> {
        match self {
            Self::Intent(it) => Some(&it.intent.scope),
            Self::Repeat(it) => Some(&it.scope),
            Self::Register(it) => Some(it.new.asset.scope()),
            Self::Abort(it) => Some(&it.scope),
            Self::Download(it) => Some(&it.new.key.scope),
            Self::Verify(it) => Some(&it.new.scope),
            Self::Fact(it) => Some(&it.new.scope),
            Self::Lease(_)
            | Self::Progress(_)
            | Self::Work(_)
            | Self::Begin(_)
            | Self::Parts(_)
            | Self::Retry(_)
            | Self::Claim(_)
            | Self::Advance(_)
            | Self::Close(_) => None,
        }
    }

    /// Returns the scope in which it may change the consent in force of registered assets, if any.
    pub(crate) fn consent_scope(&self) -> Option<&Scope> {
        match self {
            Self::Fact(it) if it.new.fact.value.kind() == FactKind::TrainOk => Some(&it.new.scope),
            Self::Advance(it) => Some(&it.scope),
            _ => None,
        }
    }

    /// Returns the scope in which it may change what is in force of registered assets, if any.
    pub(crate) fn in_force_scope(&self) -> Option<&Scope> {
        match self {
            Self::Fact(it) => Some(&it.new.scope),
            Self::Advance(it) => Some(&it.scope),
            _ => None,
        }
    }
}

impl Written {
    /// Returns whether the relay has new work.
    pub(crate) fn concerns_relay(&self) -> bool {
        match self {
            Self::Intent(outcome) => *outcome == IntentOutcome::Recorded,
            Self::Repeat(outcome) => *outcome == RepeatOutcome::Recorded,
            Self::Register(outcome) => *outcome == RegisterOutcome::Registered,
            Self::Abort(outcome) => *outcome == AbortedUpload::Recorded,
            Self::Download(outcome) => *outcome == DownloadOutcome::Recorded,
            Self::Verify(outcome) => *outcome == VerificationOutcome::Recorded,
            Self::Fact(outcome) => matches!(outcome, FactOutcome::Recorded { .. }),
            Self::Retry(marked) => *marked > 0,
            Self::Lease(_)
            | Self::Progress(_)
            | Self::Work(_)
            | Self::Begin(_)
            | Self::Parts(_)
            | Self::Claim(_)
            | Self::Advance(_)
            | Self::Close(_) => false,
        }
    }
}

/// An intent to record, with its event.
#[derive(Debug)]
pub(crate) struct NewIntent {
    pub(crate) intent: UploadIntent,
    pub(crate) event: SealedEvent,
    /// The caller's idempotency key.
    pub(crate) key: Option<Box<IntentKey>>,
}

/// An idempotency key with the digest of its request.
#[derive(Debug)]
pub(crate) struct IntentKey {
    pub(crate) caller: CallerKey,
    pub(crate) body_digest: Sha256Digest,
}

/// The outcome of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IntentOutcome {
    Recorded,
    AlreadyExists,
    KeyStands,
}

/// The event of a repeated presign, to be written if its intent is pending.
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
    /// Of an import: to be written too, if there is none.
    pub(crate) intent: Option<Box<UploadIntent>>,
}

/// The event of an aborted upload in parts, to be written if its intent is pending.
#[derive(Debug)]
pub(crate) struct UploadAbort {
    pub(crate) scope: Scope,
    pub(crate) event: SealedEvent,
}

/// A download to be written, and its event.
#[derive(Debug)]
pub(crate) struct RecordedDownload {
    pub(crate) new: Box<NewDownload>,
    pub(crate) event: SealedEvent,
}

/// A verification to be written, and its event.
#[derive(Debug)]
pub(crate) struct RecordedVerification {
    pub(crate) new: Box<NewVerification>,
    pub(crate) event: SealedEvent,
}

/// A fact to be written, and its event.
#[derive(Debug)]
pub(crate) struct RecordedFact {
    pub(crate) new: Box<NewFact>,
    pub(crate) event: SealedEvent,
}

/// A step of the changes of consent in a scope.
#[derive(Debug)]
pub(crate) struct ConsentStep {
    pub(crate) scope: Scope,
    pub(crate) max_changes: u32,
}

/// Intents to close, if they are pending and have ended at `now`.
#[derive(Debug)]
pub(crate) struct EndedIntents {
    pub(crate) scope: Scope,
    pub(crate) assets: Vec<AssetId>,
    pub(crate) now: Timestamp,
}

/// A wish to hold the relay's lease until `now + ttl`.
#[derive(Debug)]
pub(crate) struct LeaseRequest {
    pub(crate) owner: Uuid,
    pub(crate) now: Timestamp,
    pub(crate) ttl: Duration,
}

/// A request to retry parked events.
#[derive(Debug)]
pub(crate) struct RetryRequest {
    pub(crate) filter: ParkedFilter,
    pub(crate) now: Timestamp,
}

/// Returns the new cursor of each scope. A batch names a scope once per event.
pub(crate) fn cursors(change: &ProgressChange) -> BTreeMap<&Scope, u64> {
    let mut cursors: BTreeMap<&Scope, u64> = BTreeMap::new();
    let mut advance = |scope, sequence: u64| {
        let cursor = cursors.entry(scope).or_default();
        *cursor = sequence.max(*cursor);
    };
    match change {
        ProgressChange::Delivered(indexes) => {
            for (scope, sequence) in indexes {
                advance(scope, *sequence);
            }
        }
        ProgressChange::Parked(event) => advance(&event.scope, event.sequence),
        ProgressChange::Retried { .. } => {}
    }
    cursors
}

/// The members of a group of one kind, each with its index.
pub(crate) struct Members<'a, K> {
    pub(crate) indexes: Vec<usize>,
    pub(crate) requests: Vec<&'a K>,
}

impl<'a, K: Kind> Members<'a, K> {
    pub(crate) fn of(group: &[&'a Write]) -> Self {
        let members = group.iter().enumerate();
        let members = members.filter_map(|(index, write)| Some((index, K::of(write)?)));
        let (indexes, requests) = members.unzip();
        Self { indexes, requests }
    }
}

/// The outcome of each member of a group, set in any order.
///
/// A registration can fail alone, if the existing record cannot be read.
pub(crate) struct Outcomes(Vec<Option<Result<Written, Failure>>>);

/// A member of a group has no outcome, or one of another kind, which is a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("outcomes do not match the members of the group")]
pub(crate) struct OutcomesDiffer;

impl Outcomes {
    pub(crate) fn of(group: &[&Write]) -> Self {
        Self(group.iter().map(|_| None).collect())
    }

    pub(crate) fn set(
        &mut self,
        index: usize,
        outcome: Result<Written, Failure>,
    ) -> Result<(), OutcomesDiffer> {
        *self.0.get_mut(index).ok_or(OutcomesDiffer)? = Some(outcome);
        Ok(())
    }

    /// Sets the outcomes of one kind.
    pub(crate) fn set_all<K: Kind>(
        &mut self,
        members: &Members<'_, K>,
        outcomes: Vec<K::Outcome>,
    ) -> Result<(), OutcomesDiffer> {
        for (index, outcome) in members.indexes.iter().zip(outcomes) {
            self.set(*index, Ok(K::written(outcome)))?;
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
