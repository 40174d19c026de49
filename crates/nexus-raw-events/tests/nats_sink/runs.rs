//! Run events: one for each registration, and nothing of other events.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_nats::jetstream::stream;
use nexus_raw::{
    event::{DatasetEvent, EventBody},
    ports::{DatasetEventSink as _, Delivery, SinkError},
    tenancy::TenantId,
};
use nexus_raw_events::{NatsEventSink, NatsSinkSettings, encoding::Encoding};
use nexus_raw_testkit::{
    FakeCatalog, Nats, SwallowingProxy,
    sample::{asset_id, derived_from, provenance},
};

use super::{
    events,
    example::registered,
    outbox::{ask_retry, commit_asset, relay_all, scope},
    rights::all_but_one,
    support::{STREAM, context, messages, settings},
    unavailable,
};

fn runs(settings: NatsSinkSettings) -> NatsEventSink {
    NatsEventSink::new(NatsSinkSettings {
        encoding: Encoding::OpenLineageRun,
        ..settings
    })
}

/// The assets that the messages are about, by the subject of each.
async fn outputs(nats: &Nats) -> Vec<String> {
    let messages = messages(nats).await.into_iter();
    messages
        .map(|message| {
            let event = message.event();
            assert_eq!(event["eventType"], "COMPLETE");
            assert_eq!(message.subject, "nexus.raw.t_demo.dev.raw_asset_registered");
            event["outputs"][0]["name"].as_str().unwrap().to_owned()
        })
        .collect()
}

fn name(number: u64) -> String {
    format!("tenants/t_demo/dev/raw/{}", asset_id(number))
}

#[tokio::test]
async fn of_the_events_of_assets_the_registrations_are_sent_and_the_cursor_is_at_the_end() {
    let nats = Nats::start();
    let catalog = FakeCatalog::new();
    commit_asset(&catalog, asset_id(1), provenance()).await;
    commit_asset(&catalog, asset_id(2), derived_from(&[asset_id(1)])).await;
    let sink = Arc::new(runs(settings(&nats)));
    relay_all(&catalog, Arc::clone(&sink) as _).await;
    assert_eq!(outputs(&nats).await, [name(1), name(2)]);
    assert_eq!(catalog.events_in(&scope()).len(), 6);
    assert_eq!(catalog.parked(sink.name()), []);
}

#[tokio::test]
async fn a_run_event_that_is_refused_is_parked_and_may_be_retried() {
    let nats = Nats::start();
    let mut small = stream::Config {
        name: STREAM.to_owned(),
        subjects: vec!["nexus.raw.>".to_owned()],
        max_message_size: 4000,
        ..stream::Config::default()
    };
    let context = context(&nats).await;
    context.create_stream(&small).await.unwrap();
    let catalog = FakeCatalog::new();
    let parents: Vec<_> = (100..140).map(asset_id).collect();
    for parent in &parents {
        commit_asset(&catalog, *parent, provenance()).await;
    }
    commit_asset(&catalog, asset_id(1), derived_from(&parents)).await;
    commit_asset(&catalog, asset_id(2), provenance()).await;
    let sink = Arc::new(runs(settings(&nats)));
    relay_all(&catalog, Arc::clone(&sink) as _).await;
    let parked = catalog.parked(sink.name());
    let parked: Vec<_> = parked.iter().map(|it| it.sequence).collect();
    assert_eq!(parked, [122]);
    assert_eq!(outputs(&nats).await[40..], [name(2)]);
    small.max_message_size = -1;
    context.update_stream(&small).await.unwrap();
    ask_retry(&catalog).await;
    relay_all(&catalog, Arc::clone(&sink) as _).await;
    assert_eq!(catalog.parked(sink.name()), []);
    assert_eq!(outputs(&nats).await[40..], [name(2), name(1)]);
}

/// A presigned event, then a registration, of one tenant.
fn one_of_nothing_then_one(tenant: &str) -> Vec<DatasetEvent> {
    let mut events = events(tenant, 1, 1);
    let registered = registered();
    events.push(DatasetEvent {
        body: EventBody {
            tenant_id: TenantId::parse(tenant).unwrap(),
            ..registered.body
        },
        ..registered
    });
    events
}

#[tokio::test]
async fn events_of_which_nothing_is_sent_do_not_wait_for_the_server() {
    let nats = Nats::start();
    nats.stop();
    let sink = runs(settings(&nats));
    let delivery = sink.deliver(&events("t_a", 1, 3)).await.unwrap();
    assert_eq!(delivery, Delivery { taken: 3 });
    let (taken, _) = unavailable(&sink, &one_of_nothing_then_one("t_a")).await;
    assert_eq!(taken, 0);
    nats.start_again();
    let delivery = sink.deliver(&one_of_nothing_then_one("t_a")).await.unwrap();
    assert_eq!(delivery, Delivery { taken: 2 });
    assert_eq!(messages(&nats).await.len(), 1);
}

/// The cursor of a tenant moves over events of which nothing is sent, whatever holds up another.
#[tokio::test]
async fn a_tenant_of_which_nothing_is_sent_does_not_wait_for_one_that_is_refused() {
    let nats = Nats::with_rights(&all_but_one());
    let sink = runs(settings(&nats));
    let batch = [one_of_nothing_then_one("t_b"), events("t_c", 1, 3)].concat();
    let outcome = sink.deliver(&batch).await;
    let Err(SinkError::ByScope(answers)) = outcome else {
        panic!("{outcome:?}")
    };
    let [
        (_, Err(SinkError::Unavailable { taken: 1, source })),
        (_, Ok(Delivery { taken: 3 })),
    ] = &answers[..]
    else {
        panic!("{answers:?}")
    };
    assert!(source.to_string().starts_with("permission is missing"));
}

/// An event of which nothing is sent says nothing of the connection: it is made anew even so.
#[tokio::test]
async fn after_its_flow_fell_silent_runs_are_taken_again_within_ten_seconds() {
    let nats = Nats::start();
    let mut settings = settings(&nats);
    let server = settings.url.as_url().socket_addrs(|| None).unwrap()[0];
    let proxy = SwallowingProxy::before(server);
    settings.url = format!("nats://{}", proxy.address()).parse().unwrap();
    let sink = runs(settings);
    let batch = one_of_nothing_then_one("t_a");
    let taken = Delivery { taken: 2 };
    assert_eq!(sink.deliver(&batch).await.unwrap(), taken);
    proxy.swallow_flows();
    let silent = Instant::now();
    while sink.deliver(&batch).await.is_err() {
        assert!(silent.elapsed() < Duration::from_secs(10));
    }
    assert!(silent.elapsed() < Duration::from_secs(10));
}
