//! The members of a group that are about uploads in parts.

use nexus_raw::{
    asset::{DeclaredPart, UploadId},
    ports::{BegunUpload, NewParts},
};
use serde::Serialize;
use uuid::Uuid;

use super::members::{Bytes, EventColumns};
use crate::writer::UploadAbort;

#[derive(Serialize)]
pub(super) struct AbortMember<'a> {
    n: usize,
    event: EventColumns<'a>,
}

impl<'a> AbortMember<'a> {
    pub(super) fn of(n: usize, it: &'a UploadAbort) -> Self {
        Self {
            n,
            event: EventColumns::from(&it.event),
        }
    }
}

#[derive(Serialize)]
pub(super) struct UploadMember<'a> {
    n: usize,
    asset_id: Uuid,
    instead_of: Option<&'a str>,
    upload_id: &'a str,
}

impl<'a> UploadMember<'a> {
    pub(super) fn of(n: usize, begun: &'a BegunUpload) -> Self {
        Self {
            n,
            asset_id: begun.asset_id.as_uuid(),
            instead_of: begun.instead_of.as_ref().map(UploadId::as_str),
            upload_id: begun.upload_id.as_str(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct PartsMember<'a> {
    n: usize,
    asset_id: Uuid,
    parts: Vec<PartColumns<'a>>,
}

/// The columns of `upload_part` that a member carries.
#[derive(Serialize)]
struct PartColumns<'a> {
    part_number: u16,
    size_bytes: u64,
    sha256: Bytes<'a>,
}

impl<'a> PartsMember<'a> {
    pub(super) fn of(n: usize, new: &'a NewParts) -> Self {
        let columns = |part: &'a DeclaredPart| PartColumns {
            part_number: part.number.get(),
            size_bytes: part.size_bytes.get(),
            sha256: Bytes(part.sha256.as_bytes()),
        };
        Self {
            n,
            asset_id: new.asset_id.as_uuid(),
            parts: new.parts.iter().map(columns).collect(),
        }
    }
}
