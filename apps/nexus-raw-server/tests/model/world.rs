//! The reference: what the service promises, as small maps.
//!
//! Written from the API's document, not from the code: nothing of the domain is called. An asset
//! is known by its number; in place of its id is [`id`], which the driver replaces by the real
//! one.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    texts,
    texts::Happening,
    words::{CONTENTS, File, Grant, PARTS, Place},
};

/// How long a URL and an intent are valid, in seconds.
pub(crate) const URL_TTL: u64 = 900;
pub(crate) const INTENT_TTL: u64 = 86_400;

/// How the model writes the id of an asset.
pub(crate) fn id(asset: usize) -> String {
    format!("<asset {asset}>")
}

/// Everything that is so, after some steps.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// Seconds since the beginning.
    pub(crate) now: u64,
    /// How many steps were taken.
    pub(crate) steps: u32,
    /// By person and tenant.
    pub(crate) grants: [[Grant; 2]; 3],
    /// In order of presign.
    pub(crate) assets: Vec<Asset>,
    /// Which asset a person's key was last used for in a place.
    pub(crate) keys: BTreeMap<(usize, Place, usize), usize>,
    /// Whether the store proves digests, or else the service reads what was uploaded.
    pub(crate) store_proves: bool,
    /// In order of sequence.
    pub(crate) events: BTreeMap<Place, Vec<Value>>,
    /// A relay that was stopped at one of its calls, by its slot, and when.
    pub(crate) stopped: Option<(usize, u64)>,
    /// What the last step has the driver do.
    pub(crate) task: Task,
}

#[derive(Debug, Clone)]
pub(crate) struct Asset {
    pub(crate) place: Place,
    pub(crate) file: File,
    pub(crate) url_ends: u64,
    pub(crate) ends: u64,
    /// What the store holds at its key.
    pub(crate) object: Option<Object>,
    pub(crate) record: Option<Record>,
    /// Those objects at its key whose hashing was begun.
    pub(crate) hashed: Vec<Bytes>,
    /// How its upload in parts is, if it is one.
    pub(crate) parts: Option<Parts>,
}

/// Which content each part is of, by its number from 0.
pub(crate) type Cut = [Option<usize>; PARTS];

/// An upload in parts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts {
    pub(crate) declared: Cut,
    /// When the last URL of each part ends, and of which of the begun uploads it is.
    pub(crate) urls: [Option<(u64, u32)>; PARTS],
    /// How many uploads were begun in the store: another, where the last was completed and its
    /// object was taken away.
    pub(crate) begun: u32,
    /// What the store holds of the last one, while it is open.
    pub(crate) open: Option<Cut>,
    pub(crate) aborted: bool,
}

/// What an object's bytes are, as far as its entity tag says: a content, or what was put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bytes {
    Whole(&'static str),
    Parts([usize; PARTS]),
}

impl Bytes {
    /// The digest of the whole; `None` if it is of no content as one knows it.
    pub(crate) fn hex(self) -> Option<&'static str> {
        match self {
            Self::Whole(hex) => Some(hex),
            Self::Parts(cut) => {
                let first = cut[0];
                let is_one = cut.iter().all(|it| *it == first);
                is_one.then(|| CONTENTS[first].hex)
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) size: usize,
    pub(crate) bytes: Bytes,
    pub(crate) content_type: &'static str,
    pub(crate) has_its_metadata: bool,
    pub(crate) has_a_foreign_header: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// The `RawAsset`, but for what the store says of the object.
    pub(crate) text: Value,
    pub(crate) meaning: Meaning,
    pub(crate) parents: Vec<usize>,
    /// Whether its own statement in force allows training.
    pub(crate) allowed: bool,
    /// The last fact about that.
    pub(crate) fact: Option<Value>,
}

/// What provenance comes to: equal for statements that mean the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) said: &'static str,
    /// When it was captured, where that depends on when it was said.
    pub(crate) captured: Option<u64>,
    pub(crate) parents: Vec<String>,
}

