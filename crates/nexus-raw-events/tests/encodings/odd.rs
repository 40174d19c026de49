//! An event with all that callers may put into one.

use nexus_raw::{
    asset::{Activity, DerivedFrom, Lineage},
    event::{DatasetEvent, EventBody},
    tenancy::UserId,
};
use nexus_raw_testkit::sample::asset_id;

use super::registered;

pub(crate) fn event() -> DatasetEvent {
    let event = registered();
    DatasetEvent {
        sequence: u64::from(u32::MAX) + 1,
        body: EventBody {
            user_id: UserId::from_stored("u \"x\" % \u{202e}\u{1f9d1}").unwrap(),
            lineage: Lineage {
                derived_from: DerivedFrom::parse((1..=64).map(asset_id).collect()).unwrap(),
                activity: Some(Activity::parse("\"a\"\\n \u{1f4f7}\u{10ffff}").unwrap()),
                ..event.body.lineage
            },
            ..event.body
        },
        ..event
    }
}
