//! What each step comes to: the rules of the API, said once more.

use crate::{
    texts::{self, Happening},
    words::{File, Grant, KEYS, Named, PLACES, Place, Placed, Reading, Step, Upload, Wait, Where},
    world::{
        Answer, Asset, Bytes, Call, INTENT_TTL, Object, Parts, Problem, Put, Task, URL_TTL, World,
        id,
    },
};

/// An id that nobody ever gave.
const ABSENT: &str = "019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";

/// For how many seconds a relay has its lease. A relay whose lease has ended by the model's clock
/// waits a third of it by the machine's before it requests another.
pub(crate) const LEASE_TTL: u64 = 3;

/// Up to how many bytes the service reads an object while its caller waits.
pub(crate) const SYNC_HASH_MAX: usize = 1;

impl World {
    /// The world after one more step, with what the step has the driver do.
    pub(crate) fn after(mut self, step: &Step) -> Self {
        self.steps += 1;
        self.task = self.take(step);
        self
    }

    fn take(&mut self, step: &Step) -> Task {
        match step {
            Step::Grant {
                person,
                tenant,
                grant,
            } => {
                self.grants[*person][*tenant] = *grant;
                Task::Look
            }
            Step::Presign { by, at, file, key } => self.presign(*by, PLACES[*at], *file, *key),
            Step::Upload { asset, how } => match self.nth(*asset) {
                None => Task::Look,
                Some(asset) => self.upload(asset, *how),
            },
            Step::Declare {
                by,
                at,
                asset,
                parts,
            } => {
                let asset = self.named(*asset);
                self.declare(*by, self.place_of(*at, asset), asset, parts)
            }
            Step::UploadParts { asset, parts, how } => match self.nth(*asset) {
                None => Task::Look,
                Some(asset) => self.upload_parts(asset, parts, *how),
            },
            Step::Abort { by, at, asset } => {
                let asset = self.named(*asset);
                self.abort(*by, self.place_of(*at, asset), asset)
            }
            Step::Place { asset, what } => match self.nth(*asset) {
                None => Task::Look,
                Some(asset) => self.place(asset, *what),
            },
            Step::Remove { asset } => match self.nth(*asset) {
                None => Task::Look,
                Some(asset) => {
                    self.assets[asset].object = None;
                    Task::Remove { asset }
                }
            },
            Step::Register {
                by,
                at,
                asset,
                said,
                restated,
                parents,
            } => {
                let asset = self.named(*asset);
                let place = self.place_of(*at, asset);
                let parents = parents.iter().map(|parent| self.named(*parent)).collect();
                self.register(*by, place, asset, *said, *restated, parents)
            }
            Step::State {
                by,
                at,
                asset,
                allowed,
            } => {
                let asset = self.named(*asset);
                self.state(*by, self.place_of(*at, asset), asset, *allowed)
            }
            Step::Read {
                by,
                at,
                asset,
                what,
            } => {
                let asset = self.named(*asset);
                self.read(*by, self.place_of(*at, asset), asset, *what)
            }
            Step::Wait(wait) => {
                self.wait(*wait);
                Task::Look
            }
            Step::Relay {
                slot,
                batch,
                sink,
                halt,
            } => {
                let stands = self.stopped.filter(|(stopped, _)| stopped != slot);
                self.stopped = stands.or(halt.map(|_| (*slot, self.now)));
                Task::Relay {
                    slot: *slot,
                    batch: *batch,
                    sink: sink.clone(),
                    halt: *halt,
                }
            }
            Step::Kill { slot } => {
                self.stopped = self.stopped.filter(|(stopped, _)| stopped != slot);
                Task::Kill { slot: *slot }
            }
        }
    }

    fn named(&self, named: Named) -> Option<usize> {
        match named {
            Named::Asset(number) => self.nth(number),
            Named::Absent => None,
        }
    }

