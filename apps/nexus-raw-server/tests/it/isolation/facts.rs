//! What the routes of facts and of the lineage answer for an asset that is there.

use nexus_raw::event::EventType;
use serde_json::{Value, json};

use super::{
    cells::Cell,
    records,
    rules::{self, Body, Expected, NOTHING, ONE_LOOKUP},
    world::{Traces, World},
};

/// What is looked up of an asset, there or not.
pub(super) fn lookups(cell: &Cell) -> Traces {
    let lists = cell.pattern.ends_with("/facts") && cell.method != "POST";
    // the facts, and what is in force
    Traces {
        lookups: if lists { 2 } else { 1 },
        ..NOTHING
    }
}

/// Returns nothing for other routes.
pub(super) fn expected(cell: &Cell, world: &World) -> Option<Expected> {
    if cell.pattern.ends_with("/lineage") {
        let body = lineage(&world.id(cell.object));
        return Some(rules::found(200, Body::Json(body), ONE_LOOKUP));
    }
    if !cell.pattern.ends_with("/facts") {
        return None;
    }
    let stated = stated(cell, world);
    if cell.method == "POST" {
        if let Some(fact) = stated {
            // it is the latest of its kind
            return Some(rules::found(200, Body::Json(fact), ONE_LOOKUP));
        }
        let last = world.events_in(cell.tenant.name(), cell.environment).len();
        let touches = Traces {
            lookups: 1,
            writes: 1,
            events: 1,
            ..NOTHING
        };
        let next = u64::try_from(last).unwrap() + 1;
        return Some(rules::found(201, Body::Json(fact(next)), touches));
    }
    let body = json!({
        "facts": stated.iter().collect::<Vec<_>>(),
        "in_force": {
            "train_ok": false,
            "train_ok_effective": false,
            "withheld_by": [world.id(cell.object)],
            "pii_flags": [],
            "labels": {},
            "license": stated.as_ref().map(|_| "CC-BY-4.0"),
            "rights_holder": null,
            "scan": null,
            "c2pa": null,
        },
    });
    Some(rules::found(200, Body::Json(body), lookups(cell)))
}

/// The fact that an earlier cell stated.
fn stated(cell: &Cell, world: &World) -> Option<Value> {
    let events = world.events_of(cell.object);
    let mut facts = events
        .iter()
        .filter(|event| event.body.event_type == EventType::RawAssetFactStated);
    facts.next().map(|event| fact(event.sequence))
}

fn fact(sequence: u64) -> Value {
    let mut fact = records::fact();
    fact["sequence"] = json!(sequence);
    fact["stated_at"] = json!("2026-11-24T01:00:00Z");
    fact["stated_by"] = json!("u_demo");
    fact
}

fn lineage(id: &str) -> Value {
    json!({
        "asset_id": id,
        "nodes": [{
            "asset_id": id,
            "filename": "DSCN0010.jpg",
            "content_type": "image/jpeg",
            "train_ok": false,
            "train_ok_effective": false,
            "depth": 0,
        }],
        "edges": [],
        "truncated": false,
    })
}
