use std::{sync::Arc, time::Duration};

use nexus_raw::ports::{DatasetEventSink, SinkName};
use nexus_raw_events::{Backoff, Relay, RelayError, RelaySettings};
use nexus_raw_testkit::{FakeCatalog, FixedClock, sample};
use uuid::Uuid;

use crate::support::ScriptedSink;

fn relay(names: &[&str], settings: RelaySettings) -> Result<Relay, RelayError> {
    let sinks = names
        .iter()
        .map(|name| ScriptedSink::willing(name) as Arc<dyn DatasetEventSink>);
    Relay::new(
        Arc::new(FakeCatalog::new()),
        sinks.collect(),
        Arc::new(FixedClock::at(sample::now())),
        Uuid::from_u128(1),
        settings,
    )
}

#[test]
fn the_names_of_the_sinks_are_in_their_order() {
    let relay = relay(&["nats", "log"], RelaySettings::default()).unwrap();
    let names: Vec<_> = relay.sink_names().map(SinkName::as_str).collect();
    assert_eq!(names, ["nats", "log"]);
}

#[test]
fn two_sinks_of_one_name_are_refused() {
    let error = relay(&["log", "nats", "log"], RelaySettings::default()).unwrap_err();
    assert_eq!(error, RelayError::RepeatedSink(SinkName::new("log")));
}

#[test]
fn settings_that_leave_no_room_to_work_are_refused() {
    let good = RelaySettings::default();
    let zero = Duration::ZERO;
    let backoff = |first, most| Backoff { first, most };
    for (settings, error) in [
        (RelaySettings { batch: 0, ..good }, RelayError::EmptyBatch),
        (
            RelaySettings {
                lease_ttl: zero,
                ..good
            },
            RelayError::NoWait,
        ),
        (
            RelaySettings {
                poll_interval: zero,
                ..good
            },
            RelayError::NoWait,
        ),
        (
            RelaySettings {
                deadline: zero,
                ..good
            },
            RelayError::NoWait,
        ),
        (
            RelaySettings {
                backoff: backoff(zero, zero),
                ..good
            },
            RelayError::NoWait,
        ),
        (
            RelaySettings {
                backoff: backoff(Duration::from_secs(2), Duration::from_secs(1)),
                ..good
            },
            RelayError::Backoff,
        ),
    ] {
        assert_eq!(relay(&["log"], settings).unwrap_err(), error);
    }
}
