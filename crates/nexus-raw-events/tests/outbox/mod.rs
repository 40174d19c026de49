//! A catalogue with the events of whole assets, and a relay that delivers them to one sink.

use std::{future::pending, sync::Arc, time::Duration};

use nexus_raw::{
    asset::{AssetId, Disposition, InForce, Provenance},
    event::{EventBody, EventDownload},
    ports::{
        AssetCatalog as _, DatasetEventSink, DownloadKey, EventOutbox as _, NewDownload,
        ParkedEvents as _, ParkedFilter,
    },
    tenancy::Scope,
};
use nexus_raw_events::{Relay, RelaySettings};
use nexus_raw_testkit::{FakeCatalog, FixedClock, sample};
use tokio::{
    select,
    time::{sleep, timeout},
};
use uuid::Uuid;

pub(crate) fn scope() -> Scope {
    sample::scope("t_demo", "dev")
}

/// Commits three events of an asset: it is presigned, registered and downloaded.
pub(crate) async fn commit_asset(catalog: &FakeCatalog, asset_id: AssetId, made: Provenance) {
    let intent = sample::intent(&scope(), asset_id);
    let event = sample::presigned(&intent);
    catalog.record_intent(intent.clone(), event).await.unwrap();
    let new = sample::new_asset(&intent, made);
    catalog.register(new.clone()).await.unwrap();
    let key = DownloadKey {
        scope: scope(),
        asset_id,
        user: sample::user(),
        disposition: Disposition::Attachment,
    };
    let download = EventDownload {
        disposition: key.disposition,
        expires_at: sample::seconds_after(1020),
    };
    let event = EventBody::download_presigned(
        &new.asset,
        &InForce::as_registered(&new.asset, true),
        download,
        &key.user,
        &sample::context(),
        sample::seconds_after(120),
    );
    let download = NewDownload {
        last_fact: None,
        key,
        ends_at: download.expires_at,
        enough_until: download.expires_at,
        event,
    };
    catalog.record_download(download).await.unwrap();
}

/// Runs a relay until the sink's cursors are at the end and no retry is waiting.
pub(crate) async fn relay_all(catalog: &FakeCatalog, sink: Arc<dyn DatasetEventSink>) {
    let relay = Relay::new(
        Arc::new(catalog.clone()),
        vec![Arc::clone(&sink)],
        Arc::new(FixedClock::at(sample::now())),
        Uuid::from_u128(1),
        RelaySettings::default(),
    );
    let relay = relay.unwrap();
    let is_done = async || {
        let undelivered = catalog.oldest_undelivered(sink.name()).await.unwrap();
        let retries = catalog.retries(sink.name(), 1).await.unwrap();
        undelivered.is_none() && retries.is_empty()
    };
    let watching = async {
        while !is_done().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let running = async {
        select! {
            () = relay.run(pending()) => {}
            () = watching => {}
        }
    };
    timeout(Duration::from_secs(10), running).await.unwrap();
}

/// Requests a retry of every parked event.
pub(crate) async fn ask_retry(catalog: &FakeCatalog) {
    let asked = catalog.ask_retry(ParkedFilter::default(), sample::now());
    assert_eq!(asked.await.unwrap(), 1);
}
