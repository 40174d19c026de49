//! The response of `write_v1`: the index and outcome of each member of the group.

use nexus_raw::{
    asset::{PartNumber, Sha256Digest, UploadId},
    ports::{
        AbortedUpload, DownloadOutcome, FactOutcome, Lease, PartsOutcome, RegisterOutcome,
        RepeatOutcome, VerificationOutcome, WorkClaim,
    },
    time::Timestamp,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::writer::{IntentOutcome, WorkAnswer, Write, Written};

/// The index and outcome of each member.
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
    Aborted,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum AbortReply {
    Recorded,
    NotPending,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum PartsReply {
    Declared,
    Differ(Vec<u64>),
    NotPending,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum DownloadReply {
    Recorded,
    UnknownAsset,
    Changed,
    Granted(i64),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum VerificationReply {
    Recorded,
    Changed,
    ClaimLost,
    UnknownAsset,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FactReply {
    Recorded(u64, bool),
    Changed,
    UnknownAsset,
}

#[derive(Deserialize)]
struct LeaseReply {
    epoch: u64,
    until: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WorkReply {
    Done(bool),
    Taken(LeaseReply),
    Held(i64),
    Known(String),
    Closed,
}

/// The response does not match the group that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unexpected response from write_v1")]
pub(super) struct UnexpectedAnswer;

/// Parses the outcome of a member. Returns `None` if its asset is already registered, and the
/// caller has to look up the record.
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
            RegistrationReply::Aborted => RegisterOutcome::Aborted,
            RegistrationReply::AlreadyRegistered => return Ok(None),
        }),
        Write::Abort(_) => Written::Abort(match read(answer)? {
            AbortReply::Recorded => AbortedUpload::Recorded,
            AbortReply::NotPending => AbortedUpload::NotPending,
        }),
        Write::Begin(_) => {
            let id: Option<String> = read(answer)?;
            let id = id.map(|id| UploadId::parse(&id)).transpose();
            Written::Begin(id.map_err(|_| UnexpectedAnswer)?)
        }
        Write::Parts(_) => Written::Parts(match read(answer)? {
            PartsReply::Declared => PartsOutcome::Declared,
            PartsReply::Differ(numbers) => {
                let numbers = numbers.into_iter().map(PartNumber::parse);
                let numbers: Result<_, _> = numbers.collect();
                PartsOutcome::Differ(numbers.map_err(|_| UnexpectedAnswer)?)
            }
            PartsReply::NotPending => PartsOutcome::NotPending,
        }),
        Write::Download(_) => Written::Download(match read(answer)? {
            DownloadReply::Recorded => DownloadOutcome::Recorded,
            DownloadReply::UnknownAsset => DownloadOutcome::UnknownAsset,
            DownloadReply::Changed => DownloadOutcome::Changed,
            DownloadReply::Granted(end) => DownloadOutcome::Granted(timestamp(end)?),
        }),
        Write::Verify(_) => Written::Verify(match read(answer)? {
            VerificationReply::Recorded => VerificationOutcome::Recorded,
            VerificationReply::Changed => VerificationOutcome::Changed,
            VerificationReply::ClaimLost => VerificationOutcome::ClaimLost,
            VerificationReply::UnknownAsset => VerificationOutcome::UnknownAsset,
        }),
        Write::Fact(_) => Written::Fact(match read(answer)? {
            FactReply::Recorded(sequence, has_followers) => FactOutcome::Recorded {
                sequence,
                has_followers,
            },
            FactReply::Changed => FactOutcome::Changed,
            FactReply::UnknownAsset => FactOutcome::UnknownAsset,
        }),
        Write::Advance(_) => Written::Advance(read(answer)?),
        Write::Close(_) => Written::Close(read(answer)?),
        Write::Claim(_) => {
            let digest: String = read(answer)?;
            Written::Claim(Sha256Digest::parse(&digest).map_err(|_| UnexpectedAnswer)?)
        }
        Write::Lease(_) => {
            let lease: Option<LeaseReply> = read(answer)?;
            Written::Lease(lease.map(LeaseReply::lease).transpose()?)
        }
        Write::Progress(_) => Written::Progress(read(answer)?),
        Write::Retry(_) => Written::Retry(read(answer)?),
        Write::Work(_) => Written::Work(match read(answer)? {
            WorkReply::Done(done) => WorkAnswer::Done(done),
            WorkReply::Taken(it) => WorkAnswer::Claim(WorkClaim::Taken(it.lease()?)),
            WorkReply::Held(until) => WorkAnswer::Claim(WorkClaim::Held {
                until: timestamp(until)?,
            }),
            WorkReply::Known(digest) => {
                let digest = Sha256Digest::parse(&digest).map_err(|_| UnexpectedAnswer)?;
                WorkAnswer::Claim(WorkClaim::Known(digest))
            }
            WorkReply::Closed => WorkAnswer::Claim(WorkClaim::Closed),
        }),
    }))
}

impl LeaseReply {
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
