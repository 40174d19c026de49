//! The members of a group that are verifications.

use nexus_raw::asset::ByteSize;
use serde::Serialize;
use uuid::Uuid;

use super::members::{Bytes, EventColumns};
use crate::writer::RecordedVerification;

/// With the columns of `asset` that it sets.
#[derive(Serialize)]
pub(super) struct VerificationMember<'a> {
    n: usize,
    asset_id: Uuid,
    last_fact: Option<u64>,
    epoch: Option<u64>,
    verdict: &'static str,
    verified_at: i64,
    found_sha256: Option<Bytes<'a>>,
    found_size_bytes: Option<u64>,
    event: EventColumns<'a>,
}

impl<'a> VerificationMember<'a> {
    pub(super) fn of(n: usize, it: &'a RecordedVerification) -> Self {
        let new = &*it.new;
        let verification = &new.verification;
        Self {
            n,
            asset_id: new.asset_id.as_uuid(),
            last_fact: new.last_fact,
            epoch: new.epoch,
            verdict: verification.verdict().as_str(),
            verified_at: verification.verified_at().as_micros(),
            found_sha256: verification.sha256().map(|it| Bytes(it.as_bytes())),
            found_size_bytes: verification.size_bytes().map(ByteSize::get),
            event: EventColumns::from(&it.event),
        }
    }
}
