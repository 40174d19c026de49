use std::{future::pending, time::Duration};

use nexus_raw_testkit::sample;

use super::*;

fn events() -> Vec<DatasetEvent> {
    let (a, b) = (sample::scope("t_a", "dev"), sample::scope("t_b", "dev"));
    [(&a, 1), (&b, 7), (&a, 2), (&a, 3)]
        .map(|(scope, sequence)| sample::event(scope, sequence))
        .into()
}

fn source() -> nexus_raw::ports::BoxError {
    "full".into()
}

fn read(
    events: &[DatasetEvent],
    answer: Result<Delivery, SinkError>,
) -> (Vec<(String, u64)>, Then<'_>) {
    let offer = Offer::read(events, Ok(answer));
    let cursors = offer.cursors().into_iter();
    let cursors = cursors.map(|(scope, sequence)| (scope.to_string(), sequence));
    (cursors.collect(), offer.then)
}

#[test]
fn a_cursor_is_the_last_taken_of_its_scope() {
    let events = events();
    let cursors = |list: &[(&str, u64)]| -> Vec<(String, u64)> {
        let list = list.iter();
        list.map(|(scope, sequence)| ((*scope).to_owned(), *sequence))
            .collect()
    };
    let all = cursors(&[("t_a/dev", 3), ("t_b/dev", 7)]);
    assert_eq!(
        read(&events, Ok(Delivery { taken: 4 })),
        (all.clone(), Then::More)
    );
    assert_eq!(
        read(&events, Ok(Delivery { taken: 1 })),
        (cursors(&[("t_a/dev", 1)]), Then::More)
    );
    let unavailable = SinkError::Unavailable {
        taken: 3,
        source: source(),
    };
    assert_eq!(
        read(&events, Err(unavailable)),
        (
            cursors(&[("t_a/dev", 2), ("t_b/dev", 7)]),
            Then::Unavailable("full".to_owned())
        )
    );
    assert_eq!(read(&events, Ok(Delivery { taken: 9 })), (all, Then::More));
}

#[test]
fn the_refused_event_is_the_one_after_those_taken() {
    let events = events();
    let refused = |taken| SinkError::Refused {
        taken,
        source: source(),
    };
    assert_eq!(
        read(&events, Err(refused(2))).1,
        Then::Refused(&events[2], "full".to_owned())
    );
    assert_eq!(
        read(&events, Err(refused(4))).1,
        Then::Unavailable("full".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn silence_and_taking_nothing_count_as_being_unavailable() {
    let events = events();
    let late = tokio::time::timeout(Duration::from_secs(1), pending()).await;
    let offer = Offer::read(&events, late);
    assert_eq!(offer.taken, []);
    assert_eq!(
        offer.then,
        Then::Unavailable("the event sink did not answer in time".to_owned())
    );
    assert_eq!(
        read(&events, Ok(Delivery { taken: 0 })).1,
        Then::Unavailable("the event sink took nothing".to_owned())
    );
}