    fn place_of(&self, at: Where, asset: Option<usize>) -> Place {
        match (at, asset) {
            (Where::At(place), _) => PLACES[place],
            (Where::Its, Some(asset)) => self.assets[asset].place,
            (Where::Its, None) => PLACES[0],
        }
    }

    fn wait(&mut self, wait: Wait) {
        self.now += match wait {
            Wait::Second => 1,
            Wait::LeaseEnd => LEASE_TTL + 1,
            Wait::Quarter => 960,
            Wait::Day => 90_000,
            Wait::IntentEnd(asset) => {
                let asset = self.nth(asset).map(|asset| &self.assets[asset]);
                asset.map_or(0, |asset| asset.ends.saturating_sub(self.now))
            }
        };
    }

    fn presign(&mut self, by: usize, place: Place, file: File, key: Option<usize>) -> Task {
        let call = Call {
            by,
            place,
            method: "POST",
            path: "/nexus/raw/presign-upload".to_owned(),
            key: key.map(|key| KEYS[key]),
            body: Some(texts::promise(file)),
        };
        if !self.writes(by, place) {
            return Task::Call(call, forbidden());
        }
        if file.is_in_parts() && file.content().bytes.is_empty() {
            let pointers = vec!["/size_bytes".to_owned()];
            return Task::Call(call, problem(422, "validation-failed", pointers));
        }
        let key = key.map(|key| (by, place, key));
        let standing = key.and_then(|key| self.keys.get(&key)).copied();
        // a key is free again when its intent has ended, or was aborted
        let stands = |asset: &Asset| self.now < asset.ends && !asset.is_aborted();
        let standing = standing.filter(|asset| stands(&self.assets[*asset]));
        let answer = if let Some(asset) = standing {
            self.presigned_again(by, asset, file)
        } else {
            let asset = self.assets.len();
            self.assets.push(Asset {
                place,
                file,
                url_ends: 0,
                ends: self.now + INTENT_TTL,
                object: None,
                record: None,
                hashed: Vec::new(),
                parts: file.is_in_parts().then(Parts::default),
            });
            self.keys.extend(key.map(|key| (key, asset)));
            self.record_event(asset, by, Happening::Presigned);
            self.presigned(asset)
        };
        Task::Call(call, answer)
    }

    fn presigned_again(&mut self, by: usize, number: usize, file: File) -> Answer {
        let asset = &self.assets[number];
        let body = |file: File| {
            let size = file.content().bytes.len();
            (
                file.name,
                file.content_type(),
                size,
                file.stated(),
                file.form,
            )
        };
        if body(asset.file) != body(file) {
            problem(422, "idempotency-key-reused", vec![String::new()])
        } else if asset.record.is_some() {
            Answer::Problem(Problem {
                location: Some(number),
                ..Problem::plain(409, "asset-conflict")
            })
        } else {
            // no URL of an upload in parts leaves here, so that is no event
            if !file.is_in_parts() {
                self.record_event(number, by, Happening::Presigned);
            }
            self.presigned(number)
        }
    }

    fn presigned(&mut self, number: usize) -> Answer {
        let asset = &mut self.assets[number];
        asset.url_ends = asset.ends.min(self.now + URL_TTL);
        let ends = if asset.file.is_in_parts() {
            asset.ends
        } else {
            asset.url_ends
        };
        let text = texts::presigned(number, asset.place, asset.file, ends);
        Answer::Presigned {
            asset: number,
            text,
        }
    }

