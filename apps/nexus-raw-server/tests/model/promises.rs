//! What each step comes to: the rules of the API, said once more.

use serde_json::{Value, json};

use crate::{
    texts,
    words::{
        File, Grant, KEYS, Named, PLACES, Place, Placed, Restated, Said, Step, Upload, Wait, Where,
    },
    world::{
        Answer, Asset, Call, INTENT_TTL, Object, Problem, Put, Record, Task, URL_TTL, World, id,
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
                events,
            } => {
                let asset = self.named(*asset);
                self.read(*by, self.place_of(*at, asset), asset, *events)
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
            } => Task::Relay {
                slot: *slot,
                batch: *batch,
                sink: sink.clone(),
                halt: *halt,
            },
            Step::Kill { slot } => Task::Kill { slot: *slot },
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
        let key = key.map(|key| (by, place, key));
        let standing = key.and_then(|key| self.keys.get(&key)).copied();
        // a key is free again when its intent has ended
        let standing = standing.filter(|asset| self.now < self.assets[*asset].ends);
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
            });
            self.keys.extend(key.map(|key| (key, asset)));
            self.presigned(by, asset)
        };
        Task::Call(call, answer)
    }

    fn presigned_again(&mut self, by: usize, number: usize, file: File) -> Answer {
        let asset = &self.assets[number];
        let promised = |file: File| (file.name, file.content, file.content_type());
        if promised(asset.file) != promised(file) {
            problem(422, "idempotency-key-reused", vec![String::new()])
        } else if asset.record.is_some() {
            Answer::Problem(Problem {
                location: Some(number),
                ..Problem::plain(409, "asset-conflict")
            })
        } else {
            self.presigned(by, number)
        }
    }

    fn presigned(&mut self, by: usize, number: usize) -> Answer {
        let asset = &mut self.assets[number];
        asset.url_ends = asset.ends.min(self.now + URL_TTL);
        let text = texts::presigned(number, asset.place, asset.file, asset.url_ends);
        self.record_event(number, by, None);
        Answer::Presigned {
            asset: number,
            text,
        }
    }

    fn upload(&mut self, number: usize, how: Upload) -> Task {
        let now = self.now;
        let asset = &mut self.assets[number];
        let put = Put::Upload { asset: number, how };
        let uploaded = Object {
            size: asset.file.content().bytes.len(),
            hex: asset.file.content().hex,
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
                    hex: asset.file.other_bytes().hex,
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
        Task::Put(put, statuses)
    }

    fn place(&mut self, number: usize, what: Placed) -> Task {
        let asset = &mut self.assets[number];
        let put = Put::Place {
            asset: number,
            what,
        };
        if asset.object.is_some() {
            return Task::Put(put, vec![412]);
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
            hex: content.hex,
            content_type,
            has_its_metadata: what != Placed::OtherMetadata,
            has_a_foreign_header: false,
        });
        Task::Put(put, vec![200])
    }

    fn register(
        &mut self,
        by: usize,
        place: Place,
        asset: Option<usize>,
        said: Said,
        restated: Option<Restated>,
        parents: Vec<Option<usize>>,
    ) -> Task {
        let mut distinct: Vec<Option<usize>> = Vec::new();
        for parent in parents {
            if !distinct.contains(&parent) {
                distinct.push(parent);
            }
        }
        let ids = distinct.iter().map(|parent| name_of(*parent)).collect();
        let statement = texts::statement(said, ids, self.now);
        let mut body = statement.body.clone();
        body.insert("asset_id".to_owned(), json!(name_of(asset)));
        if let (Some(restated), Some(asset)) = (restated, asset) {
            body.extend(texts::restated(restated, self.assets[asset].file));
        }
        let call = Call {
            by,
            place,
            method: "POST",
            path: "/nexus/raw/register".to_owned(),
            key: None,
            body: Some(Value::Object(body)),
        };
        if !self.writes(by, place) {
            return Task::Call(call, forbidden());
        }
        if said == Said::Ahead {
            let pointers = vec!["/captured_at".to_owned()];
            return Task::Call(call, problem(422, "validation-failed", pointers));
        }
        let here = asset.filter(|asset| self.assets[*asset].place == place);
        let Some(asset) = here else {
            return Task::Call(call, not_found());
        };
        let differs = restated.is_some_and(|it| it != Restated::AsPromised);
        let answer = if differs {
            Answer::Problem(Problem::plain(409, "asset-conflict"))
        } else {
            self.registered(by, asset, &statement, &distinct)
        };
        Task::Call(call, answer)
    }

    /// What becomes of a registration that is for an asset that was promised here.
    fn registered(
        &mut self,
        by: usize,
        number: usize,
        statement: &texts::Statement,
        parents: &[Option<usize>],
    ) -> Answer {
        let asset = &self.assets[number];
        if let Some(record) = &asset.record {
            return if record.meaning == statement.meaning {
                Answer::Record {
                    asset: number,
                    created: false,
                    text: record.text.clone(),
                }
            } else {
                Answer::Problem(Problem {
                    location: Some(number),
                    ..Problem::plain(409, "asset-conflict")
                })
            };
        }
        if self.now >= asset.ends && asset.object.is_none() {
            return Answer::Problem(Problem::plain(410, "upload-expired"));
        }
        let is_parent = |parent: &Option<usize>| {
            parent.is_some_and(|parent| {
                let parent = &self.assets[parent];
                parent.place == asset.place && parent.record.is_some()
            })
        };
        let unknown: Vec<String> = (0..parents.len())
            .filter(|position| !is_parent(&parents[*position]))
            .map(|position| format!("/lineage/derived_from/{position}"))
            .collect();
        if !unknown.is_empty() {
            return problem(422, "validation-failed", unknown);
        }
        let Some(object) = asset.object else {
            return Answer::Problem(Problem::plain(409, "object-not-uploaded"));
        };
        let differences = differences(asset, object, self.store_proves);
        if !differences.is_empty() {
            return problem(422, "object-mismatch", differences);
        }
        if !self.store_proves {
            if object.size > SYNC_HASH_MAX && !asset.hashed.contains(&object.hex) {
                self.assets[number].hashed.push(object.hex);
                return Answer::Problem(Problem::plain(409, "verification-pending"));
            }
            if object.hex != asset.file.content().hex {
                return problem(422, "object-mismatch", vec!["/sha256".to_owned()]);
            }
        }
        let level = if self.store_proves {
            "s3_sha256"
        } else {
            "stream_sha256"
        };
        let what = (asset.place, asset.file);
        let text = texts::record(number, what, by, self.now, statement, level);
        self.assets[number].record = Some(Record {
            text: text.clone(),
            meaning: statement.meaning.clone(),
            parents: parents.iter().flatten().copied().collect(),
            allowed: text["train_ok"] == true,
            fact: None,
        });
        self.record_event(number, by, Some(&text));
        Answer::Record {
            asset: number,
            created: true,
            text,
        }
    }

    fn read(&self, by: usize, place: Place, asset: Option<usize>, events: bool) -> Task {
        let path = format!("/nexus/raw/{}", name_of(asset));
        let call = Call {
            by,
            place,
            method: "GET",
            path: if events { path + "/events" } else { path },
            key: None,
            body: None,
        };
        if self.grant(by, place) == Grant::Nothing {
            return Task::Call(call, forbidden());
        }
        let here = asset.filter(|asset| self.assets[*asset].place == place);
        let answer = match here {
            Some(asset) if events => Answer::Events(self.events_of(asset)),
            Some(asset) => self.record_of(asset),
            None => not_found(),
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

/// Where an object is not what was promised.
fn differences(asset: &Asset, object: Object, store_proves: bool) -> Vec<String> {
    let promised = asset.file.content();
    let differs = [
        ("/size_bytes", object.size != promised.bytes.len()),
        ("/sha256", store_proves && object.hex != promised.hex),
        (
            "/content_type",
            object.content_type != asset.file.content_type(),
        ),
        ("", !object.has_its_metadata),
        ("", object.has_a_foreign_header),
    ];
    let differing = differs.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(pointer, _)| pointer.to_owned()).collect()
}

pub(crate) fn name_of(asset: Option<usize>) -> String {
    asset.map_or_else(|| ABSENT.to_owned(), id)
}

fn problem(status: u16, code: &'static str, pointers: Vec<String>) -> Answer {
    Answer::Problem(Problem::at(status, code, pointers))
}

pub(crate) fn forbidden() -> Answer {
    Answer::Problem(Problem::plain(403, "forbidden"))
}

pub(crate) fn not_found() -> Answer {
    Answer::Problem(Problem::plain(404, "asset-not-found"))
}
