//! What becomes of a statement about training.

use serde_json::json;

use crate::{
    promises::{forbidden, name_of, not_found},
    texts::{self, Happening},
    words::Place,
    world::{Answer, Call, Task, World},
};

impl World {
    pub(crate) fn state(
        &mut self,
        by: usize,
        place: Place,
        asset: Option<usize>,
        allowed: bool,
    ) -> Task {
        let call = Call {
            by,
            place,
            method: "POST",
            path: format!("/nexus/raw/{}/facts", name_of(asset)),
            key: None,
            body: Some(json!({"kind": "train_ok", "value": allowed})),
        };
        if !self.writes(by, place) {
            return Task::Call(call, forbidden());
        }
        let here = asset.filter(|asset| self.assets[*asset].place == place);
        let events = self.events.get(&place).map_or(0, Vec::len);
        let now = self.now;
        let found = here.and_then(|asset| Some((asset, self.assets[asset].record.as_mut()?)));
        let Some((asset, record)) = found else {
            return Task::Call(call, not_found());
        };
        if let Some(fact) = record.fact.as_ref().filter(|it| it["value"] == allowed) {
            let text = fact.clone();
            return Task::Call(
                call,
                Answer::Fact {
                    created: false,
                    text,
                },
            );
        }
        let text = texts::fact(events + 1, by, now, allowed);
        record.allowed = allowed;
        record.fact = Some(text.clone());
        let registered = record.text.clone();
        self.record_event(asset, by, Happening::Stated(&registered, &text));
        Task::Call(
            call,
            Answer::Fact {
                created: true,
                text,
            },
        )
    }
}
