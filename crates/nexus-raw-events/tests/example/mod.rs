//! The event that docs/EVENTS.md shows.

use nexus_raw::event::{DatasetEvent, EventBody};
use nexus_raw_testkit::sample::{self, asset_id, intent, new_asset, provenance, scope};

pub(crate) fn registered() -> DatasetEvent {
    let intent = intent(&scope("t_demo", "dev"), asset_id(2));
    DatasetEvent {
        body: EventBody::registered(&new_asset(&intent, provenance()).asset, &sample::context()),
        ..sample::event(&intent.scope, 2)
    }
}
