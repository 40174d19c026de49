//! The NATS sink, on a server with `JetStream`: what is in the stream, and what becomes of an
//! event that does not get there.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "where an expectation of the test's own support breaks, the test must end"
)]

mod contract;
mod examining;
#[expect(dead_code, reason = "other test binaries need more of it")]
#[path = "../example/mod.rs"]
mod example;
#[path = "../outbox/mod.rs"]
mod outbox;
mod rights;
mod runs;
mod support;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use async_nats::jetstream::stream;
use nexus_raw::{
    event::{DatasetEvent, EventBody},
    ports::{DatasetEventSink, Delivery, SinkError},
};
use nexus_raw_events::{NatsEventSink, NatsSinkSettings, encoding::Encoding};
use nexus_raw_testkit::{
    Guard, Nats, SwallowingProxy,
    sample::{self, scope},
};

use self::{
    example::registered,
    support::{STREAM, context, messages, settings, sink},
};

fn events(tenant: &str, from: u64, to: u64) -> Vec<DatasetEvent> {
    (from..=to)
        .map(|sequence| sample::event(&scope(tenant, "dev"), sequence))
        .collect()
}

/// What was taken before NATS was unavailable, and why it was.
async fn unavailable(sink: &NatsEventSink, events: &[DatasetEvent]) -> (usize, String) {
    match sink.deliver(events).await {
        Err(SinkError::Unavailable { taken, source }) => (taken, source.to_string()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_event_is_one_message_of_its_encoding_on_the_subject_of_its_scope_and_type() {
    for encoding in [
        Encoding::Native,
        Encoding::CloudEvents,
        Encoding::CloudEventsBinary,
        Encoding::OpenLineage,
        Encoding::OpenLineageRun,
    ] {
        let nats = Nats::start();
        let sink = NatsEventSink::new(NatsSinkSettings {
            encoding,
            ..settings(&nats)
        });
        let event = registered();
        let delivery = sink.deliver(std::slice::from_ref(&event)).await;
        assert_eq!(delivery.unwrap(), Delivery { taken: 1 });
        let [message] = &messages(&nats).await[..] else {
            panic!("not one message")
        };
        let subject = format!(
            "nexus.raw.{}.{}.raw_asset_registered",
            event.body.tenant_id, event.body.env
        );
        let expected = encoding.encode(&event).unwrap().unwrap();
        let mut headers = BTreeMap::from([
            ("Nats-Msg-Id".to_owned(), event.event_id.to_string()),
            ("Content-Type".to_owned(), expected.media_type.to_owned()),
        ]);
        let own = expected.headers.into_iter();
        headers.extend(own.map(|(name, value)| (name.to_owned(), value.into_owned())));
        assert_eq!(message.subject, subject);
        assert_eq!(message.headers, headers);
        assert_eq!(message.payload, expected.payload);
    }
}

#[tokio::test]
async fn the_stream_is_made_where_there_is_none_and_remembers_ids() {
    let nats = Nats::start();
    let sink = sink(&nats);
    let batch = events("t_a", 1, 3);
    for _ in 0..2 {
        let delivery = sink.deliver(&batch).await.unwrap();
        assert_eq!(delivery, Delivery { taken: 3 });
    }
    // the second time each was a repeat, which the stream drops
    assert_eq!(messages(&nats).await.len(), 3);
    let mut stream = context(&nats).await.get_stream(STREAM).await.unwrap();
    let config = stream.info().await.unwrap().config.clone();
    assert_eq!(config.subjects, ["nexus.raw.>"]);
    assert_eq!(config.storage, stream::StorageType::File);
    assert_eq!(config.duplicate_window.as_secs(), 600);
}

#[tokio::test]
async fn a_stream_that_is_there_stays_as_its_owner_made_it() {
    let nats = Nats::start();
    let own = stream::Config {
        name: STREAM.to_owned(),
        subjects: vec!["nexus.>".to_owned()],
        max_messages: 2,
        ..stream::Config::default()
    };
    context(&nats).await.create_stream(own).await.unwrap();
    sink(&nats).deliver(&events("t_a", 1, 3)).await.unwrap();
    assert_eq!(messages(&nats).await.len(), 2);
}

#[tokio::test]
async fn a_stream_that_takes_other_subjects_holds_the_events_up() {
    let nats = Nats::start();
    let other = stream::Config {
        name: STREAM.to_owned(),
        subjects: vec!["other.>".to_owned()],
        ..stream::Config::default()
    };
    context(&nats).await.create_stream(other).await.unwrap();
    assert_eq!(
        unavailable(&sink(&nats), &events("t_a", 1, 1)).await,
        (
            0,
            "stream NEXUS_RAW does not cover the subjects nexus.raw.>".to_owned()
        )
    );
}

/// The stream keeps the order of each scope, in any mixture of scopes in a batch.
#[tokio::test]
async fn within_a_scope_the_order_is_kept_and_scopes_do_not_wait_for_each_other() {
    let nats = Nats::start();
    let mut batch = Vec::new();
    for sequence in 1..=40 {
        for tenant in ["t_a", "t_b", "t_c"] {
            batch.extend(events(tenant, sequence, sequence));
        }
    }
    let delivery = sink(&nats).deliver(&batch).await.unwrap();
    assert_eq!(delivery, Delivery { taken: 120 });
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for message in messages(&nats).await {
        let event = message.event();
        let last = last.entry(event["tenant_id"].to_string()).or_default();
        *last += 1;
        assert_eq!(event["sequence"], *last);
    }
    assert_eq!(last.into_values().collect::<Vec<_>>(), [40; 3]);
}

/// Every event gets there, each after its predecessor, even if NATS stops in between.
#[tokio::test]
async fn what_was_not_acknowledged_before_a_stop_is_sent_after_it() {
    let nats = Nats::start();
    let sink = sink(&nats);
    let batch = events("t_a", 1, 60);
    let mut done = sink.deliver(&batch[..20]).await.unwrap().taken;
    nats.stop();
    let (taken, _) = unavailable(&sink, &batch[done..]).await;
    done += taken;
    nats.start_again();
    let began = std::time::Instant::now();
    while done < batch.len() {
        match sink.deliver(&batch[done..]).await {
            Ok(Delivery { taken }) => done += taken,
            Err(SinkError::Unavailable { taken, .. }) => {
                done += taken;
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            Err(other) => panic!("{other:?}"),
        }
        assert!(began.elapsed().as_secs() < 60, "{done} of 60");
    }
    let mut first_arrivals = Vec::new();
    for message in messages(&nats).await {
        let event = message.event();
        if !first_arrivals.contains(&event) {
            first_arrivals.push(event);
        }
    }
    let sent = batch
        .iter()
        .map(|event| serde_json::to_value(event).unwrap());
    assert_eq!(first_arrivals, sent.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_server_that_is_not_there_holds_the_events_up_and_is_found_when_it_comes() {
    let nats = Nats::start();
    let sink = sink(&nats);
    nats.stop();
    let (taken, reason) = unavailable(&sink, &events("t_a", 1, 2)).await;
    assert_eq!(taken, 0, "{reason}");
    nats.start_again();
    let delivery = sink.deliver(&events("t_a", 1, 2)).await.unwrap();
    assert_eq!(delivery, Delivery { taken: 2 });
}

/// The credentials are those of the URL, percent-decoded; the error of a refused login omits them.
#[tokio::test]
async fn a_guarded_server_hears_what_the_url_says() {
    for guard in [Guard::Password, Guard::Token] {
        let nats = Nats::guarded(guard);
        let delivery = sink(&nats).deliver(&events("t_a", 1, 2)).await.unwrap();
        assert_eq!(delivery, Delivery { taken: 2 });
        assert_eq!(messages(&nats).await.len(), 2);
        let mut wrong = settings(&nats);
        let mut url = wrong.url.as_url().clone();
        let set = match guard {
            Guard::Password => url.set_password(Some("hunter2")),
            _ => url.set_username("hunter2"),
        };
        set.unwrap();
        wrong.url = url.as_str().parse().unwrap();
        let stranger = NatsEventSink::new(wrong);
        let (taken, reason) = unavailable(&stranger, &events("t_a", 3, 3)).await;
        assert_eq!(taken, 0);
        assert!(reason.contains("authorization violation"), "{reason}");
        assert!(!reason.contains("hunter2"), "{reason}");
    }
}

/// It would hold up all the others for ever.
#[tokio::test]
async fn an_event_that_is_larger_than_the_stream_takes_is_refused() {
    let nats = Nats::start();
    let small = stream::Config {
        name: STREAM.to_owned(),
        subjects: vec!["nexus.raw.>".to_owned()],
        max_message_size: 2000,
        ..stream::Config::default()
    };
    context(&nats).await.create_stream(small).await.unwrap();
    let mut batch = events("t_a", 1, 3);
    let ids = (0..64).map(sample::asset_id).collect::<Vec<_>>();
    batch[1].body = EventBody {
        lineage: sample::derived_from(&ids).lineage,
        ..batch[1].body.clone()
    };
    let outcome = sink(&nats).deliver(&batch).await;
    let Err(SinkError::Refused { taken: 1, source }) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(source.to_string().contains("publish failed"), "{source}");
    assert_eq!(messages(&nats).await.len(), 1);
}

#[tokio::test]
async fn the_password_of_the_server_does_not_show() {
    let settings = NatsSinkSettings {
        url: "tls://user:secret@nats.example.com".parse().unwrap(),
        encoding: Encoding::Native,
    };
    let shown = format!("{settings:?} {:?}", NatsEventSink::new(settings.clone()));
    assert!(!shown.contains("secret"), "{shown}");
}

/// What is sent over it is taken and never arrives, and nothing is closed.
#[tokio::test]
async fn after_its_flow_fell_silent_events_are_taken_again_within_ten_seconds() {
    let nats = Nats::start();
    let mut settings = settings(&nats);
    let server = settings.url.as_url().socket_addrs(|| None).unwrap()[0];
    let proxy = SwallowingProxy::before(server);
    settings.url = format!("nats://{}", proxy.address()).parse().unwrap();
    let sink = NatsEventSink::new(settings);
    let taken = Delivery { taken: 1 };
    assert_eq!(sink.deliver(&events("t_a", 1, 1)).await.unwrap(), taken);
    proxy.swallow_flows();
    let silent = Instant::now();
    while sink.deliver(&events("t_a", 2, 2)).await.is_err() {
        assert!(silent.elapsed() < Duration::from_secs(10));
    }
    assert!(silent.elapsed() < Duration::from_secs(10));
    assert_eq!(messages(&nats).await.len(), 2);
}
