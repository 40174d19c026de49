//! The HTTP sink: what it sends, to the byte, and what it makes of each answer.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "where an expectation of the test's own support breaks, the test must end"
)]

mod contract;
#[expect(dead_code, reason = "other test binaries need more of it")]
#[path = "../example/mod.rs"]
mod example;
#[path = "../outbox/mod.rs"]
mod outbox;
mod receiver;
mod runs;

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use nexus_raw::{
    event::DatasetEvent,
    ports::{DatasetEventSink, Delivery, SinkError},
};
use nexus_raw_events::{
    HttpEventSink, HttpSinkError, HttpSinkSettings,
    encoding::{self, Encoding},
};
use nexus_raw_testkit::{
    FixedClock, SwallowingProxy, behind_a_dead_proxy,
    sample::{self, scope},
};
use sha2::Sha256;

use self::{
    example::registered,
    receiver::{Answer, Receiver, status},
};

const SECRET: &str = "a secret of at least 32 bytes, of both";

fn settings(receiver: &Receiver) -> HttpSinkSettings {
    HttpSinkSettings {
        url: receiver.url.as_str().parse().unwrap(),
        encoding: Encoding::CloudEvents,
        secret: None,
    }
}

fn sink(settings: HttpSinkSettings) -> HttpEventSink {
    HttpEventSink::new(settings, Arc::new(FixedClock::at(sample::now()))).unwrap()
}

fn events(count: u64) -> Vec<DatasetEvent> {
    (1..=count)
        .map(|sequence| sample::event(&scope("t_demo", "dev"), sequence))
        .collect()
}

