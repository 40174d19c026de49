//! What an operator is told of the server, the stream and the user's rights.

use std::time::Duration;

use async_nats::jetstream::{self, stream};
use nexus_raw::{
    checkup::{CheckVerdict, Examined},
    ports::DatasetEventSink as _,
};
use nexus_raw_testkit::Nats;

use super::{
    events,
    rights::{CREATE, INBOX, INFO, PUBLISH, documented},
    support::{STREAM, admin, context, messages, sink},
};

fn to_do(all: &[Examined]) -> Vec<(&'static str, CheckVerdict, &str)> {
    let acts = all.iter().filter(|it| it.verdict.asks_for_action());
    acts.map(|it| (it.check, it.verdict, it.found.as_str()))
        .collect()
}

fn notes(all: &[Examined]) -> Vec<&str> {
    let notes = all.iter().filter(|it| it.verdict == CheckVerdict::Note);
    notes.map(|it| it.found.as_str()).collect()
}

const ALONE: &str = "one server has the stream: with its disk the events are lost there";

#[tokio::test]
async fn of_what_the_sink_made_nothing_has_to_be_done_and_nothing_is_stored() {
    let nats = Nats::with_rights(documented());
    let sink = sink(&nats);
    let before = sink.examine().await;
    assert_eq!(to_do(&before), []);
    assert_eq!(
        notes(&before),
        ["NEXUS_RAW is not there yet: the first delivery creates it"]
    );
    let context = jetstream::new(admin(&nats).await);
    context.get_stream(STREAM).await.unwrap_err();
    sink.deliver(&events("t_a", 1, 1)).await.unwrap();
    let after = sink.examine().await;
    assert_eq!(to_do(&after), []);
    assert_eq!(notes(&after), [ALONE]);
    let sound: Vec<_> = after
        .iter()
        .filter(|it| it.verdict == CheckVerdict::Sound)
        .map(|it| it.check)
        .collect();
    assert_eq!(sound, ["nats.server", "nats.stream", "nats.rights"]);
    let mut stream = context.get_stream(STREAM).await.unwrap();
    assert_eq!(stream.info().await.unwrap().state.messages, 1);
}

#[tokio::test]
async fn each_missing_right_is_a_fault() {
    for (right, named) in [
        (PUBLISH, "Publish to \"nexus.raw.DOCTOR.none.none\""),
        (INFO, "Publish to \"$JS.API.STREAM.INFO.NEXUS_RAW\""),
        (INBOX, "Subscription to \"_INBOX."),
    ] {
        let quoted = format!("\"{right}\"");
        let nats = Nats::with_rights(&documented().replacen(&quoted, "\"nothing\"", 1));
        make(&jetstream::new(admin(&nats).await), |_| {}).await;
        let all = sink(&nats).examine().await;
        let [(check, verdict, found)] = to_do(&all)[..] else {
            panic!("{right}: {all:?}");
        };
        assert_eq!((check, verdict), ("nats.rights", CheckVerdict::Fault));
        let expected = format!("permission is missing: Permissions Violation for {named}");
        assert!(found.starts_with(&expected), "{found}");
    }
    // to make a stream that is there
    let nats = Nats::with_rights(&documented().replacen(CREATE, "nothing", 1));
    make(&jetstream::new(admin(&nats).await), |_| {}).await;
    assert_eq!(to_do(&sink(&nats).examine().await), []);
}

async fn make(context: &jetstream::Context, change: impl FnOnce(&mut stream::Config)) {
    let mut config = stream::Config {
        name: STREAM.to_owned(),
        subjects: vec![PUBLISH.to_owned()],
        ..stream::Config::default()
    };
    change(&mut config);
    context.create_stream(config).await.unwrap();
}

#[tokio::test]
async fn each_fault_of_a_stream_is_found() {
    type Change = fn(&mut stream::Config);
    let planted: [(Change, &str); 4] = [
        (
            |it| it.storage = stream::StorageType::Memory,
            "NEXUS_RAW is kept in memory, and gone with the server",
        ),
        (
            |it| it.duplicate_window = Duration::from_secs(1),
            "NEXUS_RAW drops repeats for 1 s only, and an event may be sent again later",
        ),
        (
            |it| it.max_message_size = 1024,
            "NEXUS_RAW takes messages of up to 1024 bytes, and events may be larger",
        ),
        (
            |it| it.no_ack = true,
            "NEXUS_RAW takes or acknowledges no messages",
        ),
    ];
    for (change, found) in planted {
        let nats = Nats::start();
        make(&context(&nats).await, change).await;
        let all = sink(&nats).examine().await;
        let of_stream: Vec<_> = to_do(&all)
            .into_iter()
            .filter(|it| it.0 == "nats.stream")
            .collect();
        assert_eq!(of_stream, [("nats.stream", CheckVerdict::Fault, found)]);
        assert_eq!(messages(&nats).await.len(), 0);
    }
}

#[tokio::test]
async fn a_stream_that_forgets_is_told() {
    let nats = Nats::start();
    let forgetful = |it: &mut stream::Config| {
        it.max_age = Duration::from_hours(48);
        it.max_messages = 1000;
        it.retention = stream::RetentionPolicy::Interest;
    };
    make(&context(&nats).await, forgetful).await;
    let all = sink(&nats).examine().await;
    assert_eq!(to_do(&all), []);
    assert_eq!(
        notes(&all),
        [
            "events are dropped after 48 h, read or not",
            "the oldest events are dropped once the stream is full, read or not",
            "an event is dropped once its consumers have acknowledged it",
            ALONE,
        ]
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unknown() {
    let nats = Nats::start();
    let sink = sink(&nats);
    nats.stop();
    let all = sink.examine().await;
    let [(check, verdict, found)] = to_do(&all)[..] else {
        panic!("{all:?}");
    };
    assert_eq!((check, verdict), ("nats.server", CheckVerdict::Unknown));
    assert!(!found.contains(Nats::PASSWORD), "{found}");
}