/// What the driver does, and what must come of it.
#[derive(Debug, Clone)]
pub(crate) enum Task {
    /// There is nothing to do but look.
    Look,
    Call(Call, Answer),
    /// PUTs, each with the statuses that it may be answered with.
    Put(Vec<(Put, Vec<u16>)>),
    Remove {
        asset: usize,
    },
    Relay {
        slot: usize,
        batch: u32,
        sink: Vec<crate::words::Reaction>,
        halt: Option<u32>,
    },
    Kill {
        slot: usize,
    },
}

/// A request to the service.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) by: usize,
    pub(crate) place: Place,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) key: Option<&'static str>,
    pub(crate) body: Option<Value>,
}

/// What a request must be answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// The URL of an upload, of the asset with this number.
    Presigned {
        asset: usize,
        text: Value,
    },
    Record {
        asset: usize,
        created: bool,
        text: Value,
    },
    /// A fact, and whether it is a new one.
    Fact {
        created: bool,
        text: Value,
    },
    Events(Vec<Value>),
    /// The URLs of parts, of the asset with this number.
    Parts {
        asset: usize,
        text: Value,
    },
    /// The parts that the store holds.
    Held(Value),
    /// That an upload was aborted, or was before.
    Aborted {
        again: bool,
    },
    Problem(Problem),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    /// Sorted.
    pub(crate) pointers: Vec<String>,
    /// The asset that `Location` names.
    pub(crate) location: Option<usize>,
}

/// A request to the store: with the asset's own URL, or with one made by the bucket's owner.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Put {
    Upload {
        asset: usize,
        how: crate::words::Upload,
    },
    Part {
        asset: usize,
        part: usize,
        /// The content whose bytes it is to be.
        content: usize,
        how: crate::words::PartUpload,
    },
    Place {
        asset: usize,
        what: crate::words::Placed,
    },
}

impl World {
    pub(crate) fn new(store_proves: bool) -> Self {
        Self {
            store_proves,
            keys: BTreeMap::new(),
            now: 0,
            steps: 0,
            grants: [
                [Grant::Owner, Grant::Owner],
                [Grant::Admin, Grant::Viewer],
                [Grant::Nothing, Grant::Member],
            ],
            assets: Vec::new(),
            events: BTreeMap::new(),
            stopped: None,
            task: Task::Look,
        }
    }

    pub(crate) fn grant(&self, by: usize, place: Place) -> Grant {
        let tenant = usize::from(place.tenant != crate::words::TENANTS[0]);
        self.grants[by][tenant]
    }

    /// Which asset the `number`th is, counted round.
    pub(crate) fn nth(&self, number: usize) -> Option<usize> {
        number.checked_rem(self.assets.len())
    }

    /// Writes an event of an asset, as the next of its place.
    pub(crate) fn record_event(&mut self, asset: usize, by: usize, what: Happening<'_>) {
        let place = self.assets[asset].place;
        let events = self.events.entry(place).or_default();
        let event = texts::event(&texts::EventParts {
            asset,
            place,
            file: self.assets[asset].file,
            by,
            step: self.steps,
            now: self.now,
            sequence: events.len() + 1,
            what,
        });
        events.push(event);
    }

    /// Whether an asset and all its ancestors allow training.
    pub(crate) fn effective(&self, asset: usize) -> bool {
        let record = self.assets[asset].record.as_ref();
        record.is_some_and(|it| it.allowed && it.parents.iter().all(|it| self.effective(*it)))
    }

    /// The events of an asset in its own place.
    pub(crate) fn events_of(&self, asset: usize) -> Vec<Value> {
        let events = self.events.get(&self.assets[asset].place);
        let of_asset = |event: &&Value| event["asset_id"] == *id(asset);
        events
            .into_iter()
            .flatten()
            .filter(of_asset)
            .cloned()
            .collect()
    }
}

impl Problem {
    pub(crate) fn plain(status: u16, code: &'static str) -> Self {
        Self {
            status,
            code,
            pointers: Vec::new(),
            location: None,
        }
    }

    pub(crate) fn at(status: u16, code: &'static str, mut pointers: Vec<String>) -> Self {
        pointers.sort_unstable();
        Self {
            pointers,
            ..Self::plain(status, code)
        }
    }
}