/// What was taken before the receiver was unavailable, and why it was.
async fn unavailable(sink: &HttpEventSink, events: &[DatasetEvent]) -> (usize, String) {
    match sink.deliver(events).await {
        Err(SinkError::Unavailable { taken, source }) => (taken, source.to_string()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_event_is_one_post_of_its_encoding() {
    let receiver = Receiver::open(|_| status(204)).await;
    for encoding in [
        Encoding::Native,
        Encoding::CloudEvents,
        Encoding::CloudEventsBinary,
        Encoding::OpenLineage,
        Encoding::OpenLineageRun,
    ] {
        let before = receiver.got().len();
        let settings = HttpSinkSettings {
            encoding,
            ..settings(&receiver)
        };
        let delivery = sink(settings).deliver(&[registered()]).await.unwrap();
        assert_eq!(delivery, Delivery { taken: 1 });
        let got = receiver.got().swap_remove(before);
        let expected = encoding.encode(&registered()).unwrap().unwrap();
        assert_eq!(
            (&*got.method, &*got.target, &*got.body),
            ("POST", "/hook?key=hush", &*expected.payload)
        );
        let mut headers = got.headers;
        for (name, value) in expected.headers {
            assert_eq!(headers.remove(name).as_deref(), Some(&*value));
        }
        let rest: Vec<_> = headers
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        let length = expected.payload.len().to_string();
        let agent = concat!("nexus-raw/", env!("CARGO_PKG_VERSION"));
        assert_eq!(
            rest,
            [
                ("accept", "*/*"),
                ("content-length", &*length),
                ("content-type", expected.media_type),
                ("host", receiver.url.authority()),
                ("user-agent", agent),
            ]
        );
    }
}

#[tokio::test]
async fn a_batch_goes_over_one_connection_in_order() {
    let receiver = Receiver::open(|_| status(202)).await;
    let events = events(40);
    let delivery = sink(settings(&receiver)).deliver(&events).await.unwrap();
    assert_eq!(delivery, Delivery { taken: 40 });
    let bodies = receiver.got().into_iter().map(|got| got.body);
    let expected = events
        .iter()
        .map(|event| encoding::cloud_events(event).unwrap().payload);
    assert!(bodies.eq(expected));
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn a_request_is_signed_over_its_id_its_time_and_its_body() {
    let receiver = Receiver::open(|_| status(200)).await;
    let settings = HttpSinkSettings {
        secret: Some(SECRET.into()),
        ..settings(&receiver)
    };
    let event = registered();
    sink(settings)
        .deliver(std::slice::from_ref(&event))
        .await
        .unwrap();
    let got = receiver.got().remove(0);
    let timestamp = sample::now().as_unix_seconds();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{}.{timestamp}.", event.event_id).as_bytes());
    mac.update(&got.body);
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(got.headers["webhook-id"], event.event_id.to_string());
    assert_eq!(got.headers["webhook-timestamp"], timestamp.to_string());
    assert_eq!(got.headers["webhook-signature"], format!("v1,{signature}"));
}

#[tokio::test]
async fn an_unsigned_sink_sends_no_signature() {
    let receiver = Receiver::open(|_| status(200)).await;
    sink(settings(&receiver)).deliver(&events(1)).await.unwrap();
    let got = receiver.got().remove(0);
    assert!(!got.headers.keys().any(|name| name.starts_with("webhook-")));
}

#[tokio::test]
async fn an_event_that_the_receiver_refuses_is_refused_and_no_later_one_is_sent() {
    for code in [400, 413, 415, 422] {
        let receiver =
            Receiver::open(move |before| status(if before == 2 { code } else { 200 })).await;
        let outcome = sink(settings(&receiver)).deliver(&events(5)).await;
        let Err(SinkError::Refused { taken: 2, source }) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(source.to_string(), format!("receiver answered {code}"));
        assert_eq!(receiver.got().len(), 3);
    }
}

#[tokio::test]
async fn an_event_that_the_receiver_fails_on_is_distinguished_from_an_outage() {
    for code in [500, 501, 507, 599] {
        let receiver =
            Receiver::open(move |before| status(if before == 1 { code } else { 200 })).await;
        let outcome = sink(settings(&receiver)).deliver(&events(5)).await;
        let Err(SinkError::Failed { taken: 1, source }) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(source.to_string(), format!("receiver answered {code}"));
        assert_eq!(receiver.got().len(), 2);
    }
}

#[tokio::test]
async fn any_other_answer_holds_the_events_up() {
    for code in [301, 307, 401, 403, 404, 408, 409, 429, 502, 503, 504] {
        let answer = move |before| match before {
            0 => status(200),
            _ => Answer::Status(code, vec![("location", "http://127.0.0.1:1/".to_owned())]),
        };
        let receiver = Receiver::open(answer).await;
        assert_eq!(
            unavailable(&sink(settings(&receiver)), &events(3)).await,
            (1, format!("receiver answered {code}"))
        );
        assert_eq!(receiver.got().len(), 2, "{code}: no redirect is followed");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_and_one_that_is_refused_hold_the_events_up() {
    let receiver = Receiver::open(|before| {
        if before == 1 {
            Answer::Cut
        } else {
            status(200)
        }
    })
    .await;
    let sink_of_it = sink(settings(&receiver));
    let (taken, reason) = unavailable(&sink_of_it, &events(3)).await;
    assert_eq!(taken, 1);
    assert!(!reason.contains("hush"), "{reason}");
    // nothing rests: the next try goes through
    assert_eq!(
        sink_of_it.deliver(&events(3)[1..]).await.unwrap(),
        Delivery { taken: 2 }
    );
    let gone = settings(&receiver);
    drop(receiver);
    let (taken, reason) = unavailable(&sink(gone), &events(1)).await;
    assert_eq!(taken, 0);
    assert!(!reason.contains("hush"), "{reason}");
}

#[tokio::test]
async fn a_receiver_that_requests_a_pause_gets_nothing_until_it_is_over() {
    let answer = |before| match before {
        0 => Answer::Status(429, vec![("retry-after", "1".to_owned())]),
        _ => status(200),
    };
    let receiver = Receiver::open(answer).await;
    let sink = sink(settings(&receiver));
    let sent_at = std::time::Instant::now();
    assert_eq!(
        unavailable(&sink, &events(1)).await,
        (0, "receiver answered 429".to_owned())
    );
    assert_eq!(
        unavailable(&sink, &events(1)).await,
        (0, "receiver asked to retry after 1 s".to_owned())
    );
    assert_eq!(receiver.got().len(), 1);
    while sink.deliver(&events(1)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(sent_at.elapsed() < Duration::from_secs(10));
    }
    assert!(sent_at.elapsed() >= Duration::from_secs(1));
    assert_eq!(receiver.got().len(), 2);
}

/// Before the relay gives the delivery up, and would not know what was taken.
#[tokio::test]
async fn a_silent_receiver_is_given_up_within_four_seconds_and_what_was_taken_counts() {
    let receiver = Receiver::open(|before| {
        if before == 2 {
            Answer::Silence
        } else {
            status(200)
        }
    })
    .await;
    let started = std::time::Instant::now();
    let (taken, _) = unavailable(&sink(settings(&receiver)), &events(5)).await;
    assert_eq!(taken, 2);
    let spent = started.elapsed();
    assert!(spent < Duration::from_millis(4900), "{spent:?}");
}

#[test]
fn a_short_secret_is_refused() {
    let open = |secret: &str| {
        let settings = HttpSinkSettings {
            url: "https://hooks.example.com/".parse().unwrap(),
            encoding: Encoding::Native,
            secret: Some(secret.into()),
        };
        HttpEventSink::new(settings, Arc::new(FixedClock::at(sample::now()))).map(drop)
    };
    assert!(matches!(
        open("thirty-one bytes are not enough"),
        Err(HttpSinkError::ShortSecret)
    ));
    assert!(open(SECRET).is_ok());
}

#[tokio::test]
async fn neither_the_url_nor_the_secret_shows() {
    let receiver = Receiver::open(|_| status(200)).await;
    let settings = HttpSinkSettings {
        secret: Some(SECRET.into()),
        ..settings(&receiver)
    };
    for shown in [
        format!("{settings:?}"),
        format!("{:?}", sink(settings.clone())),
    ] {
        assert!(
            !shown.contains("hush") && !shown.contains("a secret"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn no_proxy_is_used() {
    if behind_a_dead_proxy("no_proxy_is_used") {
        let receiver = Receiver::open(|_| status(204)).await;
        let delivery = sink(settings(&receiver)).deliver(&events(1)).await;
        assert_eq!(delivery.unwrap(), Delivery { taken: 1 });
    }
}

/// What is sent over it is taken and never arrives, and nothing is closed.
#[tokio::test]
async fn after_its_flow_fell_silent_events_are_taken_again_within_ten_seconds() {
    let receiver = Receiver::open(|_| status(204)).await;
    let mut settings = settings(&receiver);
    let mut url = receiver.url.clone();
    let proxy = SwallowingProxy::before(url.socket_addrs(|| None).unwrap()[0]);
    url.set_port(Some(proxy.address().port())).unwrap();
    settings.url = url.as_str().parse().unwrap();
    let sink = sink(settings);
    let taken = Delivery { taken: 1 };
    assert_eq!(sink.deliver(&events(1)).await.unwrap(), taken);
    proxy.swallow_flows();
    let silent = std::time::Instant::now();
    while sink.deliver(&events(1)).await.is_err() {
        assert!(silent.elapsed() < Duration::from_secs(10));
    }
    assert!(silent.elapsed() < Duration::from_secs(10));
}
