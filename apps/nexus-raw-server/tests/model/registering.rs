//! What a registration comes to.

use serde_json::{Value, json};

use crate::{
    promises::{SYNC_HASH_MAX, forbidden, name_of, not_found, problem},
    texts::{self, Happening},
    words::{Place, Restated, Said},
    world::{Answer, Asset, Bytes, Call, Object, Parts, Problem, Record, Task, World},
};

impl World {
    pub(crate) fn register(
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
        let answer = match self.assets[asset].digest(restated) {
            Err(problem) => Answer::Problem(problem),
            Ok(sha256) => self.registered(by, (asset, sha256), &statement, &distinct),
        };
        Task::Call(call, answer)
    }

    /// What becomes of a registration that is for an asset that was promised here.
    fn registered(
        &mut self,
        by: usize,
        (number, sha256): (usize, &'static str),
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
        if asset.is_aborted() || self.now >= asset.ends && asset.object.is_none() {
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
        let object = match self.assets[number].found_or_completed() {
            Err(problem) => return Answer::Problem(problem),
            Ok(object) => object,
        };
        let asset = &self.assets[number];
        // unless each part is declared, the store's digest of parts says nothing
        let undeclared = |parts: &Parts| parts.declared.iter().any(Option::is_none);
        let store_proves = self.store_proves && !asset.parts.as_ref().is_some_and(undeclared);
        let differences = differences(asset, object, store_proves);
        if !differences.is_empty() {
            return problem(422, "object-mismatch", differences);
        }
        if !store_proves {
            if object.size > SYNC_HASH_MAX && !asset.hashed.contains(&object.bytes) {
                self.assets[number].hashed.push(object.bytes);
                return Answer::Problem(Problem::plain(409, "verification-pending"));
            }
            if object.bytes.hex() != Some(sha256) {
                return problem(422, "object-mismatch", vec!["/sha256".to_owned()]);
            }
        }
        let level = match (store_proves, asset.file.is_in_parts()) {
            (true, false) => "s3_sha256",
            (true, true) => "s3_composite_sha256",
            (false, _) => "stream_sha256",
        };
        let what = (asset.place, asset.file, sha256);
        let text = texts::record(number, what, by, self.now, statement, level);
        self.assets[number].record = Some(Record {
            text: text.clone(),
            meaning: statement.meaning.clone(),
            parents: parents.iter().flatten().copied().collect(),
            allowed: text["train_ok"] == true,
            fact: None,
        });
        self.record_event(number, by, Happening::Registered(&text));
        Answer::Record {
            asset: number,
            created: true,
            text,
        }
    }
}

impl Asset {
    /// The digest of the whole, which presign has stated or a registration restates.
    fn digest(&self, restated: Option<Restated>) -> Result<&'static str, Problem> {
        let again = restated.map(|it| match it {
            Restated::OtherDigest => self.file.other_bytes().hex,
            _ => self.file.content().hex,
        });
        let Some(sha256) = self.file.stated().or(again) else {
            let pointers = vec!["/sha256".to_owned()];
            return Err(Problem::at(422, "validation-failed", pointers));
        };
        let recorded = self.record.as_ref().map(|it| &it.text["sha256"]);
        let differs = match restated {
            None | Some(Restated::AsPromised | Restated::OtherDigest) => {
                again.is_some_and(|it| it != sha256 || recorded.is_some_and(|was| was != it))
            }
            Some(Restated::OtherName | Restated::OtherType | Restated::OtherSize) => true,
        };
        if differs {
            return Err(Problem::plain(409, "asset-conflict"));
        }
        Ok(sha256)
    }
}

/// Where an object is not what was promised.
fn differences(asset: &Asset, object: Object, store_proves: bool) -> Vec<String> {
    let promised = asset.file.content();
    // what was put together of parts is as these were declared, and nothing else is
    let proved = match object.bytes {
        Bytes::Whole(hex) => !asset.file.is_in_parts() && hex == promised.hex,
        Bytes::Parts(_) => asset.file.is_in_parts(),
    };
    let differs = [
        ("/size_bytes", object.size != promised.bytes.len()),
        ("/sha256", store_proves && !proved),
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
