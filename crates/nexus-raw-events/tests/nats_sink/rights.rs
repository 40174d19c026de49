//! Missing permissions of the sink's user: each is reported as one, and delays no other scope.

use std::{collections::BTreeMap, future::pending, sync::Arc, time::Duration};

use async_nats::jetstream::{self, stream};
use futures_util::StreamExt as _;
use nexus_raw::{
    ports::{AssetCatalog as _, Clock, DatasetEventSink, Delivery, EventOutbox as _, SinkError},
    tenancy::Scope,
    time::Timestamp,
};
use nexus_raw_events::{Relay, RelaySettings};
use nexus_raw_testkit::{
    FakeCatalog, Nats,
    sample::{self, scope},
};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::{
    events,
    support::{STREAM, admin, sink},
    unavailable,
};

pub(super) const PUBLISH: &str = "nexus.raw.>";
pub(super) const INFO: &str = "$JS.API.STREAM.INFO.NEXUS_RAW";
pub(super) const CREATE: &str = "$JS.API.STREAM.CREATE.NEXUS_RAW";
pub(super) const INBOX: &str = "_INBOX.>";

/// The permissions that EVENTS.md says the user needs.
pub(super) fn documented() -> &'static str {
    let page = include_str!("../../../../docs/EVENTS.md");
    let (_, after) = page.split_once("permissions: ").unwrap();
    after.split_once("\n```").unwrap().0
}

/// A denial is reported before the timeout.
const AT_ONCE: Duration = Duration::from_millis(1500);

async fn make_stream(nats: &Nats) {
    let config = stream::Config {
        name: STREAM.to_owned(),
        subjects: vec![PUBLISH.to_owned()],
        ..stream::Config::default()
    };
    let context = jetstream::new(admin(nats).await);
    context.create_stream(config).await.unwrap();
}

#[tokio::test]
async fn the_documented_permissions_suffice_and_each_missing_one_is_reported() {
    let all = documented();
    let nats = Nats::with_rights(all);
    let delivery = sink(&nats).deliver(&events("t_a", 1, 2)).await.unwrap();
    assert_eq!(delivery, Delivery { taken: 2 });
    let subject = "nexus.raw.t_a.dev.raw_asset_presigned";
    for (right, named) in [
        (PUBLISH, format!("Publish to \"{subject}\"")),
        (INFO, format!("Publish to \"{INFO}\"")),
        (CREATE, format!("Publish to \"{CREATE}\"")),
        (INBOX, "Subscription to \"_INBOX.".to_owned()),
    ] {
        let quoted = format!("\"{right}\"");
        assert!(all.contains(&quoted), "{right} is not documented");
        let nats = Nats::with_rights(&all.replacen(&quoted, "\"nothing\"", 1));
        let began = Instant::now();
        let (taken, reason) = unavailable(&sink(&nats), &events("t_a", 1, 1)).await;
        assert!(began.elapsed() < AT_ONCE, "{right}: {:?}", began.elapsed());
        assert_eq!(taken, 0);
        let expected = format!("permission is missing: Permissions Violation for {named}");
        assert!(reason.starts_with(&expected), "{reason}");
    }
}

#[tokio::test]
async fn a_stream_that_is_there_needs_no_right_to_make_one() {
    let nats = Nats::with_rights(&documented().replacen(CREATE, "nothing", 1));
    make_stream(&nats).await;
    let delivery = sink(&nats).deliver(&events("t_a", 1, 2)).await.unwrap();
    assert_eq!(delivery, Delivery { taken: 2 });
}

/// The user may send the events of every tenant but `t_b`.
pub(super) fn all_but_one() -> String {
    let deny = "publish: { allow: \">\", deny: \"nexus.raw.t_b.>\" }";
    format!("{{ {deny}, subscribe: \">\" }}")
}

