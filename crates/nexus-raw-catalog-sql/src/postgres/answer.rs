//! What `write_v1` answers: for each member of the group its place and what came of it.

use nexus_raw::{
    asset::Sha256Digest,
    ports::{HashingClaim, Lease, RegisterOutcome, RepeatOutcome},
    time::Timestamp,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::writer::{HashingAnswer, IntentOutcome, Write, Written};

/// The places, and what came of the member there.
pub(super) type Answer = Vec<(usize, Value)>;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum IntentReply {
    Recorded,
    AlreadyExists,
    KeyStands,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RepeatReply {
    Recorded,
    NotPending,
    Exhausted,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RegistrationReply {
    Registered,
    AlreadyRegistered,
    UnknownIntent,
    UnknownParents(Vec<usize>),
}

#[derive(Deserialize)]
struct Held {
    epoch: u64,
    until: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum HashingReply {
    Done(bool),
    Taken(Held),
    Held(i64),
    Known(String),
    Closed,
}

/// The answer is not one to the group that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unexpected response from write_v1")]
pub(super) struct UnexpectedAnswer;

/// What came of a member. `None` where it was registered before, as what is to be looked up.
pub(super) fn written(write: &Write, answer: Value) -> Result<Option<Written>, UnexpectedAnswer> {
    Ok(Some(match write {
        Write::Intent(_) => Written::Intent(match read(answer)? {
            IntentReply::Recorded => IntentOutcome::Recorded,
            IntentReply::AlreadyExists => IntentOutcome::AlreadyExists,
            IntentReply::KeyStands => IntentOutcome::KeyStands,
        }),
        Write::Repeat(_) => Written::Repeat(match read(answer)? {
            RepeatReply::Recorded => RepeatOutcome::Recorded,
            RepeatReply::NotPending => RepeatOutcome::NotPending,
            RepeatReply::Exhausted => RepeatOutcome::Exhausted,
        }),
        Write::Register(_) => Written::Register(match read(answer)? {
            RegistrationReply::Registered => RegisterOutcome::Registered,
            RegistrationReply::UnknownIntent => RegisterOutcome::UnknownIntent,
            RegistrationReply::UnknownParents(places) => RegisterOutcome::UnknownParents(places),
            RegistrationReply::AlreadyRegistered => return Ok(None),
        }),
        Write::Lease(_) => {
            let held: Option<Held> = read(answer)?;
            Written::Lease(held.map(Held::lease).transpose()?)
        }
        Write::Progress(_) => Written::Progress(read(answer)?),
        Write::Retry(_) => Written::Retry(read(answer)?),
        Write::Hashing(_) => Written::Hashing(match read(answer)? {
            HashingReply::Done(done) => HashingAnswer::Done(done),
            HashingReply::Taken(held) => HashingAnswer::Claim(HashingClaim::Taken(held.lease()?)),
            HashingReply::Held(until) => HashingAnswer::Claim(HashingClaim::Held {
                until: timestamp(until)?,
            }),
            HashingReply::Known(digest) => {
                let digest = Sha256Digest::parse(&digest).map_err(|_| UnexpectedAnswer)?;
                HashingAnswer::Claim(HashingClaim::Known(digest))
            }
            HashingReply::Closed => HashingAnswer::Claim(HashingClaim::Closed),
        }),
    }))
}

impl Held {
    fn lease(self) -> Result<Lease, UnexpectedAnswer> {
        Ok(Lease {
            epoch: self.epoch,
            until: timestamp(self.until)?,
        })
    }
}

fn read<T: DeserializeOwned>(answer: Value) -> Result<T, UnexpectedAnswer> {
    serde_json::from_value(answer).map_err(|_| UnexpectedAnswer)
}

fn timestamp(micros: i64) -> Result<Timestamp, UnexpectedAnswer> {
    Timestamp::from_micros(micros).map_err(|_| UnexpectedAnswer)
}
