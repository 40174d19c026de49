//! The events that docs/EVENTS.md shows, and others of their assets.

use nexus_raw::{
    asset::{
        Activity, DerivedFrom, Disposition, Fact, FactValue, InForce, License, Lineage, Provenance,
        Reason,
    },
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

/// The registration of an asset that was made from it.
pub(crate) fn derived() -> DatasetEvent {
    let intent = intent(&scope("t_demo", "dev"), asset_id(5));
    let made = Provenance {
        lineage: Lineage {
            derived_from: DerivedFrom::parse(vec![asset_id(2)]).unwrap(),
            source_uri: None,
            activity: Some(Activity::parse("blur-faces").unwrap()),
        },
        ..provenance()
    };
    DatasetEvent {
        body: EventBody::registered(&new_asset(&intent, made).asset, &sample::context()),
        ..sample::event(&intent.scope, 5)
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

pub(crate) fn stated() -> DatasetEvent {
    let license = License::parse("CC-BY-4.0").unwrap();
    let reason = Reason::parse("contract of 2026-11-20").unwrap();
    let fact = Fact::new(FactValue::License(Some(license))).with_reason(Some(reason));
    fact_stated(fact)
}

/// The event of any fact.
pub(crate) fn fact_stated(fact: Fact) -> DatasetEvent {
    let intent = intent(&scope("t_demo", "dev"), asset_id(2));
    let asset = new_asset(&intent, provenance()).asset;
    let in_force = InForce::as_registered(&asset, true);
    DatasetEvent {
        body: EventBody::fact_stated(
            &asset,
            &in_force,
            fact,
            &sample::user(),
            &sample::context(),
            sample::seconds_after(180),
        ),
        ..sample::event(&intent.scope, 4)
    }
}