    fn upload(&mut self, number: usize, how: Upload) -> Task {
        let now = self.now;
        let asset = &mut self.assets[number];
        if asset.file.is_in_parts() {
            return Task::Look;
        }
        let put = Put::Upload { asset: number, how };
        let uploaded = Object {
            size: asset.file.content().bytes.len(),
            bytes: Bytes::Whole(asset.file.content().hex),
            content_type: asset.file.content_type(),
            has_its_metadata: true,
            has_a_foreign_header: how == Upload::WithAnEncoding,
        };
        let same_length = asset.file.other_bytes().bytes.len() == uploaded.size;
        let statuses = match how {
            _ if now >= asset.url_ends => vec![403],
            Upload::OtherLength | Upload::WithoutMetadata | Upload::WithMoreMetadata => vec![403],
            Upload::OtherBytes if !same_length => vec![403],
            Upload::OtherBytes if !self.store_proves && asset.object.is_some() => vec![412],
            Upload::OtherBytes if !self.store_proves => {
                asset.object = Some(Object {
                    bytes: Bytes::Whole(asset.file.other_bytes().hex),
                    ..uploaded
                });
                vec![200]
            }
            // the store chooses which of two faults it reports
            Upload::OtherBytes if asset.object.is_some() => vec![400, 412],
            Upload::OtherBytes => vec![400],
            Upload::AsSigned | Upload::AsABrowser | Upload::WithAnEncoding
                if asset.object.is_some() =>
            {
                vec![412]
            }
            Upload::AsSigned | Upload::AsABrowser | Upload::WithAnEncoding => {
                asset.object = Some(uploaded);
                vec![200]
            }
        };
        Task::Put(vec![(put, statuses)])
    }

    fn place(&mut self, number: usize, what: Placed) -> Task {
        let asset = &mut self.assets[number];
        let put = Put::Place {
            asset: number,
            what,
        };
        if asset.object.is_some() {
            return Task::Put(vec![(put, vec![412])]);
        }
        let content = match what {
            Placed::OtherBytes => asset.file.other_bytes(),
            Placed::OtherLength => asset.file.other_length(),
            _ => asset.file.content(),
        };
        let content_type = match what {
            Placed::OtherType => "image/png",
            _ => asset.file.content_type(),
        };
        asset.object = Some(Object {
            size: content.bytes.len(),
            bytes: Bytes::Whole(content.hex),
            content_type,
            has_its_metadata: what != Placed::OtherMetadata,
            has_a_foreign_header: false,
        });
        Task::Put(vec![(put, vec![200])])
    }

    fn read(&mut self, by: usize, place: Place, asset: Option<usize>, what: Reading) -> Task {
        let under = match what {
            Reading::Record => "",
            Reading::Events => "/events",
            Reading::Parts => "/parts",
        };
        let call = Call {
            by,
            place,
            method: "GET",
            path: format!("/nexus/raw/{}{under}", name_of(asset)),
            key: None,
            body: None,
        };
        if self.grant(by, place) == Grant::Nothing {
            return Task::Call(call, forbidden());
        }
        let here = asset.filter(|asset| self.assets[*asset].place == place);
        let answer = match (here, what) {
            (None, _) => not_found(),
            (Some(asset), Reading::Record) => self.record_of(asset),
            (Some(asset), Reading::Events) => Answer::Events(self.events_of(asset)),
            (Some(asset), Reading::Parts) => self.held(asset),
        };
        Task::Call(call, answer)
    }

    /// What a reader of its place gets of an asset.
    pub(crate) fn record_of(&self, asset: usize) -> Answer {
        match &self.assets[asset].record {
            None => not_found(),
            Some(record) => Answer::Record {
                asset,
                created: false,
                text: record.text.clone(),
            },
        }
    }

    pub(crate) fn writes(&self, by: usize, place: Place) -> bool {
        matches!(self.grant(by, place), Grant::Owner | Grant::Admin)
    }
}

pub(crate) fn name_of(asset: Option<usize>) -> String {
    asset.map_or_else(|| ABSENT.to_owned(), id)
}

pub(crate) fn problem(status: u16, code: &'static str, pointers: Vec<String>) -> Answer {
    Answer::Problem(Problem::at(status, code, pointers))
}

pub(crate) fn forbidden() -> Answer {
    Answer::Problem(Problem::plain(403, "forbidden"))
}

pub(crate) fn not_found() -> Answer {
    Answer::Problem(Problem::plain(404, "asset-not-found"))
}
