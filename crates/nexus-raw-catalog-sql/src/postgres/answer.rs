//! What `write_v1` answers.

use std::collections::BTreeMap;

use nexus_raw::{
    asset::Sha256Digest,
    ports::{HashingClaim, Lease, RegisterOutcome, RepeatOutcome},
    tenancy::Scope,
    time::Timestamp,
};
use serde::Deserialize;

use super::request::Members;
use crate::writer::{Group, HashingAnswer, IntentOutcome};

#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    scopes: Vec<Block>,
    leases: Vec<Option<Held>>,
    progress: Vec<bool>,
    retries: Vec<u64>,
}

#[derive(Debug, Deserialize)]
struct Block {
    recorded: Vec<usize>,
    key_stands: Vec<usize>,
    repeated: Vec<usize>,
    exhausted: Vec<usize>,
    registrations: Vec<Verdict>,
    hashings: Vec<Hashed>,
}

#[derive(Debug, Deserialize)]
struct Held {
    epoch: u64,
    until: i64,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Verdict {
    Registered,
    AlreadyRegistered,
    UnknownIntent,
    UnknownParents { parents: Vec<usize> },
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Hashed {
    Done { done: bool },
    Claim(Claimed),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "claim", rename_all = "lowercase")]
enum Claimed {
    Taken { epoch: u64, until: i64 },
    Held { until: i64 },
    Known { sha256: String },
    Closed,
}

/// What came of each member of a group, in its order.
pub(super) struct Decided {
    pub(super) intents: Vec<IntentOutcome>,
    pub(super) repeats: Vec<RepeatOutcome>,
    /// `None` where it was registered before, by whom is to be looked up.
    pub(super) registrations: Vec<Option<RegisterOutcome>>,
    pub(super) leases: Vec<Option<Lease>>,
    pub(super) progress: Vec<bool>,
    pub(super) hashings: Vec<HashingAnswer>,
    pub(super) retries: Vec<u64>,
}

/// The answer is not one to the group that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the catalogue's function answered otherwise than it should")]
pub(super) struct Unlike;

impl Answer {
    /// Gives each member of the group its own.
    pub(super) fn for_group(
        self,
        group: &Group<'_>,
        scopes: &BTreeMap<&Scope, Members<'_>>,
    ) -> Result<Decided, Unlike> {
        let mut intents = vec![IntentOutcome::AlreadyExists; group.intents.len()];
        let mut repeats = vec![RepeatOutcome::NotPending; group.repeats.len()];
        let mut registrations = vec![None; group.registrations.len()];
        let mut hashings = vec![None; group.hashings.len()];
        if self.scopes.len() != scopes.len()
            || self.leases.len() != group.leases.len()
            || self.progress.len() != group.progress.len()
            || self.retries.len() != group.retries.len()
        {
            return Err(Unlike);
        }
        for (block, members) in self.scopes.into_iter().zip(scopes.values()) {
            for n in block.key_stands {
                *intents.get_mut(n).ok_or(Unlike)? = IntentOutcome::KeyStands;
            }
            for n in block.recorded {
                *intents.get_mut(n).ok_or(Unlike)? = IntentOutcome::Recorded;
            }
            for n in block.repeated {
                *repeats.get_mut(n).ok_or(Unlike)? = RepeatOutcome::Recorded;
            }
            for n in block.exhausted {
                *repeats.get_mut(n).ok_or(Unlike)? = RepeatOutcome::Exhausted;
            }
            if block.registrations.len() != members.registrations.len()
                || block.hashings.len() != members.hashings.len()
            {
                return Err(Unlike);
            }
            for ((n, _), outcome) in members.registrations.iter().zip(block.registrations) {
                *registrations.get_mut(*n).ok_or(Unlike)? = outcome.read();
            }
            for ((n, _), answer) in members.hashings.iter().zip(block.hashings) {
                *hashings.get_mut(*n).ok_or(Unlike)? = Some(answer.read()?);
            }
        }
        Ok(Decided {
            intents,
            repeats,
            registrations,
            leases: self
                .leases
                .into_iter()
                .map(|held| held.map(|held| lease(held.epoch, held.until)).transpose())
                .collect::<Result<_, _>>()?,
            progress: self.progress,
            retries: self.retries,
            hashings: hashings
                .into_iter()
                .map(|answer| answer.ok_or(Unlike))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl Verdict {
    fn read(self) -> Option<RegisterOutcome> {
        match self {
            Self::Registered => Some(RegisterOutcome::Registered),
            Self::AlreadyRegistered => None,
            Self::UnknownIntent => Some(RegisterOutcome::UnknownIntent),
            Self::UnknownParents { parents } => Some(RegisterOutcome::UnknownParents(parents)),
        }
    }
}

impl Hashed {
    fn read(self) -> Result<HashingAnswer, Unlike> {
        Ok(match self {
            Self::Done { done } => HashingAnswer::Done(done),
            Self::Claim(claim) => HashingAnswer::Claim(match claim {
                Claimed::Taken { epoch, until } => HashingClaim::Taken(lease(epoch, until)?),
                Claimed::Held { until } => HashingClaim::Held {
                    until: timestamp(until)?,
                },
                Claimed::Known { sha256 } => {
                    HashingClaim::Known(Sha256Digest::parse(&sha256).map_err(|_| Unlike)?)
                }
                Claimed::Closed => HashingClaim::Closed,
            }),
        })
    }
}

fn lease(epoch: u64, until: i64) -> Result<Lease, Unlike> {
    Ok(Lease {
        epoch,
        until: timestamp(until)?,
    })
}

fn timestamp(micros: i64) -> Result<Timestamp, Unlike> {
    Timestamp::from_micros(micros).map_err(|_| Unlike)
}
