//! The event that docs/EVENTS.md shows, and a download of its asset.

use nexus_raw::{
    asset::{Disposition, InForce},
    event::{DatasetEvent, EventBody, EventDownload},
};
use nexus_raw_testkit::sample::{self, asset_id, intent, new_asset, provenance, scope};

pub(crate) fn registered() -> DatasetEvent {
    let intent = intent(&scope("t_demo", "dev"), asset_id(2));
    DatasetEvent {
        body: EventBody::registered(&new_asset(&intent, provenance()).asset, &sample::context()),
        ..sample::event(&intent.scope, 2)
    }
}

pub(crate) fn downloaded() -> DatasetEvent {
    let intent = intent(&scope("t_demo", "dev"), asset_id(2));
    let asset = new_asset(&intent, provenance()).asset;
    let in_force = InForce::as_registered(&asset, true);
    let download = EventDownload {
        disposition: Disposition::Attachment,
        expires_at: sample::seconds_after(1020),
    };
    DatasetEvent {
        body: EventBody::download_presigned(
            &asset,
            &in_force,
            download,
            &sample::user(),
            &sample::context(),
            sample::seconds_after(120),
        ),
        ..sample::event(&intent.scope, 3)
    }
}
