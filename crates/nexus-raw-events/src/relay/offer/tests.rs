use std::{future::pending, time::Duration};

use nexus_raw_testkit::sample;

use super::*;
use crate::RelaySettings;

fn events() -> Vec<DatasetEvent> {
    let (a, b) = (sample::scope("t_a", "dev"), sample::scope("t_b", "dev"));
    [(&a, 1), (&b, 7), (&a, 2), (&a, 3)]
        .map(|(scope, sequence)| sample::event(scope, sequence))
        .into()
}

fn source() -> nexus_raw::ports::BoxError {
    "full".into()
}

fn read(events: &[DatasetEvent], answer: Result<Delivery, SinkError>) -> Outcome<'_> {
    Outcome::read(events, Ok(answer))
}

fn cursors(list: &[(&str, u64)]) -> BTreeMap<Scope, u64> {
    let list = list.iter();
    list.map(|(tenant, sequence)| (sample::scope(tenant, "dev"), *sequence))
        .collect()
}

fn unavailable(taken: usize) -> Result<Delivery, SinkError> {
    Err(SinkError::Unavailable {
        taken,
        source: source(),
    })
}

fn refused(taken: usize) -> Result<Delivery, SinkError> {
    Err(SinkError::Refused {
        taken,
        source: source(),
    })
}

fn by_scope<const N: usize>(
    answers: [(&str, Result<Delivery, SinkError>); N],
) -> Result<Delivery, SinkError> {
    let answers = answers.into_iter();
    let answers = answers.map(|(tenant, answer)| (sample::scope(tenant, "dev"), answer));
    Err(SinkError::ByScope(answers.collect()))
}

fn full(stop: impl Fn(String) -> Failure) -> Failure {
    stop("full".to_owned())
}

fn outage(of: &[(&str, u64)], reason: &str) -> Outcome<'static> {
    Outcome {
        cursors: cursors(of),
        failures: vec![],
        outage: Some(reason.to_owned()),
    }
}

#[test]
fn a_cursor_is_the_last_taken_of_its_scope() {
    let events = events();
    let all = [("t_a", 3), ("t_b", 7)];
    for (taken, of) in [(4, &all[..]), (1, &[("t_a", 1)]), (9, &all)] {
        let expected = Outcome {
            cursors: cursors(of),
            ..Outcome::default()
        };
        assert_eq!(read(&events, Ok(Delivery { taken })), expected);
    }
    assert_eq!(
        read(&events, unavailable(3)),
        outage(&[("t_a", 2), ("t_b", 7)], "full")
    );
}

#[test]
fn the_refused_event_is_the_one_after_those_taken() {
    let events = events();
    assert_eq!(
        read(&events, refused(2)).failures,
        [(&events[2], full(Failure::Refused))]
    );
    assert_eq!(read(&events, refused(4)), outage(&all_taken(), "full"));
}

fn all_taken() -> [(&'static str, u64); 2] {
    [("t_a", 3), ("t_b", 7)]
}

#[test]
fn each_scope_has_its_own_cursor_and_its_own_stop() {
    let events = events();
    let answer = by_scope([("t_a", unavailable(2)), ("t_b", Ok(Delivery { taken: 1 }))]);
    let expected = Outcome {
        cursors: cursors(&[("t_a", 2), ("t_b", 7)]),
        failures: vec![(&events[3], full(Failure::Unavailable))],
        outage: None,
    };
    let mut offer = read(&events, answer);
    assert_eq!(offer, expected);
    offer.separate_outage(&events, &HeldScopes::default());
    assert_eq!(offer, expected, "one scope was taken");
    let answer = by_scope([("t_a", refused(0)), ("t_b", unavailable(0))]);
    let expected = Outcome {
        failures: vec![
            (&events[0], full(Failure::Refused)),
            (&events[1], full(Failure::Unavailable)),
        ],
        ..Outcome::default()
    };
    let mut offer = read(&events, answer);
    assert_eq!(offer, expected);
    offer.separate_outage(&events, &HeldScopes::default());
    assert_eq!(offer, expected, "the sink answered about one scope");
    // a sink that reports more than its batch is believed no further than the batch
    let answer = by_scope([("t_c", refused(0)), ("t_b", Ok(Delivery { taken: 9 }))]);
    assert_eq!(read(&events, answer).cursors, cursors(&[("t_b", 7)]));
}

#[test]
fn no_scope_that_is_taken_is_an_outage_of_the_sink_unless_they_wait_already() {
    let (events, settings) = (events(), RelaySettings::default());
    let answer = || by_scope([("t_a", unavailable(2)), ("t_b", unavailable(0))]);
    let mut offer = read(&events, answer());
    offer.separate_outage(&events, &HeldScopes::default());
    assert_eq!(offer, outage(&[("t_a", 2)], "full"));
    let mut held = HeldScopes::default();
    held.unavailable(sample::scope("t_a", "dev"), 1, &settings);
    let mut offer = read(&events, answer());
    offer.separate_outage(&events, &held);
    assert_eq!(offer, outage(&[("t_a", 2)], "full"), "one of them is new");
    held.unavailable(sample::scope("t_b", "dev"), 7, &settings);
    let failures = vec![
        (&events[3], full(Failure::Unavailable)),
        (&events[1], full(Failure::Unavailable)),
    ];
    let expected = Outcome {
        cursors: cursors(&[("t_a", 2)]),
        failures,
        outage: None,
    };
    let mut offer = read(&events, answer());
    offer.separate_outage(&events, &held);
    assert_eq!(offer, expected);
    // and so where the outage is the sink's own: it is offered no other scope
    let mut offer = read(&events, unavailable(3));
    offer.separate_outage(&events, &held);
    assert_eq!(offer.outage, None);
    assert_eq!(offer.failures, [(&events[3], full(Failure::Unavailable))]);
}

#[test]
fn more_scopes_than_can_wait_are_an_outage_of_the_sink() {
    let (events, settings) = (events(), RelaySettings::default());
    let mut held = HeldScopes::default();
    let mut number = 0;
    while held.room() > 0 {
        number += 1;
        let scope = sample::scope(&format!("t_{number}"), "dev");
        held.unavailable(scope, 1, &settings);
    }
    assert_eq!(number, 1000);
    let answer = by_scope([("t_a", unavailable(0)), ("t_b", Ok(Delivery { taken: 1 }))]);
    let mut offer = read(&events, answer);
    offer.separate_outage(&events, &held);
    assert_eq!(offer, outage(&[("t_b", 7)], "full"));
}

#[tokio::test(start_paused = true)]
async fn silence_and_taking_nothing_count_as_being_unavailable() {
    let events = events();
    let late = tokio::time::timeout(Duration::from_secs(1), pending()).await;
    assert_eq!(
        Outcome::read(&events, late),
        outage(&[], "sink did not answer in time")
    );
    for nothing in [Ok(Delivery { taken: 0 }), by_scope([])] {
        assert_eq!(
            read(&events, nothing),
            outage(&[], "sink accepted no events")
        );
    }
}