#[tokio::test]
async fn a_refused_tenant_is_reported_alone_and_what_others_had_acknowledged_counts() {
    let nats = Nats::with_rights(&all_but_one());
    let sink = sink(&nats);
    let batch = [
        events("t_b", 1, 2),
        events("t_a", 1, 3),
        events("t_c", 7, 7),
    ]
    .concat();
    let began = Instant::now();
    let outcome = sink.deliver(&batch).await;
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    let Err(SinkError::ByScope(answers)) = outcome else {
        panic!("{outcome:?}")
    };
    let outcomes: BTreeMap<Scope, String> = answers
        .into_iter()
        .map(|(scope, answer)| match answer {
            Ok(Delivery { taken }) => (scope, format!("{taken} taken")),
            Err(SinkError::Unavailable { taken, source }) => {
                (scope, format!("{taken} taken: {source}"))
            }
            Err(other) => panic!("{other:?}"),
        })
        .collect();
    let refused = "0 taken: permission is missing: Permissions Violation for Publish to \
                   \"nexus.raw.t_b.dev.raw_asset_presigned\"";
    let expected = [("t_a", "3 taken"), ("t_b", refused), ("t_c", "1 taken")];
    let expected = expected.map(|(tenant, outcome)| (scope(tenant, "dev"), outcome.to_owned()));
    assert_eq!(outcomes, BTreeMap::from(expected));
    // a right that comes later counts from then on
    nats.stop();
    nats.set_rights("{}");
    assert_eq!(unavailable(&sink, &events("t_b", 1, 2)).await.0, 0);
    nats.start_again();
    let delivery = sink.deliver(&events("t_b", 1, 2)).await.unwrap();
    assert_eq!(delivery, Delivery { taken: 2 });
}

#[derive(Debug)]
struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        Timestamp::UNIX_EPOCH.saturating_add(now)
    }
}

async fn commit(catalog: &FakeCatalog, scope: &Scope, number: u64) {
    let intent = sample::intent(scope, sample::asset_id(number));
    let event = sample::presigned(&intent);
    catalog.record_intent(intent, event).await.unwrap();
}

/// Before, what the others had taken was sent again and again: 18 copies of two events in 32 s.
#[tokio::test]
async fn while_one_tenant_is_refused_the_events_of_others_come_at_once_and_once() {
    let nats = Nats::with_rights(&all_but_one());
    let watcher = admin(&nats).await;
    // every copy, also of what the stream drops as a repeat
    let mut copies = watcher.subscribe(PUBLISH).await.unwrap();
    watcher.flush().await.unwrap();
    let catalog = FakeCatalog::new();
    let (refused, other) = (scope("t_b", "dev"), scope("t_c", "dev"));
    for number in 0..2 {
        commit(&catalog, &refused, number).await;
    }
    let sink = Arc::new(sink(&nats));
    let relay = Relay::new(
        Arc::new(catalog.clone()),
        vec![Arc::clone(&sink) as Arc<dyn DatasetEventSink>],
        Arc::new(WallClock),
        Uuid::from_u128(1),
        RelaySettings::default(),
    );
    let relay = relay.unwrap();
    let mut next = async || {
        let message = timeout(Duration::from_secs(5), copies.next()).await;
        let event: Value = serde_json::from_slice(&message.unwrap().unwrap().payload).unwrap();
        (event["tenant_id"].clone(), event["sequence"].clone())
    };
    let watching = async {
        for number in 10..30 {
            commit(&catalog, &other, number).await;
            assert_eq!(next().await, (json!("t_c"), json!(number - 9)));
        }
        nats.stop();
        nats.set_rights("{}");
        nats.start_again();
        while catalog
            .oldest_undelivered(sink.name())
            .await
            .unwrap()
            .is_some()
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = relay.run(pending()) => {}
        () = watching => {}
    }
    let mut stream = jetstream::new(admin(&nats).await)
        .get_stream(STREAM)
        .await
        .unwrap();
    assert_eq!(stream.info().await.unwrap().state.messages, 22);
}
